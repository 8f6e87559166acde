import type { PostgresAttemptLog } from "./postgres-attempt-log.ts";
import { createPostgresCommitter } from "./postgres-committer.ts";
import type { Scheduler } from "./scheduler.ts";
import type { AttemptWriter, StoreProblem } from "./types.ts";
import { createWriteQueue } from "./write-queue.ts";

/** Rows that wait in memory while the database does not take them. */
const JOURNAL_ROWS_MAX = 10_000;
const RETRY_MS = 250;
/** How long closing waits for a database that does not take rows, before it gives them up. */
const CLOSE_MS_MAX = 5_000;
const CLOSE_PAUSE_MS = 20;

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
	const { scheduler, journalRowsMax = JOURNAL_ROWS_MAX, closeMsMax = CLOSE_MS_MAX } = deps;
	const queue = createWriteQueue();
	const committer = createPostgresCommitter({ ...deps, queue });
	const drained: (() => void)[] = [];
	let isAtWork = false;

	function schedule(): void {
		if (isAtWork) {
			return;
		}
		isAtWork = true;
		if (committer.healthy()) {
			scheduler.soon(() => void work());
		} else {
			scheduler.later(RETRY_MS, () => void work());
		}
	}

	async function work(): Promise<void> {
		while (queue.size() > 0 && (await committer.commitBatch())) {}
		isAtWork = false;
		if (queue.size() > 0) {
			schedule();
			return;
		}
		for (const resolve of drained.splice(0)) {
			resolve();
		}
	}

	function makeRoom(): void {
		if (queue.size() >= journalRowsMax) {
			committer.giveUpOldest("journal_full");
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
			return committer.healthy() ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve();
		},
		healthy: committer.healthy,
		queued: queue.size,
		async flush() {
			if (queue.size() > 0) {
				await new Promise<void>((resolve) => drained.push(resolve));
			}
		},
		async close() {
			for (let waitedMs = 0; queue.size() > 0 && waitedMs < closeMsMax; waitedMs += CLOSE_PAUSE_MS) {
				await scheduler.pause(CLOSE_PAUSE_MS);
			}
			while (queue.size() > 0) {
				committer.giveUpOldest("closed");
			}
		},
	};
}
