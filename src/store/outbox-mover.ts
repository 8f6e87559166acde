import type { OpeningWrite, SettleWrite } from "./attempt-rows.ts";
import { settleLost } from "./committer.ts";
import type { Outbox, OutboxRow } from "./outbox-types.ts";
import { BATCH_ROWS_MAX, type LedgerBatch, type RefusedSettle } from "./postgres-committer.ts";
import type { Scheduler } from "./scheduler.ts";
import type { StoreProblem } from "./types.ts";

const DROP_RETRY_MS = 1_000;

export type PlacedRow = ReturnType<Outbox["oldest"]>[number];

export interface OutboxMoverDeps {
	readonly outbox: Outbox;
	readonly scheduler: Scheduler;
	readonly onProblem: (problem: StoreProblem) => void;
}

/** Takes rows out of the outbox that are written to the database. A row leaves the disk only when the database has it. */
export interface OutboxMover {
	/** The oldest rows that are not written yet, one batch at most. @throws What the disk raises. */
	next(): readonly PlacedRow[];
	/** @throws What `write` throws: the rows stay. */
	move(rows: readonly PlacedRow[], write: (batch: LedgerBatch) => Promise<readonly RefusedSettle[]>): Promise<void>;
	/** Rows that are only here. */
	waiting(): number;
	/** False while the disk does not give its rows away. */
	isReadable(): boolean;
	/** Touches the outbox no more. */
	stop(): void;
}

export function createOutboxMover({ outbox, scheduler, onProblem }: OutboxMoverDeps): OutboxMover {
	let writtenThrough = 0;
	/** Written, but the disk does not drop them. It may be full for a long time, and the database is well meanwhile. */
	let undropped = 0;
	let isReadable = true;
	let isFailing = false;
	let isStopped = false;

	function fail(cause: unknown): void {
		if (!isFailing) {
			isFailing = true;
			onProblem({ kind: "outbox_failing", cause });
		}
	}

	function drop(): void {
		try {
			outbox.dropThrough(writtenThrough);
			undropped = 0;
			isFailing = !isReadable;
		} catch (cause) {
			fail(cause);
		}
	}

	function dropLater(): void {
		scheduler.later(DROP_RETRY_MS, () => {
			if (undropped > 0 && !isStopped) {
				drop();
				dropLater();
			}
		});
	}

	return {
		next() {
			try {
				const rows = outbox.oldest(BATCH_ROWS_MAX, writtenThrough);
				isReadable = true;
				return rows;
			} catch (cause) {
				isReadable = false;
				fail(cause);
				throw cause;
			}
		},
		async move(rows, write) {
			const refused = await write(toBatch(rows));
			if (isStopped) {
				return;
			}
			for (const { write: settle, cause } of refused) {
				onProblem(settleLost(settle, "row_refused", cause));
			}
			const hadUndropped = undropped > 0;
			writtenThrough = rows.at(-1)?.place ?? writtenThrough;
			undropped += rows.length;
			drop();
			if (undropped > 0 && !hadUndropped) {
				dropLater();
			}
		},
		waiting: () => outbox.count() - undropped,
		isReadable: () => isReadable,
		stop() {
			isStopped = true;
		},
	};
}

/** One row for each attempt, as a statement needs them: the first settle counts, and an opening only without one. */
function toBatch(rows: readonly PlacedRow[]): LedgerBatch {
	const openings = new Map<string, OpeningWrite>();
	const settles = new Map<string, SettleWrite>();
	for (const { row } of rows) {
		const key = keyOf(row);
		if (row.kind === "settle" && !settles.has(key)) {
			openings.delete(key);
			settles.set(key, row.write);
		} else if (row.kind === "opening" && !settles.has(key)) {
			openings.set(key, row.write);
		}
	}
	return { openings: [...openings.values()], settles: [...settles.values()] };
}

function keyOf({ write: { opening } }: OutboxRow): string {
	return `${opening.requestId} ${opening.attempt}`;
}
