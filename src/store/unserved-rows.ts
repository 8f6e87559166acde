import { asc, eq, inArray, lt } from "drizzle-orm";
import type { Db } from "./db.ts";
import type { Housekeeping } from "./housekeeping-types.ts";
import type { Tables } from "./tables.ts";
import { rowsOf, type Steps, type Transact } from "./transact.ts";
import type { UnservedRequest } from "./types.ts";

/** The table of requests that no provider was asked for. */
export interface UnservedRows {
	/** All or none, in one statement. One that is there already stays as it is. Not empty. Rejects with what the database raises. */
	record(requests: readonly UnservedRequest[]): Promise<void>;
	byRequest(requestId: string): Promise<UnservedRequest | undefined>;
}

export function createUnservedRows({
	db,
	tables: { unservedRequests },
}: {
	readonly db: Db;
	readonly tables: Tables;
}): UnservedRows {
	return {
		async record(requests) {
			await db
				.insert(unservedRequests)
				.values(requests.map(({ atMs, team = null, code = null, ...same }) => ({ ...same, team, code, at: atMs })))
				.onConflictDoNothing();
		},
		async byRequest(requestId) {
			const [row] = await db.select().from(unservedRequests).where(eq(unservedRequests.requestId, requestId));
			if (row === undefined) {
				return undefined;
			}
			const { at: atMs, team, code, ...same } = row;
			return { ...same, team: team ?? undefined, code: code ?? undefined, atMs };
		},
	};
}

/** Both when their time is over and to make room before. */
export function createDropOldestUnserved({
	transact,
	tables: { unservedRequests },
}: {
	readonly transact: Transact;
	readonly tables: Tables;
}): Housekeeping["dropOldestUnserved"] {
	const { requestId, at } = unservedRequests;

	function* drop(db: Db, beforeMs: number, rowsMax: number): Steps<number> {
		const oldest = yield* rowsOf(
			db.select({ requestId }).from(unservedRequests).where(lt(at, beforeMs)).orderBy(asc(at)).limit(rowsMax),
		);
		const ids = oldest.map((row) => row.requestId);
		const gone = yield* rowsOf(db.delete(unservedRequests).where(inArray(requestId, ids)).returning({ requestId }));
		return gone.length;
	}

	return (beforeMs, rowsMax) => transact((db) => drop(db, beforeMs, rowsMax));
}
