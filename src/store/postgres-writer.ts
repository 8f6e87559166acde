import { settleLost } from "./committer.ts";
import { createOutboxDrain } from "./outbox-drain.ts";
import { createOutboxMover } from "./outbox-mover.ts";
import { createOutboxShelf } from "./outbox-shelf.ts";
import type { Outbox } from "./outbox-types.ts";
import type { PostgresAttemptLog } from "./postgres-attempt-log.ts";
import { createPostgresCommitter } from "./postgres-committer.ts";
import { createDirectWriter } from "./postgres-direct.ts";
import type { Scheduler } from "./scheduler.ts";
import type { AttemptWriter, StoreProblem } from "./types.ts";
import { createWaiters } from "./waiters.ts";
import { createWriteQueue, type WriteQueue } from "./write-queue.ts";

/** Rows that wait in memory, when neither the database nor the outbox takes them. */
const JOURNAL_ROWS_MAX = 10_000;
/** A commit takes a few milliseconds. One that takes this long is in trouble, and an answer waits for it no longer. */
const ANSWER_MS_MAX = 150;
/** How long closing waits for the database: as long as a statement may take. The outbox then has what is left. */
const CLOSE_MS_MAX = 2_000;
const CLOSE_PAUSE_MS = 20;

export interface PostgresWriterDeps {
	readonly log: PostgresAttemptLog;
	/** Stays open until the writer is closed. */
	readonly outbox: Outbox;
	/** Whose attempts these are: rows may reach the database after this process has ended. */
	readonly instance: string;
	readonly scheduler: Scheduler;
	readonly onProblem: (problem: StoreProblem) => void;
	readonly journalRowsMax?: number | undefined;
	/** How long a batch may take before its rows are put on local disk. Milliseconds. */
	readonly answerMsMax?: number | undefined;
	readonly closeMsMax?: number | undefined;
}

export interface PostgresAttemptWriter extends AttemptWriter {
	/** Rows that are in memory only. */
	queued(): number;
	/** Rows that are on local disk, and not known to be in the database. */
	outboxRows(): number;
	/** Resolves when everything handed over so far is in the database, and what an earlier process left in the outbox. */
	drained(): Promise<void>;
	/** Writes what is queued: to the database, or, when that does not take it within seconds, to the outbox. */
	close(): Promise<void>;
}

/**
 * Group commit: one statement at a time, with everything that was queued while the one before was on its way. One request
 * alone pays one round trip; a thousand at once share a few. When the database refuses, or is late, everything goes to the
 * outbox, and new rows too until the database has got it all. It may get a row twice, which changes nothing.
 */
export function createPostgresWriter(deps: PostgresWriterDeps): PostgresAttemptWriter {
	const { instance, journalRowsMax = JOURNAL_ROWS_MAX } = deps;
	const queue = createWriteQueue();
	const way = createWay(deps, queue);
	const { shelf, mover, direct, waiters } = way;

	function makeRoom(): void {
		if (queue.size() < journalRowsMax) {
			return;
		}
		if (shelf.takesRows()) {
			way.turnAway(new Error(`${queue.size()} rows wait for PostgreSQL.`));
		} else {
			shelf.giveUpOldest(direct.onTheirWay());
		}
	}

	return {
		opened(opening, atMs) {
			if (!way.isClosed()) {
				makeRoom();
				queue.addOpening({ opening, openedAtMs: atMs, instance });
				way.queued();
			}
		},
		settled(opening, openedAtMs, closing, atMs) {
			const write = { opening, openedAtMs, closing, settledAtMs: atMs, instance };
			if (way.isClosed()) {
				deps.onProblem(settleLost(write, "closed", undefined));
				return Promise.resolve();
			}
			makeRoom();
			const { waiting } = queue.addSettle(write);
			way.queued();
			const isJournal = way.isAway() && !shelf.takesRows();
			return isJournal ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve));
		},
		healthy: () => !way.isAway() || (shelf.takesRows() && mover.isReadable() && shelf.hasRoom()),
		queued: queue.size,
		outboxRows: mover.waiting,
		flush: () => waiters.until(() => queue.size() === 0),
		drained: () => waiters.until(() => queue.size() === 0 && !way.isAway()),
		close: () => way.close(deps.closeMsMax ?? CLOSE_MS_MAX),
	};
}

/** Which way rows go: straight to the database, or, from its first failure until it has everything, by the outbox. */
function createWay(deps: PostgresWriterDeps, queue: WriteQueue) {
	const { outbox, scheduler, onProblem } = deps;
	let isAway = outbox.count() > 0;
	let isAwayTold = false;
	let isClosed = false;
	const waiters = createWaiters();
	const database = createPostgresCommitter({ ...deps, answerMsMax: deps.answerMsMax ?? ANSWER_MS_MAX });
	const mover = createOutboxMover(deps);
	const shelf = createOutboxShelf({ ...deps, queue, onSpilled: waiters.look });
	const direct = createDirectWriter({
		...{ queue, database, shelf, scheduler, onProblem },
		isDirect: () => !isAway && !isClosed,
		onFailure: turnAway,
		onIdle: waiters.look,
	});
	const drain = createOutboxDrain({
		...{ mover, shelf, database, scheduler },
		writeQueued: direct.writeQueued,
		onFailure: tellAway,
		onBack: turnBack,
	});

	function tellAway(cause: unknown): void {
		if (!isAwayTold && !isClosed && mover.isReadable()) {
			isAwayTold = true;
			onProblem({ kind: "database_away", cause });
		}
	}

	function turnAway(cause: unknown): void {
		if (isClosed) {
			return;
		}
		const wasAway = isAway;
		isAway = true;
		tellAway(cause);
		shelf.open();
		if (!wasAway) {
			void drain.run();
		}
	}

	function turnBack(rowsReplayed: number): void {
		isAway = false;
		isAwayTold = false;
		onProblem({ kind: "database_back", rowsReplayed });
		queued();
		waiters.look();
	}

	function queued(): void {
		if (isAway) {
			shelf.queued();
		} else if (queue.size() > 0) {
			direct.queued();
		}
	}

	async function close(waitMsMax: number): Promise<void> {
		for (let waitedMs = 0; (queue.size() > 0 || isAway) && waitedMs < waitMsMax; waitedMs += CLOSE_PAUSE_MS) {
			await scheduler.pause(CLOSE_PAUSE_MS);
		}
		isClosed = true;
		drain.stop();
		mover.stop();
		shelf.close();
		if (mover.waiting() > 0) {
			onProblem({ kind: "outbox_left", rows: mover.waiting() });
		}
		waiters.look();
	}

	if (isAway) {
		shelf.open();
		void drain.run();
	}
	return {
		...{ shelf, mover, direct, waiters, turnAway, queued, close },
		isAway: () => isAway,
		isClosed: () => isClosed,
	};
}
