import { inArray } from "drizzle-orm";
import { slices } from "./conversation-items.ts";
import type { SyncDb } from "./db.ts";
import type { Tables } from "./tables.ts";

/** What one transaction deletes: freeing pages takes time too. */
const DELETE_BYTES_MAX = 16 * 1024 * 1024;

interface KeptTables {
	readonly syncDb: SyncDb;
	readonly tables: Tables;
}

/** Deletes responses and their items. Belongs into a transaction of its caller. Returns how many there were. */
export function deleteResponses({ syncDb, tables }: KeptTables, ids: readonly string[]): number {
	const { responses, responseItems } = tables;
	let removed = 0;
	for (const some of slices(ids)) {
		syncDb.delete(responseItems).where(inArray(responseItems.responseId, some)).run();
		removed += syncDb.delete(responses).where(inArray(responses.id, some)).run().changes;
	}
	return removed;
}

/** Deletes conversations and their items. Belongs into a transaction of its caller. Returns how many there were. */
export function deleteConversations({ syncDb, tables }: KeptTables, ids: readonly string[]): number {
	const { conversations, conversationItems } = tables;
	let removed = 0;
	for (const some of slices(ids)) {
		syncDb.delete(conversationItems).where(inArray(conversationItems.conversationId, some)).run();
		removed += syncDb.delete(conversations).where(inArray(conversations.id, some)).run().changes;
	}
	return removed;
}

/** As many as one transaction deletes, at least one. */
export function upToBytes(rows: readonly { readonly id: string; readonly bytes: number }[]): readonly string[] {
	let bytes = 0;
	const ids: string[] = [];
	for (const row of rows) {
		bytes += row.bytes;
		if (ids.length > 0 && bytes > DELETE_BYTES_MAX) {
			break;
		}
		ids.push(row.id);
	}
	return ids;
}
