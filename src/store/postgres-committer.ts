import type { OpeningWrite, SettleWrite } from "./attempt-rows.ts";
import type { PostgresAttemptLog } from "./postgres-attempt-log.ts";
import { isPostgresRowFault, PostgresTimeout } from "./postgres-errors.ts";
import type { Scheduler } from "./scheduler.ts";

/** Rows of one statement. */
export const BATCH_ROWS_MAX = 500;

export interface LedgerBatch {
	readonly openings: readonly OpeningWrite[];
	readonly settles: readonly SettleWrite[];
}

/** A settle that can never be written, and why. */
export interface RefusedSettle {
	readonly write: SettleWrite;
	readonly cause: unknown;
}

export interface PostgresCommitterDeps {
	readonly log: PostgresAttemptLog;
	readonly scheduler: Scheduler;
	/** An answer that takes longer is late. Milliseconds. */
	readonly answerMsMax: number;
}

/** Brings rows to the database: never two statements at a time. */
export interface PostgresCommitter {
	/**
	 * Resolves when the database has answered, however late it does.
	 * @param onLate Called once when it is late.
	 * @returns The settles that it will never take; the others are written.
	 */
	write(batch: LedgerBatch, onLate: () => void): Promise<readonly RefusedSettle[]>;
	/** The same, but @throws PostgresTimeout when it is late: then what is on its way may still come to pass. */
	writeInTime(batch: LedgerBatch): Promise<readonly RefusedSettle[]>;
	/** Resolves when nothing is on its way any more: within the deadline of the connections. */
	ended(): Promise<void>;
}

export function createPostgresCommitter({ log, scheduler, answerMsMax }: PostgresCommitterDeps): PostgresCommitter {
	let last: Promise<unknown> = Promise.resolve();

	/** In two halves: an event loop that stood still through one of them gives the database the other one. */
	function watch(job: Promise<unknown>, onLate: () => void): void {
		let isOver = false;
		const end = () => {
			isOver = true;
		};
		void job.then(end, end);
		const half = (then: () => void) => () => void (isOver || then());
		const look = half(onLate);
		scheduler.later(
			answerMsMax / 2,
			half(() => scheduler.later(answerMsMax / 2, look)),
		);
	}

	function write(batch: LedgerBatch, onLate: () => void): Promise<readonly RefusedSettle[]> {
		const job = writeRows(log, batch);
		last = job.catch(() => {});
		watch(job, onLate);
		return job;
	}

	return {
		write,
		writeInTime(batch) {
			const { promise, resolve, reject } = Promise.withResolvers<readonly RefusedSettle[]>();
			const late = () => reject(new PostgresTimeout(`PostgreSQL did not answer within ${answerMsMax} ms.`));
			write(batch, late).then(resolve, reject);
			return promise;
		},
		async ended() {
			await last;
		},
	};
}

/**
 * Writes rows. One that can never be written must not hold up the others: it is found by halving, since a whole batch
 * fails with it. (A refused opening is reported when its settle is refused for the same reason.)
 * @throws What the database raises about anything but a row.
 */
async function writeRows(log: PostgresAttemptLog, batch: LedgerBatch): Promise<readonly RefusedSettle[]> {
	const { openings, settles } = batch;
	try {
		await log.write(openings, settles);
		return [];
	} catch (cause) {
		if (!isPostgresRowFault(cause)) {
			throw cause;
		}
		if (openings.length + settles.length <= 1) {
			return settles.map((write) => ({ write, cause }));
		}
	}
	const [first, second] = halves(batch);
	return [...(await writeRows(log, first)), ...(await writeRows(log, second))];
}

/** In their order: a retry's settle looks for the rows of the attempts before it. */
function halves({ openings, settles }: LedgerBatch): readonly [LedgerBatch, LedgerBatch] {
	if (openings.length > 0 && settles.length > 0) {
		return [
			{ openings, settles: [] },
			{ openings: [], settles },
		];
	}
	const [openingsHalf, settlesHalf] = [Math.ceil(openings.length / 2), Math.ceil(settles.length / 2)];
	return [
		{ openings: openings.slice(0, openingsHalf), settles: settles.slice(0, settlesHalf) },
		{ openings: openings.slice(openingsHalf), settles: settles.slice(settlesHalf) },
	];
}
