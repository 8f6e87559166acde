import type { Database } from "bun:sqlite";
import { asc, lt } from "drizzle-orm";
import type { SyncDb } from "./db.ts";
import { deleteConversations, deleteResponses, upToBytes } from "./delete-kept.ts";
import type { Tables } from "./tables.ts";
import type { Housekeeping } from "./types.ts";

/** Makes room before their time is over: of responses and conversations those that nobody has touched for longest. */
export function createDropOldestKept(deps: {
	readonly client: Database;
	readonly syncDb: SyncDb;
	readonly tables: Tables;
	readonly onCommit: () => void;
}): Housekeeping["dropOldestKept"] {
	const { client, syncDb, tables, onCommit } = deps;
	const { responses, conversations } = tables;

	const drop = client.transaction((beforeMs: number, rowsMax: number): number => {
		const made = syncDb
			.select({ id: responses.id, bytes: responses.bytes, atMs: responses.createdAt })
			.from(responses)
			.where(lt(responses.createdAt, beforeMs))
			.orderBy(asc(responses.createdAt))
			.limit(rowsMax)
			.all();
		const changed = syncDb
			.select({ id: conversations.id, bytes: conversations.bytes, atMs: conversations.changedAt })
			.from(conversations)
			.where(lt(conversations.changedAt, beforeMs))
			.orderBy(asc(conversations.changedAt))
			.limit(rowsMax)
			.all();
		const oldest = Math.min(made[0]?.atMs ?? beforeMs, changed[0]?.atMs ?? beforeMs);
		return made[0]?.atMs === oldest
			? deleteResponses(deps, upToBytes(made))
			: deleteConversations(deps, upToBytes(changed));
	});

	return async (beforeMs, rowsMax) => {
		const dropped = drop.immediate(beforeMs, rowsMax);
		if (dropped > 0) {
			onCommit();
		}
		return dropped;
	};
}
