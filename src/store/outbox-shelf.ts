import type { AttemptLog } from "./attempt-log.ts";
import type { SettleWrite } from "./attempt-rows.ts";
import { createCommitter } from "./committer.ts";
import type { Outbox } from "./outbox-types.ts";
import type { Scheduler } from "./scheduler.ts";
import type { StoreProblem } from "./types.ts";
import type { WriteQueue } from "./write-queue.ts";

const RETRY_MS = 250;

export interface OutboxShelfDeps {
	readonly outbox: Outbox;
	readonly queue: WriteQueue;
	readonly scheduler: Scheduler;
	readonly onProblem: (problem: StoreProblem) => void;
	/** Called when the queue is empty: all of it is on disk. */
	readonly onSpilled: () => void;
}

/** Puts what is queued into the outbox, while it is open. */
export interface OutboxShelf {
	/** Everything that is queued goes to disk now, in one transaction; what follows, when the events at hand are handled. */
	open(): void;
	/** What is queued stays there. */
	shut(): void;
	isOpen(): boolean;
	/** Rows have been queued. */
	queued(): void;
	/** False while the disk refuses rows: they wait in memory, and are tried again. */
	takesRows(): boolean;
	/** False when so much waits on disk that nothing new should begin. */
	hasRoom(): boolean;
	recover(): void;
	giveUpOldest(spared: ReadonlySet<unknown>): void;
	/** A last try; what the disk still refuses is reported as lost. */
	close(): void;
}

export function createOutboxShelf(deps: OutboxShelfDeps): OutboxShelf {
	const { outbox, queue, scheduler, onProblem, onSpilled } = deps;
	const log = toAttemptLog(outbox);
	const committer = createCommitter({
		log,
		queue,
		onProblem,
		onCommit: tellFull,
		batchRowsMax: Number.POSITIVE_INFINITY,
	});
	let isOpen = false;
	let isScheduled = false;
	let isFullTold = false;

	function tellFull(): void {
		if (!isFullTold && !outbox.hasRoom()) {
			isFullTold = true;
			onProblem({ kind: "outbox_full", rows: outbox.count() });
		}
	}

	function spill(): void {
		if (isOpen && queue.size() > 0 && !committer.commitBatch()) {
			schedule();
		} else if (queue.size() === 0) {
			onSpilled();
		}
	}

	function schedule(): void {
		if (isScheduled || !isOpen) {
			return;
		}
		isScheduled = true;
		const task = () => {
			isScheduled = false;
			spill();
		};
		if (committer.healthy()) {
			scheduler.soon(task);
		} else {
			scheduler.later(RETRY_MS, task);
		}
	}

	return {
		open() {
			isOpen = true;
			spill();
		},
		shut() {
			isOpen = false;
			// Only a nearly empty outbox is shut: the next time it is full is another story.
			isFullTold = false;
		},
		isOpen: () => isOpen,
		queued: schedule,
		takesRows: committer.healthy,
		hasRoom: outbox.hasRoom,
		recover: committer.recover,
		giveUpOldest: (spared) => committer.giveUpOldest("journal_full", spared),
		close() {
			isOpen = false;
			if (queue.size() > 0 && !committer.commitBatch()) {
				while (queue.size() > 0) {
					committer.giveUpOldest("closed");
				}
			}
		},
	};
}

function toAttemptLog(outbox: Outbox): AttemptLog {
	return {
		write(openings, settles) {
			outbox.append([
				...openings.map((write) => ({ kind: "opening", write }) as const),
				...settles.map((write) => ({ kind: "settle", write: withoutWaiting(write) }) as const),
			]);
		},
	};
}

/** Those who wait for a queued row are no part of it. */
function withoutWaiting(write: SettleWrite & { readonly waiting?: unknown }): SettleWrite {
	const { waiting: _, ...row } = write;
	return row;
}
