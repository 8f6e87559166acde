import { release, settleLost } from "./committer.ts";
import type { PostgresAttemptLog } from "./postgres-attempt-log.ts";
import { isPostgresRowFault } from "./postgres-errors.ts";
import type { StoreProblem } from "./types.ts";
import type { QueuedSettle, WriteBatch, WriteQueue } from "./write-queue.ts";

/** Rows of one statement. */
const BATCH_ROWS_MAX = 500;

export interface PostgresCommitterDeps {
	readonly log: PostgresAttemptLog;
	readonly queue: WriteQueue;
	readonly onProblem: (problem: StoreProblem) => void;
}

/** Moves rows from the queue to the database, and knows whether it takes them. */
export interface PostgresCommitter {
	/** One transaction, and never two at a time. False when the database did not take the rows: they stay in the queue. */
	commitBatch(): Promise<boolean>;
	healthy(): boolean;
	/** Takes the oldest row out of a full journal. */
	giveUpOldest(reason: "journal_full" | "closed"): void;
}

export function createPostgresCommitter(deps: PostgresCommitterDeps): PostgresCommitter {
	const { queue, onProblem } = deps;
	/** Of the batch on its way: taken out of the queue meanwhile, and lost only if it does not arrive. */
	const givenUp = new Map<QueuedSettle, "journal_full" | "closed">();
	let inFlight: ReadonlySet<unknown> = new Set();
	let isHealthy = true;
	let openingsDropped = 0;

	function refuse(cause: unknown): void {
		if (isHealthy) {
			isHealthy = false;
			onProblem({ kind: "writes_failing", cause });
		}
		// Their rows are in the journal now, and no answer should wait for a database.
		queue.forEachSettle(release);
		for (const [write, reason] of givenUp) {
			onProblem(settleLost(write, reason, cause));
		}
	}

	function recover(): void {
		if (!isHealthy) {
			isHealthy = true;
			onProblem({ kind: "writes_recovered", openingsDropped });
			openingsDropped = 0;
		}
	}

	return {
		async commitBatch() {
			const batch = queue.next(BATCH_ROWS_MAX);
			inFlight = new Set([...batch.openings, ...batch.settles]);
			try {
				await writeBatch(deps, batch);
			} catch (error) {
				refuse(error);
				return false;
			} finally {
				inFlight = new Set();
				givenUp.clear();
			}
			queue.remove(batch);
			batch.settles.forEach(release);
			recover();
			return true;
		},
		healthy: () => isHealthy,
		giveUpOldest(reason) {
			const dropped = queue.takeOldest();
			if (dropped === undefined) {
				return;
			}
			if (!("closing" in dropped)) {
				openingsDropped += 1;
				return;
			}
			release(dropped);
			if (inFlight.has(dropped)) {
				givenUp.set(dropped, reason);
			} else {
				onProblem(settleLost(dropped, reason, undefined));
			}
		},
	};
}

/**
 * Writes a batch. A row that can never be written must not hold up the others: it is found by writing one at a time.
 * (A refused opening is reported when its settle is refused for the same reason.)
 * @throws What the database raises about anything but a row.
 */
async function writeBatch({ log, onProblem }: PostgresCommitterDeps, { openings, settles }: WriteBatch): Promise<void> {
	if ((await rowFault(() => log.write(openings, settles))) === undefined) {
		return;
	}
	for (const opening of openings) {
		await rowFault(() => log.write([opening], []));
	}
	for (const settle of settles) {
		const cause = await rowFault(() => log.write([], [settle]));
		if (cause !== undefined) {
			onProblem(settleLost(settle, "row_refused", cause));
		}
	}
}

/** @returns The fault of a row, undefined when all is written. @throws What the database raises. */
async function rowFault(write: () => Promise<void>): Promise<unknown> {
	try {
		await write();
		return undefined;
	} catch (error) {
		if (isPostgresRowFault(error)) {
			return error;
		}
		throw error;
	}
}
