import { and, inArray, type SQL } from "drizzle-orm";
import { slices } from "./conversation-items.ts";
import type { Db } from "./db.ts";
import type { Tables } from "./tables.ts";
import { rowsOf, run, type Steps } from "./transact.ts";

/** What one transaction deletes: freeing pages takes time too. */
const DELETE_BYTES_MAX = 16 * 1024 * 1024;

/** Deletes responses and their items. Belongs into a transaction of its caller. Returns how many there were. */
export function* deleteResponses(db: Db, tables: Tables, ids: readonly string[]): Steps<number> {
	const { responses, responseItems } = tables;
	let removed = 0;
	for (const some of slices(ids)) {
		const gone = yield* rowsOf(db.delete(responses).where(inArray(responses.id, some)).returning({ id: responses.id }));
		yield* run(db.delete(responseItems).where(inArray(responseItems.responseId, some)));
		removed += gone.length;
	}
	return removed;
}

/**
 * Deletes conversations and their items. Belongs into a transaction of its caller. Returns how many there were.
 * @param only What must still be true of them: others may write to them until they are locked.
 */
export function* deleteConversations(db: Db, tables: Tables, ids: readonly string[], only?: SQL): Steps<number> {
	const { conversations, conversationItems } = tables;
	let removed = 0;
	for (const some of slices(ids)) {
		const gone = yield* rowsOf(
			db
				.delete(conversations)
				.where(and(inArray(conversations.id, some), only))
				.returning({ id: conversations.id }),
		);
		const goneIds = gone.map(({ id }) => id);
		yield* run(db.delete(conversationItems).where(inArray(conversationItems.conversationId, goneIds)));
		removed += gone.length;
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
