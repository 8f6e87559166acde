import { asc, lt } from "drizzle-orm";
import type { Db } from "./db.ts";
import { deleteConversations, deleteResponses, upToBytes } from "./delete-kept.ts";
import type { Housekeeping } from "./housekeeping-types.ts";
import type { Tables } from "./tables.ts";
import { rowsOf, type Steps, type Transact } from "./transact.ts";

/** Makes room before their time is over: of responses and conversations those that nobody has touched for longest. */
export function createDropOldestKept({
	transact,
	tables,
}: {
	readonly transact: Transact;
	readonly tables: Tables;
}): Housekeeping["dropOldestKept"] {
	const { responses, conversations } = tables;

	function* drop(db: Db, beforeMs: number, rowsMax: number): Steps<number> {
		const made = yield* rowsOf(
			db
				.select({ id: responses.id, bytes: responses.bytes, atMs: responses.createdAt })
				.from(responses)
				.where(lt(responses.createdAt, beforeMs))
				.orderBy(asc(responses.createdAt))
				.limit(rowsMax),
		);
		const changed = yield* rowsOf(
			db
				.select({ id: conversations.id, bytes: conversations.bytes, atMs: conversations.changedAt })
				.from(conversations)
				.where(lt(conversations.changedAt, beforeMs))
				.orderBy(asc(conversations.changedAt))
				.limit(rowsMax),
		);
		const oldest = Math.min(made[0]?.atMs ?? beforeMs, changed[0]?.atMs ?? beforeMs);
		return made[0]?.atMs === oldest
			? yield* deleteResponses(db, tables, upToBytes(made))
			: yield* deleteConversations(db, tables, upToBytes(changed));
	}

	return (beforeMs, rowsMax) => transact((db) => drop(db, beforeMs, rowsMax));
}
