import type { Clock } from "../lib/clock.ts";

/** Waits that are over when nobody has answered although this process was there to hear it. */
export interface Patience {
	/** Rings once, unless it is ended before. Returns how to end it. */
	wait(waitMs: number, ring: () => void): () => void;
}

interface Waiter {
	/** By what has been counted. */
	readonly dueMs: number;
	readonly ring: () => void;
	isDue: boolean;
}

/** Counted of one turn of the event loop at most. */
const TURN_MS = 5;
const LAST_LOOK_MS = 1;

/**
 * One timer for all who wait. It counts in short turns, and of a turn that took longer no more than it should have taken: while
 * this process is busy, or is not given a processor, an answer may lie in its socket unread, and that is nobody's silence.
 * For the same reason whoever is due waits for one more turn, in which the sockets are read.
 * @param turnMs Milliseconds; short against the waits.
 */
export function createPatience(clock: Clock, turnMs: number = TURN_MS): Patience {
	const waiters = new Set<Waiter>();
	let countedMs = 0;
	/** The turn that is under way. */
	let turnIsMs = 0;
	let turnBeganMs = 0;
	let timer: ReturnType<typeof setTimeout> | undefined;

	function turn(): void {
		timer = undefined;
		countedMs += turnIsMs;
		for (const waiter of waiters) {
			if (waiter.isDue) {
				waiters.delete(waiter);
				waiter.ring();
			} else {
				waiter.isDue = waiter.dueMs <= countedMs;
			}
		}
		arm();
	}
	function arm(): void {
		if (timer !== undefined || waiters.size === 0) {
			return;
		}
		let nextMs = turnMs;
		for (const { isDue, dueMs } of waiters) {
			nextMs = Math.min(nextMs, isDue ? LAST_LOOK_MS : dueMs - countedMs);
		}
		turnIsMs = Math.max(LAST_LOOK_MS, Math.ceil(nextMs));
		turnBeganMs = clock.monotonic();
		timer = setTimeout(turn, turnIsMs);
	}
	return {
		wait(waitMs, ring) {
			const goneMs = timer === undefined ? 0 : Math.min(turnIsMs, clock.monotonic() - turnBeganMs);
			const waiter = { dueMs: countedMs + goneMs + waitMs, ring, isDue: false };
			waiters.add(waiter);
			arm();
			return () => {
				waiters.delete(waiter);
				if (waiters.size === 0) {
					clearTimeout(timer);
					timer = undefined;
				}
			};
		},
	};
}
