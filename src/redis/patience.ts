import type { Clock } from "../lib/clock.ts";

/** Waits that are over when nobody has answered although this process was there to hear it. */
export interface Patience {
	/** Rings once, unless it is ended before. Returns how to end it. */
	wait(waitMs: number, ring: () => void): () => void;
}

interface Waiter {
	readonly ring: () => void;
	leftMs: number;
	isDue: boolean;
}

/** Counted of one turn of the event loop at most. */
const TURN_MS = 5;
const LAST_LOOK_MS = 1;
/** A turn that took more than one and a half times as long, and two milliseconds, was late, and counts for so much of one. */
const LATE_FACTOR = 1.5;
const LATE_MS = 2;
const LATE_COUNTS = 0.3;

/**
 * One timer for all who wait, which counts in short turns. While this process is busy, or is not given a processor, an answer
 * may lie in its socket unread, and where processors are short the other side may have none either: that is nobody's silence.
 * So a turn counts no more than it should have taken, and less when it was late; and whoever is due waits for one more, in
 * which the sockets are read. Where nothing is late the wait is as long as was said, and a millisecond.
 * @param turnMs Milliseconds; short against the waits.
 */
export function createPatience(clock: Clock, turnMs: number = TURN_MS): Patience {
	const waiters = new Set<Waiter>();
	/** The turn that is under way. */
	let turnIsMs = 0;
	let turnBeganMs = 0;
	let timer: ReturnType<typeof setTimeout> | undefined;

	function turn(): void {
		timer = undefined;
		const isLate = clock.monotonic() - turnBeganMs > turnIsMs * LATE_FACTOR + LATE_MS;
		for (const waiter of waiters) {
			if (waiter.isDue) {
				waiters.delete(waiter);
				waiter.ring();
				continue;
			}
			waiter.leftMs -= isLate ? turnIsMs * LATE_COUNTS : turnIsMs;
			waiter.isDue = waiter.leftMs <= 0;
		}
		arm();
	}
	function arm(): void {
		if (timer !== undefined || waiters.size === 0) {
			return;
		}
		let nextMs = turnMs;
		for (const { isDue, leftMs } of waiters) {
			nextMs = Math.min(nextMs, isDue ? LAST_LOOK_MS : leftMs);
		}
		turnIsMs = Math.max(LAST_LOOK_MS, Math.ceil(nextMs));
		turnBeganMs = clock.monotonic();
		timer = setTimeout(turn, turnIsMs);
	}
	return {
		wait(waitMs, ring) {
			// Of the turn that is under way, what is over is not this waiter's.
			const goneMs = timer === undefined ? 0 : Math.min(turnIsMs, clock.monotonic() - turnBeganMs);
			const waiter = { ring, leftMs: waitMs + goneMs, isDue: false };
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
