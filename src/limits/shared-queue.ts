import type { Clock } from "../lib/clock.ts";
import type { AskedTake } from "./shared-batch.ts";

/** A request that waits for the counters, and for how long at most. */
export interface WaitingTake extends AskedTake {
	/** Whole monotonic milliseconds. */
	readonly dueAtMs: number;
	/** Nobody has answered in time. */
	expired(): void;
}

/** A timer that rings later than this was held up by this process: an answer may have arrived meanwhile, and is read first. */
const LATE_MS = 5;
const GRACE_MS = 2;
const GRACES_MAX = 3;

/** Requests that wait, oldest first, under one timer. One that is part of a call still waits. */
export function createWaitingQueue(clock: Clock) {
	let waiting: WaitingTake[] = [];
	/** Of these, how many from the beginning are part of a call. */
	const asked = new Set<WaitingTake>();
	let timer: ReturnType<typeof setTimeout> | undefined;

	function arm(graces: number, waitMs: number): void {
		const dueMs = clock.monotonic() + waitMs;
		timer = setTimeout(() => {
			timer = undefined;
			if (graces > 0 && clock.monotonic() - dueMs > LATE_MS) {
				arm(graces - 1, GRACE_MS);
			} else {
				expire(clock.monotonic());
			}
		}, waitMs);
	}
	function expire(untilMs: number): void {
		const late = waiting.filter((take) => !take.isDone && take.dueAtMs <= untilMs);
		waiting = waiting.filter((take) => !take.isDone && take.dueAtMs > untilMs);
		for (const take of late) {
			asked.delete(take);
			take.isDone = true;
			take.expired();
		}
		watch();
	}
	function watch(): void {
		const [first] = waiting;
		if (first !== undefined && timer === undefined) {
			arm(GRACES_MAX, Math.max(1, Math.ceil(first.dueAtMs - clock.monotonic())));
		}
	}
	return {
		add(take: WaitingTake): void {
			waiting.push(take);
			watch();
		},
		hasUnasked: () => waiting.length > asked.size,
		/** The oldest that are not part of a call yet; they are from now on. */
		next(max: number): readonly WaitingTake[] {
			const batch = waiting.filter((take) => !asked.has(take)).slice(0, max);
			for (const take of batch) {
				asked.add(take);
			}
			return batch;
		},
		/** The call has ended, and its requests with it. */
		ended(): void {
			waiting = waiting.filter((take) => !take.isDone && !asked.has(take));
			asked.clear();
			if (waiting.length === 0) {
				clearTimeout(timer);
				timer = undefined;
			}
		},
		/** Nobody is going to answer. */
		expireAll(): void {
			expire(Number.POSITIVE_INFINITY);
		},
	};
}
