import type { Clock } from "./clock.ts";

/** One pending deadline. */
export interface Deadline {
	/** Pushes the deadline to this many milliseconds from now. */
	reset(afterMs: number): void;
	/** Idempotent. */
	clear(): void;
}

/**
 * Deadlines of all requests in flight, checked by one sweep: a timer for each call would cost more than the
 * bookkeeping of the call itself. A deadline fires up to one sweep late, never early.
 */
export interface Deadlines {
	after(afterMs: number, onExpired: () => void): Deadline;
	/** Pending deadlines: back to zero when nothing is in flight. */
	count(): number;
}

const SWEEP_EVERY_MS = 25;

interface Entry {
	dueAtMs: number;
	readonly onExpired: () => void;
}

export function createDeadlines(clock: Clock): Deadlines {
	const pending = new Set<Entry>();
	let timer: ReturnType<typeof setInterval> | undefined;

	function sweep(): void {
		const nowMs = clock.monotonic();
		for (const entry of pending) {
			if (entry.dueAtMs <= nowMs) {
				pending.delete(entry);
				entry.onExpired();
			}
		}
		if (pending.size === 0) {
			clearInterval(timer);
			timer = undefined;
		}
	}

	return {
		after(afterMs, onExpired) {
			const entry: Entry = { dueAtMs: clock.monotonic() + afterMs, onExpired };
			pending.add(entry);
			if (timer === undefined) {
				timer = setInterval(sweep, SWEEP_EVERY_MS);
				timer.unref();
			}
			return {
				reset(nextMs) {
					entry.dueAtMs = clock.monotonic() + nextMs;
				},
				clear() {
					pending.delete(entry);
				},
			};
		},
		count: () => pending.size,
	};
}
