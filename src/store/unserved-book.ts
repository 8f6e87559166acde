import type { Clock } from "../lib/clock.ts";
import type { Scheduler } from "./scheduler.ts";
import type { StoreProblem, UnservedRequest, UnservedStore } from "./types.ts";
import type { UnservedRows } from "./unserved-rows.ts";

/** How long one waits for others to be written with. */
const FLUSH_MS = 200;
/** After a write that failed: where the file is locked each try holds up the event loop. */
const RETRY_MS = 1_000;
/** Rows of one statement: 2 ms of the event loop. More wait in memory. */
const BATCH_ROWS_MAX = 20;
/** What is written on average: whoever is told "no" again and again must not fill the disk with it. */
const ROWS_PER_SECOND = 50;
/** What may come at once; also what may wait in memory. */
const BURST_ROWS = 500;
/** What is not kept is counted, and told at most this often. */
const TELL_EVERY_MS = 60_000;

export interface UnservedBookDeps {
	readonly rows: UnservedRows;
	readonly clock: Pick<Clock, "monotonic">;
	readonly scheduler: Scheduler;
	readonly onProblem: (problem: StoreProblem) => void;
}

export interface UnservedBook extends UnservedStore {
	/** Writes what waits, as far as the database takes it. What comes afterwards is not kept. */
	close(): Promise<void>;
}

/** Keeps requests that cost nothing, behind the back of those that do. */
export function createUnservedBook({ rows, clock, scheduler, onProblem }: UnservedBookDeps): UnservedBook {
	const waiting = new Map<string, UnservedRequest>();
	/** Neither waiting any more, nor certain to be found in the database. */
	let underWay: readonly UnservedRequest[] = [];
	let writing: Promise<boolean> | undefined;
	let isScheduled = false;
	let isClosed = false;
	const allowance = createAllowance(clock);
	const losses = createLosses(scheduler, onProblem);

	/** @returns Whether the database took them. */
	async function write(): Promise<boolean> {
		underWay = waiting.values().take(BATCH_ROWS_MAX).toArray();
		for (const { requestId } of underWay) {
			waiting.delete(requestId);
		}
		try {
			await rows.record(underWay);
			return true;
		} catch (cause) {
			losses.notWritten(underWay.length, cause);
			return false;
		} finally {
			underWay = [];
		}
	}

	/** One write at a time. */
	function writeNext(): Promise<boolean> {
		writing ??= write().finally(() => {
			writing = undefined;
		});
		return writing;
	}

	function schedule(delayMs: number): void {
		if (isScheduled || isClosed) {
			return;
		}
		isScheduled = true;
		scheduler.later(delayMs, () => void onTime());
	}

	async function onTime(): Promise<void> {
		const taken = waiting.size === 0 || (await writeNext());
		isScheduled = false;
		if (waiting.size > 0) {
			schedule(taken ? FLUSH_MS : RETRY_MS);
		}
	}

	async function flush(): Promise<void> {
		await writing;
		while (waiting.size > 0 && (await writeNext())) {
			// The next batch.
		}
	}

	return {
		keep(request) {
			if (isClosed) {
				return;
			}
			if (waiting.size >= BURST_ROWS || !allowance.take()) {
				losses.tooMany();
				return;
			}
			waiting.set(request.requestId, request);
			schedule(FLUSH_MS);
		},
		async byRequest(requestId) {
			const inMemory = waiting.get(requestId) ?? underWay.find((request) => request.requestId === requestId);
			return inMemory ?? (await rows.byRequest(requestId));
		},
		flush,
		async close() {
			isClosed = true;
			await flush();
			if (waiting.size > 0) {
				losses.notWritten(waiting.size);
			}
			losses.tell();
		},
	};
}

/** A bucket of tokens. */
function createAllowance(clock: Pick<Clock, "monotonic">): { take(): boolean } {
	let tokens = BURST_ROWS;
	let countedAtMs = clock.monotonic();
	return {
		take() {
			const nowMs = clock.monotonic();
			tokens = Math.min(BURST_ROWS, tokens + ((nowMs - countedAtMs) * ROWS_PER_SECOND) / 1_000);
			countedAtMs = nowMs;
			if (tokens < 1) {
				return false;
			}
			tokens -= 1;
			return true;
		},
	};
}

/** Counts what is not kept, so that a flood of it is one line a minute. */
function createLosses(scheduler: Scheduler, onProblem: (problem: StoreProblem) => void) {
	let tooMany = 0;
	let notWritten = 0;
	let cause: unknown;
	let isTellingLater = false;

	function tell(): void {
		isTellingLater = false;
		if (tooMany + notWritten > 0) {
			onProblem({ kind: "unserved_not_kept", tooMany, notWritten, ...(cause === undefined ? {} : { cause }) });
		}
		tooMany = 0;
		notWritten = 0;
		cause = undefined;
	}

	function tellLater(): void {
		if (!isTellingLater) {
			isTellingLater = true;
			scheduler.later(TELL_EVERY_MS, tell);
		}
	}

	return {
		tooMany() {
			tooMany += 1;
			tellLater();
		},
		notWritten(count: number, why: unknown = cause) {
			notWritten += count;
			cause = why;
			tellLater();
		},
		tell,
	};
}
