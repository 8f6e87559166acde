import type { AttemptLog } from "./attempt-log.ts";
import { createCommitter } from "./committer.ts";
import type { Scheduler } from "./scheduler.ts";
import type { AttemptWriter, StoreProblem } from "./types.ts";
import { createWriteQueue } from "./write-queue.ts";

/** Rows that wait in memory while the disk refuses them. */
const JOURNAL_ROWS_MAX = 10_000;
const RETRY_MS = 250;
/** How often closing tries a disk that refuses rows, every RETRY_MS, before it gives them up. */
const CLOSE_TRIES_MAX = 8;

export interface AttemptWriterDeps {
	readonly log: AttemptLog;
	readonly scheduler: Scheduler;
	readonly onProblem: (problem: StoreProblem) => void;
	/** Called after each commit. */
	readonly onCommit: () => void;
	readonly journalRowsMax?: number;
}

export interface GroupCommitWriter extends AttemptWriter {
	/** Rows not on disk yet. */
	queued(): number;
	/** Writes what is queued; what a refusing disk still does not take after two seconds is reported as lost. */
	close(): Promise<void>;
}

/**
 * Group commit: one transaction as soon as the events at hand are handled, with whatever they queued. One request alone
 * pays one commit; a thousand at once share a few. Commits are synchronous, so a queue grows only while the disk refuses.
 */
export function createAttemptWriter(deps: AttemptWriterDeps): GroupCommitWriter {
	const { scheduler, journalRowsMax = JOURNAL_ROWS_MAX } = deps;
	const queue = createWriteQueue();
	const committer = createCommitter({ ...deps, queue });
	const drained: (() => void)[] = [];
	let isScheduled = false;

	function schedule(): void {
		if (isScheduled) {
			return;
		}
		isScheduled = true;
		if (committer.healthy()) {
			scheduler.soon(run);
		} else {
			scheduler.later(RETRY_MS, run);
		}
	}

	function run(): void {
		isScheduled = false;
		if (queue.size() > 0) {
			commit();
		}
		if (queue.size() > 0) {
			schedule();
		}
	}

	function commit(): boolean {
		const isWritten = committer.commitBatch();
		if (queue.size() === 0) {
			for (const resolve of drained.splice(0)) {
				resolve();
			}
		}
		return isWritten;
	}

	function makeRoom(): void {
		const isFull = queue.size() >= journalRowsMax;
		if (isFull && !(committer.healthy() && commit())) {
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
		healthy: () => committer.healthy(),
		queued: () => queue.size(),
		async flush() {
			while (queue.size() > 0 && commit()) {}
			if (queue.size() > 0) {
				await new Promise<void>((resolve) => drained.push(resolve));
			}
		},
		async close() {
			for (let tries = 1; queue.size() > 0 && tries <= CLOSE_TRIES_MAX; tries += 1) {
				while (queue.size() > 0 && commit()) {}
				if (queue.size() > 0) {
					await scheduler.pause(RETRY_MS);
				}
			}
			while (queue.size() > 0) {
				committer.giveUpOldest("closed");
			}
		},
	};
}
