import type { Database } from "bun:sqlite";
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
import type { Db, SyncDb } from "./db.ts";
import type { Tables } from "./tables.ts";
import type { ConversationChange, ConversationStore, HistoryBounds, ItemsAdded } from "./types.ts";

export interface ConversationStoreDeps {
	readonly client: Database;
	readonly db: Db;
	readonly syncDb: SyncDb;
	readonly tables: Tables;
	readonly items: ConversationItems;
	/** Lets other work go on between two statements of a long job. */
	readonly turn: () => Promise<void>;
	/** Called after each commit. */
	readonly onCommit: () => void;
}

type NewConversation = Omit<ConversationRecord, "itemCount" | "bytes">;

/** Writes are synchronous transactions: one with an await in it would commit at the await. */
export function createConversationStore(deps: ConversationStoreDeps): ConversationStore {
	const { client, syncDb, tables, items } = deps;
	const { conversations, conversationItems } = tables;

	const create = client.transaction((record: NewConversation, given: readonly Item[]): void => {
		syncDb
			.insert(conversations)
			.values({
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
			})
			.run();
		items.append({ ...record, conversationId: record.id }, given.map(encodeItem));
	});

	const add = client.transaction(
		(change: ConversationChange, given: readonly Item[], bounds: HistoryBounds): ItemsAdded => {
			const { conversationId } = change;
			const size = items.size(conversationId);
			if (size === undefined) {
				return { kind: "gone" };
			}
			const ids = given.map(({ id }) => id);
			const duplicate = firstDuplicate(ids, items.known(conversationId, ids));
			if (duplicate !== undefined) {
				return { kind: "duplicate", id: duplicate };
			}
			const encoded = given.map(encodeItem);
			if (size.items + given.length > bounds.countMax || size.bytes + bytesOf(encoded) > bounds.bytesMax) {
				return { kind: "full" };
			}
			items.append(change, encoded);
			return { kind: "added" };
		},
	);

	const remove = client.transaction((id: string): boolean => {
		syncDb.delete(conversationItems).where(eq(conversationItems.conversationId, id)).run();
		return syncDb.delete(conversations).where(eq(conversations.id, id)).run().changes > 0;
	});

	const removeItem = client.transaction((change: ConversationChange, itemId: string) => items.remove(change, itemId));

	function committed<Result>(result: Result): Result {
		deps.onCommit();
		return result;
	}

	return {
		...readsOf(deps),
		async create(record, given) {
			committed(create.immediate(record, given));
		},
		async setMetadata({ conversationId, changedAtMs, expiresAtMs }, metadata) {
			const set = { metadata, changedAt: changedAtMs, expiresAt: expiresAtMs };
			const { changes } = syncDb.update(conversations).set(set).where(eq(conversations.id, conversationId)).run();
			return committed(changes > 0);
		},
		async delete(id) {
			return committed(remove.immediate(id));
		},
		async addItems(change, given, bounds) {
			return committed(add.immediate(change, given, bounds));
		},
		async deleteItem(change, itemId) {
			return committed(removeItem.immediate(change, itemId));
		},
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
