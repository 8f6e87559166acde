import type { AttemptLog } from "./attempt-log.ts";
import type { SettleWrite } from "./attempt-rows.ts";
import { isRowFault } from "./sqlite-errors.ts";
import type { StoreProblem } from "./types.ts";
import type { QueuedSettle, WriteBatch, WriteQueue } from "./write-queue.ts";

/** Rows of one transaction: about 5 ms of the event loop. */
const BATCH_ROWS_MAX = 256;

export interface CommitterDeps {
	readonly log: AttemptLog;
	readonly queue: WriteQueue;
	readonly onProblem: (problem: StoreProblem) => void;
	/** Called after each commit. */
	readonly onCommit: () => void;
	/** Rows of one transaction. Default 256. */
	readonly batchRowsMax?: number | undefined;
}

/** Moves rows from the queue to the disk, and knows whether the disk takes them. */
export interface Committer {
	/** One transaction. False when the disk refused: the rows stay in the queue. */
	commitBatch(): boolean;
	healthy(): boolean;
	/** The journal's rows have found another way: as if the disk had taken them. */
	recover(): void;
	/** Takes the oldest row out of a full journal. `spared` ones stay: they are on their way somewhere. */
	giveUpOldest(reason: "journal_full" | "closed", spared?: ReadonlySet<unknown>): void;
}

export function createCommitter(deps: CommitterDeps): Committer {
	const { log, queue, onProblem, onCommit, batchRowsMax = BATCH_ROWS_MAX } = deps;
	let isHealthy = true;
	let openingsDropped = 0;

	function refuse(cause: unknown): void {
		if (isHealthy) {
			isHealthy = false;
			onProblem({ kind: "writes_failing", cause });
		}
		// Their rows are in the journal now, and no answer should wait for a disk.
		queue.forEachSettle(release);
	}

	function recover(): void {
		if (!isHealthy) {
			isHealthy = true;
			onProblem({ kind: "writes_recovered", openingsDropped });
			openingsDropped = 0;
		}
	}

	return {
		commitBatch() {
			const batch = queue.next(batchRowsMax);
			try {
				writeBatch(log, batch, (write, cause) => onProblem(settleLost(write, "row_refused", cause)));
			} catch (error) {
				refuse(error);
				return false;
			}
			queue.remove(batch);
			batch.settles.forEach(release);
			recover();
			onCommit();
			return true;
		},
		healthy: () => isHealthy,
		recover,
		giveUpOldest(reason, spared) {
			const dropped = queue.takeOldest(spared);
			if (dropped !== undefined && "closing" in dropped) {
				onProblem(settleLost(dropped, reason, undefined));
				release(dropped);
			} else if (dropped !== undefined) {
				openingsDropped += 1;
			}
		},
	};
}

/**
 * Writes a batch. A row that can never be written must not hold up the others: it is found by writing one at a time, and
 * given to `onRefused`. (A refused opening is reported when its settle is refused for the same reason.)
 * @throws What the disk raises.
 */
function writeBatch(log: AttemptLog, batch: WriteBatch, onRefused: (write: SettleWrite, cause: unknown) => void): void {
	const wholeError = attemptWrite(log, batch);
	if (wholeError === undefined) {
		return;
	}
	for (const opening of batch.openings) {
		attemptWrite(log, { openings: [opening], settles: [] });
	}
	for (const settle of batch.settles) {
		const error = attemptWrite(log, { openings: [], settles: [settle] });
		if (error !== undefined) {
			onRefused(settle, error);
		}
	}
}

/** @returns The fault of a row, undefined when all is written. @throws What the disk raises. */
function attemptWrite(log: AttemptLog, { openings, settles }: WriteBatch): unknown {
	try {
		log.write(openings, settles);
		return undefined;
	} catch (error) {
		if (isRowFault(error)) {
			return error;
		}
		throw error;
	}
}

export function settleLost(
	{ opening, closing }: SettleWrite,
	reason: "journal_full" | "row_refused" | "closed",
	cause: unknown,
): StoreProblem {
	const { requestId, attempt, keyId } = opening;
	return { kind: "settle_lost", reason, requestId, attempt, keyId, costNano: closing.costNano, cause };
}

export function release({ waiting }: QueuedSettle): void {
	for (const resolve of waiting.splice(0)) {
		resolve();
	}
}
