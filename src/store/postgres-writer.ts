import { release, settleLost } from "./committer.ts";
import type { PostgresAttemptLog } from "./postgres-attempt-log.ts";
import { isPostgresRowFault } from "./postgres-errors.ts";
import type { Scheduler } from "./scheduler.ts";
import type { AttemptWriter, StoreProblem } from "./types.ts";
import { createWriteQueue, type QueuedSettle, type WriteBatch } from "./write-queue.ts";

/** Rows of one statement. */
const BATCH_ROWS_MAX = 500;
/** Rows that wait in memory while the database does not take them. */
const JOURNAL_ROWS_MAX = 10_000;
const RETRY_MS = 250;
/** How long closing waits for a database that does not take rows, before it gives them up. */
const CLOSE_MS_MAX = 5_000;

export interface PostgresWriterDeps {
	readonly log: PostgresAttemptLog;
	readonly scheduler: Scheduler;
	readonly onProblem: (problem: StoreProblem) => void;
	readonly journalRowsMax?: number | undefined;
	readonly closeMsMax?: number | undefined;
}

export interface PostgresAttemptWriter extends AttemptWriter {
	/** Rows that are not known to be in the database. */
	queued(): number;
	/** Writes what is queued; what the database still does not take after some seconds is reported as lost. */
	close(): Promise<void>;
}

/**
 * Group commit: one statement at a time, with everything that was queued while the one before was on its way. One request
 * alone pays one round trip; a thousand at once share a few. A statement whose answer never came is sent again: it changes
 * nothing that it has already changed.
 */
export function createPostgresWriter(deps: PostgresWriterDeps): PostgresAttemptWriter {
	const { scheduler, onProblem, journalRowsMax = JOURNAL_ROWS_MAX, closeMsMax = CLOSE_MS_MAX } = deps;
	const queue = createWriteQueue();
	const drained: (() => void)[] = [];
	const givenUp = new Set<QueuedSettle>();
	let inFlight: ReadonlySet<unknown> = new Set();
	let isScheduled = false;
	let isHealthy = true;
	let openingsDropped = 0;

	function schedule(): void {
		if (!isScheduled) {
			isScheduled = true;
			if (isHealthy) {
				scheduler.soon(() => void work());
			} else {
				scheduler.later(RETRY_MS, () => void work());
			}
		}
	}

	async function work(): Promise<void> {
		while (queue.size() > 0 && (await commitBatch())) {}
		isScheduled = false;
		if (queue.size() > 0) {
			schedule();
		} else {
			for (const resolve of drained.splice(0)) {
				resolve();
			}
		}
	}

	/** False when the database did not take the rows: they stay in the queue. */
	async function commitBatch(): Promise<boolean> {
		const batch = queue.next(BATCH_ROWS_MAX);
		inFlight = new Set([...batch.openings, ...batch.settles]);
		try {
			await writeBatch(deps, batch);
		} catch (cause) {
			refuse(cause);
			return false;
		} finally {
			inFlight = new Set();
		}
		givenUp.clear();
		queue.remove(batch);
		batch.settles.forEach(release);
		if (!isHealthy) {
			isHealthy = true;
			onProblem({ kind: "writes_recovered", openingsDropped });
			openingsDropped = 0;
		}
		return true;
	}

	function refuse(cause: unknown): void {
		if (isHealthy) {
			isHealthy = false;
			onProblem({ kind: "writes_failing", cause });
		}
		// Their rows are in the journal now, and no answer should wait for a database.
		queue.forEachSettle(release);
		for (const write of givenUp) {
			onProblem(settleLost(write, "journal_full", cause));
		}
		givenUp.clear();
	}

	function giveUpOldest(reason: "journal_full" | "closed"): void {
		const dropped = queue.takeOldest();
		if (dropped === undefined || !("closing" in dropped)) {
			openingsDropped += dropped === undefined ? 0 : 1;
			return;
		}
		release(dropped);
		if (inFlight.has(dropped)) {
			// On its way, and lost only if it does not arrive.
			givenUp.add(dropped);
		} else {
			onProblem(settleLost(dropped, reason, undefined));
		}
	}

	function makeRoom(): void {
		if (queue.size() >= journalRowsMax) {
			giveUpOldest("journal_full");
		}
	}

	async function flush(): Promise<void> {
		if (queue.size() > 0) {
			await new Promise<void>((resolve) => drained.push(resolve));
		}
	}

	return {
		opened(opening, atMs) {
			makeRoom();
			queue.addOpening({ opening, openedAtMs: atMs });
			schedule();
		},
		settled(opening, openedAtMs, closing, atMs) {
			makeRoom();
			const { waiting } = queue.addSettle({ opening, openedAtMs, closing, settledAtMs: atMs });
			schedule();
			return isHealthy ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve();
		},
		healthy: () => isHealthy,
		queued: () => queue.size(),
		flush,
		async close() {
			await Promise.race([flush(), scheduler.pause(closeMsMax)]);
			while (queue.size() > 0) {
				giveUpOldest("closed");
			}
		},
	};
}

/**
 * Writes a batch. A row that can never be written must not hold up the others: it is found by writing one at a time.
 * (A refused opening is reported when its settle is refused for the same reason.)
 * @throws What the database raises about anything but a row.
 */
async function writeBatch({ log, onProblem }: PostgresWriterDeps, { openings, settles }: WriteBatch): Promise<void> {
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
