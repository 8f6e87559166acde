import type { Outbox } from "./outbox-types.ts";
import type { Bury } from "./postgres-bury.ts";
import { END } from "./postgres-membership.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import type { AttemptReader } from "./types.ts";

export interface PostgresRecoverDeps {
	readonly pool: PostgresPool;
	readonly outbox: Outbox;
	readonly instanceId: string;
	readonly bury: Bury;
	/** Resolves when the database has what an earlier process left in the outbox. */
	readonly drained: () => Promise<void>;
}

/**
 * Settles what was left by the process that had this data directory before: it has ended, since the directory is locked.
 * What other instances have dispatched is theirs. Only then the directory is this one's: a crash in between changes nothing.
 */
export function createPostgresRecover(deps: PostgresRecoverDeps): AttemptReader["recover"] {
	const { pool, outbox, instanceId, bury, drained } = deps;
	let predecessor = outbox.previousInstance;
	return async (atMs) => {
		// What it has settled must not be charged at the reservation.
		await drained();
		const gone = predecessor;
		const recovered = [];
		if (gone !== undefined) {
			await pool.run((connection) => connection.values(END, [gone]));
			recovered.push(...(await bury(gone, atMs, "wait")));
		}
		predecessor = undefined;
		outbox.takeOver(instanceId);
		return recovered;
	};
}
