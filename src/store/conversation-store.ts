import { and, asc, desc, eq, gt, lt } from "drizzle-orm";
import type { ConversationRecord, Item } from "../responses/types.ts";
import {
	bytesOf,
	type ConversationItems,
	decodeItem,
	encodeItem,
	firstDuplicate,
	STATEMENT_ROWS_MAX,
} from "./conversation-items.ts";
import type { Db } from "./db.ts";
import type { Tables } from "./tables.ts";
import { rowsOf, run, type Steps, type Transact } from "./transact.ts";
import type { ConversationChange, ConversationStore, HistoryBounds, ItemsAdded } from "./types.ts";

export interface ConversationStoreDeps {
	readonly db: Db;
	readonly transact: Transact;
	readonly tables: Tables;
	readonly items: ConversationItems;
	/** Lets other work go on between two statements of a long job. */
	readonly turn: () => Promise<void>;
}

type NewConversation = Omit<ConversationRecord, "itemCount" | "bytes">;

export function createConversationStore(deps: ConversationStoreDeps): ConversationStore {
	const { transact, tables, items } = deps;
	const { conversations, conversationItems } = tables;

	function* create(db: Db, record: NewConversation, given: readonly Item[]): Steps<void> {
		yield* run(
			db.insert(conversations).values({
				id: record.id,
				keyId: record.keyId,
				team: record.team ?? null,
				createdAt: record.createdAtMs,
				changedAt: record.changedAtMs,
				expiresAt: record.expiresAtMs,
				metadata: record.metadata,
				items: 0,
				bytes: 0,
				nextPosition: 0,
			}),
		);
		yield* items.append(db, { ...record, conversationId: record.id }, given.map(encodeItem));
	}

	function* add(db: Db, change: ConversationChange, given: readonly Item[], bounds: HistoryBounds): Steps<ItemsAdded> {
		const { conversationId } = change;
		const size = yield* items.size(db, conversationId);
		if (size === undefined) {
			return { kind: "gone" };
		}
		const ids = given.map(({ id }) => id);
		const duplicate = firstDuplicate(ids, yield* items.known(db, conversationId, ids));
		if (duplicate !== undefined) {
			return { kind: "duplicate", id: duplicate };
		}
		const encoded = given.map(encodeItem);
		if (size.items + given.length > bounds.countMax || size.bytes + bytesOf(encoded) > bounds.bytesMax) {
			return { kind: "full" };
		}
		yield* items.append(db, change, encoded);
		return { kind: "added" };
	}

	/** The conversation first, since that locks it: nobody adds an item that would be left behind. */
	function* remove(db: Db, id: string): Steps<boolean> {
		const removed = yield* rowsOf(
			db.delete(conversations).where(eq(conversations.id, id)).returning({ id: conversations.id }),
		);
		yield* run(db.delete(conversationItems).where(eq(conversationItems.conversationId, id)));
		return removed.length > 0;
	}

	/** The size first, since that locks the conversation. */
	function* removeItem(db: Db, change: ConversationChange, itemId: string): Steps<boolean> {
		const size = yield* items.size(db, change.conversationId);
		return size !== undefined && (yield* items.remove(db, change, itemId));
	}

	return {
		...readsOf(deps),
		create: (record, given) => transact((db) => create(db, record, given)),
		async setMetadata({ conversationId, changedAtMs, expiresAtMs }, metadata) {
			const set = { metadata, changedAt: changedAtMs, expiresAt: expiresAtMs };
			const changed = await transact((db) =>
				rowsOf(
					db
						.update(conversations)
						.set(set)
						.where(eq(conversations.id, conversationId))
						.returning({ id: conversations.id }),
				),
			);
			return changed.length > 0;
		},
		delete: (id) => transact((db) => remove(db, id)),
		addItems: (change, given, bounds) => transact((db) => add(db, change, given, bounds)),
		deleteItem: (change, itemId) => transact((db) => removeItem(db, change, itemId)),
	};
}

type Reads = Pick<ConversationStore, "get" | "listItems" | "allItems" | "getItem">;

function readsOf({ db, tables: { conversations, conversationItems }, turn }: ConversationStoreDeps): Reads {
	const of = (id: string) => eq(conversationItems.conversationId, id);

	async function positionOf(id: string, itemId: string): Promise<number | undefined> {
		const [row] = await db
			.select({ position: conversationItems.position })
			.from(conversationItems)
			.where(and(of(id), eq(conversationItems.itemId, itemId)));
		return row?.position;
	}

	return {
		async get(id, { nowMs, keptSinceMs }) {
			const [row] = await db
				.select()
				.from(conversations)
				.where(
					and(eq(conversations.id, id), gt(conversations.expiresAt, nowMs), gt(conversations.changedAt, keptSinceMs)),
				);
			return row && toRecord(row);
		},
		async listItems(id, { order, after, limit }) {
			const start = after === undefined ? undefined : await positionOf(id, after);
			if (after !== undefined && start === undefined) {
				return undefined;
			}
			const { position } = conversationItems;
			const beyond = start === undefined ? undefined : order === "asc" ? gt(position, start) : lt(position, start);
			const rows = await db
				.select({ item: conversationItems.item })
				.from(conversationItems)
				.where(and(of(id), beyond))
				.orderBy(order === "asc" ? asc(position) : desc(position))
				.limit(limit + 1);
			return { items: rows.slice(0, limit).map(decodeItem), hasMore: rows.length > limit };
		},
		async allItems(id) {
			const items: Item[] = [];
			let last = -1;
			for (;;) {
				const rows = await db
					.select({ position: conversationItems.position, item: conversationItems.item })
					.from(conversationItems)
					.where(and(of(id), gt(conversationItems.position, last)))
					.orderBy(asc(conversationItems.position))
					.limit(STATEMENT_ROWS_MAX);
				items.push(...rows.map(decodeItem));
				last = rows.at(-1)?.position ?? last;
				if (rows.length < STATEMENT_ROWS_MAX) {
					return items;
				}
				await turn();
			}
		},
		async getItem(id, itemId) {
			const [row] = await db
				.select({ item: conversationItems.item })
				.from(conversationItems)
				.where(and(of(id), eq(conversationItems.itemId, itemId)));
			return row && decodeItem(row);
		},
	};
}

function toRecord(row: Tables["conversations"]["$inferSelect"]): ConversationRecord {
	return {
		id: row.id,
		keyId: row.keyId,
		team: row.team ?? undefined,
		createdAtMs: row.createdAt,
		changedAtMs: row.changedAt,
		expiresAtMs: row.expiresAt,
		metadata: row.metadata,
		itemCount: row.items,
		bytes: row.bytes,
	};
}
