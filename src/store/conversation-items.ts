import { and, eq, inArray, sql } from "drizzle-orm";
import { renamed } from "../responses/items.ts";
import type { Item } from "../responses/types.ts";
import type { Db } from "./db.ts";
import type { Tables } from "./tables.ts";
import { rowsOf, run, type Steps } from "./transact.ts";
import type { ConversationChange } from "./types.ts";

/** Rows of one statement, well below the number of values a statement may have. */
export const STATEMENT_ROWS_MAX = 500;

/** An item as it is written. */
export interface EncodedItem {
	readonly itemId: string;
	/** UTF-8 bytes of the text. */
	readonly bytes: number;
	readonly item: string;
}

export function encodeItem(item: Item): EncodedItem {
	const text = JSON.stringify(item);
	return { itemId: item.id, bytes: Buffer.byteLength(text), item: text };
}

export function decodeItem({ item }: { readonly item: string }): Item {
	// What encodeItem wrote.
	return JSON.parse(item) as Item;
}

export function bytesOf(items: readonly { readonly bytes: number }[]): number {
	return items.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The items of conversations. Every step belongs into a transaction of its caller. */
export interface ConversationItems {
	/**
	 * How large a conversation is; undefined when there is none. It stays so until the transaction is over: other
	 * instances that want to change it wait.
	 */
	size(db: Db, conversationId: string): Steps<{ readonly items: number; readonly bytes: number } | undefined>;
	/** Which of these ids the conversation has already. */
	known(db: Db, conversationId: string, itemIds: readonly string[]): Steps<ReadonlySet<string>>;
	/** Adds items at the end. False when the conversation is gone. Their ids must be new to it. */
	append(db: Db, change: ConversationChange, items: readonly EncodedItem[]): Steps<boolean>;
	/** False when there is no such item. */
	remove(db: Db, change: ConversationChange, itemId: string): Steps<boolean>;
}

export function createConversationItems(tables: Tables): ConversationItems {
	const { conversations, conversationItems } = tables;

	/** Counts what came or went, and begins the conversation's time anew. */
	function changed(db: Db, change: ConversationChange, by: { readonly items: number; readonly bytes: number }) {
		return db
			.update(conversations)
			.set({
				items: sql`${conversations.items} + ${by.items}`,
				bytes: sql`${conversations.bytes} + ${by.bytes}`,
				nextPosition: sql`${conversations.nextPosition} + ${Math.max(0, by.items)}`,
				changedAt: change.changedAtMs,
				expiresAt: change.expiresAtMs,
			})
			.where(eq(conversations.id, change.conversationId))
			.returning({ nextPosition: conversations.nextPosition });
	}

	return {
		*size(db, conversationId) {
			// Changes nothing: both databases lock the row by it.
			const [row] = yield* rowsOf(
				db
					.update(conversations)
					.set({ items: sql`${conversations.items}` })
					.where(eq(conversations.id, conversationId))
					.returning({ items: conversations.items, bytes: conversations.bytes }),
			);
			return row;
		},
		*known(db, conversationId, itemIds) {
			const { itemId } = conversationItems;
			const found = new Set<string>();
			for (const ids of slices(itemIds)) {
				const rows = yield* rowsOf(
					db
						.select({ itemId })
						.from(conversationItems)
						.where(and(eq(conversationItems.conversationId, conversationId), inArray(itemId, ids))),
				);
				for (const row of rows) {
					found.add(row.itemId);
				}
			}
			return found;
		},
		*append(db, change, items) {
			const { conversationId } = change;
			// First of all, since it locks the conversation: the positions it gives are this transaction's own.
			const [row] = yield* rowsOf(changed(db, change, { items: items.length, bytes: bytesOf(items) }));
			if (row === undefined) {
				return false;
			}
			const start = row.nextPosition - items.length;
			const rows = items.map((item, index) => ({ conversationId, position: start + index, ...item }));
			for (const slice of slices(rows)) {
				yield* run(db.insert(conversationItems).values(slice));
			}
			return true;
		},
		*remove(db, change, itemId) {
			const removed = yield* rowsOf(
				db
					.delete(conversationItems)
					.where(and(eq(conversationItems.conversationId, change.conversationId), eq(conversationItems.itemId, itemId)))
					.returning({ bytes: conversationItems.bytes }),
			);
			if (removed.length === 0) {
				return false;
			}
			yield* run(changed(db, change, { items: -removed.length, bytes: -bytesOf(removed) }));
			return true;
		},
	};
}

/** Items whose ids are new to a conversation and to each other: one that is not gets a new id. */
export function withNewIds(items: readonly Item[], known: ReadonlySet<string>): readonly Item[] {
	const taken = new Set(known);
	return items.map((item) => {
		const own = taken.has(item.id) ? renamed(item) : item;
		taken.add(own.id);
		return own;
	});
}

/** The first id that is there twice. */
export function firstDuplicate(ids: readonly string[], known: ReadonlySet<string>): string | undefined {
	const taken = new Set(known);
	for (const id of ids) {
		if (taken.has(id)) {
			return id;
		}
		taken.add(id);
	}
	return undefined;
}

export function slices<T>(rows: readonly T[]): T[][] {
	return Array.from({ length: Math.ceil(rows.length / STATEMENT_ROWS_MAX) }, (_, index) =>
		rows.slice(index * STATEMENT_ROWS_MAX, (index + 1) * STATEMENT_ROWS_MAX),
	);
}
