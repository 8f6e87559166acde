import type { OutboxMover, PlacedRow } from "./outbox-mover.ts";
import type { OutboxShelf } from "./outbox-shelf.ts";
import { BATCH_ROWS_MAX, type PostgresCommitter } from "./postgres-committer.ts";
import type { Scheduler } from "./scheduler.ts";

const RETRY_MS = 250;
const RETRY_MS_MAX = 1_000;

export interface OutboxDrainDeps {
	readonly mover: OutboxMover;
	readonly shelf: OutboxShelf;
	readonly database: PostgresCommitter;
	readonly scheduler: Scheduler;
	/** Writes a batch of the queue, if there is one. @throws What the database raises. */
	readonly writeQueued: () => Promise<void>;
	/** The database does not take rows yet. */
	readonly onFailure: (cause: unknown) => void;
	/** The database has everything, and rows may go to it directly again. */
	readonly onBack: (rowsReplayed: number) => void;
}

/** Brings the outbox to the database, oldest rows first, however long that takes. */
export interface OutboxDrain {
	/** Works until the outbox is empty. One at a time. */
	run(): Promise<void>;
	stop(): void;
}

export function createOutboxDrain(deps: OutboxDrainDeps): OutboxDrain {
	const { mover, shelf, database, scheduler, writeQueued, onFailure, onBack } = deps;
	/** The last batch was answered in time, so that the next one will probably be. */
	let isQuick = false;
	let isStopped = false;
	let rowsReplayed = 0;

	function pause(delayMs: number): Promise<void> {
		return new Promise((resolve) => scheduler.later(delayMs, resolve));
	}

	/** @returns Whether the database has everything. */
	async function step(): Promise<boolean> {
		const rows = mover.next();
		if (isQuick && rows.length < BATCH_ROWS_MAX) {
			return finish(rows);
		}
		isQuick = true;
		if (rows.length > 0) {
			await mover.move(rows, (batch) => database.write(batch, late));
			rowsReplayed += rows.length;
		} else {
			// A database that is slow, but not now: a moment later nobody would say so any more.
			await pause(RETRY_MS);
		}
		return false;
	}

	/**
	 * The last rows there are. New ones wait behind them in memory, in time as any other write: rows that go on coming into
	 * the outbox would never let it become empty.
	 */
	async function finish(rows: readonly PlacedRow[]): Promise<boolean> {
		shelf.shut();
		if (rows.length > 0) {
			await mover.move(rows, database.writeInTime);
			rowsReplayed += rows.length;
		} else {
			await writeQueued();
		}
		return mover.waiting() === 0;
	}

	function late(): void {
		isQuick = false;
	}

	return {
		async run() {
			isQuick = false;
			rowsReplayed = 0;
			let pauseMs = RETRY_MS;
			while (!isStopped) {
				try {
					// A late write is still on its way perhaps.
					await database.ended();
					if ((await step()) && !isStopped) {
						shelf.shut();
						onBack(rowsReplayed);
						return;
					}
					pauseMs = RETRY_MS;
				} catch (cause) {
					isQuick = false;
					if (!isStopped) {
						shelf.open();
					}
					onFailure(cause);
					await pause(pauseMs);
					pauseMs = Math.min(2 * pauseMs, RETRY_MS_MAX);
				}
			}
		},
		stop() {
			isStopped = true;
		},
	};
}
