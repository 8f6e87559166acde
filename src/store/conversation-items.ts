import { and, eq, inArray, sql } from "drizzle-orm";
import { renamed } from "../responses/items.ts";
import type { Item } from "../responses/types.ts";
import type { SyncDb } from "./db.ts";
import type { Tables } from "./tables.ts";
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

/** The items of conversations. Synchronous throughout: every call belongs into a transaction of its caller. */
export interface ConversationItems {
	/** How large a conversation is; undefined when there is none. */
	size(conversationId: string): { readonly items: number; readonly bytes: number } | undefined;
	/** Which of these ids the conversation has already. */
	known(conversationId: string, itemIds: readonly string[]): ReadonlySet<string>;
	/** Adds items at the end. False when the conversation is gone. Their ids must be new to it. */
	append(change: ConversationChange, items: readonly EncodedItem[]): boolean;
	/** False when there is no such item. */
	remove(change: ConversationChange, itemId: string): boolean;
}

export function createConversationItems(db: SyncDb, tables: Tables): ConversationItems {
	const { conversations, conversationItems } = tables;

	function place(conversationId: string) {
		return db
			.select({
				items: conversations.items,
				bytes: conversations.bytes,
				nextPosition: conversations.nextPosition,
			})
			.from(conversations)
			.where(eq(conversations.id, conversationId))
			.get();
	}

	/** Counts what came or went, and begins the conversation's time anew. */
	function changed(change: ConversationChange, by: { readonly items: number; readonly bytes: number }): void {
		db.update(conversations)
			.set({
				items: sql`${conversations.items} + ${by.items}`,
				bytes: sql`${conversations.bytes} + ${by.bytes}`,
				nextPosition: sql`${conversations.nextPosition} + ${Math.max(0, by.items)}`,
				changedAt: change.changedAtMs,
				expiresAt: change.expiresAtMs,
			})
			.where(eq(conversations.id, change.conversationId))
			.run();
	}

	return {
		size: place,
		known(conversationId, itemIds) {
			const found = slices(itemIds).flatMap((ids) =>
				db
					.select({ itemId: conversationItems.itemId })
					.from(conversationItems)
					.where(and(eq(conversationItems.conversationId, conversationId), inArray(conversationItems.itemId, ids)))
					.all(),
			);
			return new Set(found.map(({ itemId }) => itemId));
		},
		append(change, items) {
			const { conversationId } = change;
			const start = place(conversationId);
			if (start === undefined) {
				return false;
			}
			const rows = items.map((item, index) => ({ conversationId, position: start.nextPosition + index, ...item }));
			for (const slice of slices(rows)) {
				db.insert(conversationItems).values(slice).run();
			}
			changed(change, { items: items.length, bytes: bytesOf(items) });
			return true;
		},
		remove(change, itemId) {
			const wanted = and(
				eq(conversationItems.conversationId, change.conversationId),
				eq(conversationItems.itemId, itemId),
			);
			const row = db.select({ bytes: conversationItems.bytes }).from(conversationItems).where(wanted).get();
			if (row === undefined) {
				return false;
			}
			db.delete(conversationItems).where(wanted).run();
			changed(change, { items: -1, bytes: -row.bytes });
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
