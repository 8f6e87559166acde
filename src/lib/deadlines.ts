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
 * bookkeeping of the call itself. One that is due before the next sweep gets a timer after all, which few live to see:
 * a deadline is never early, and about as late as a timer.
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
	let sweeping: ReturnType<typeof setInterval> | undefined;
	/** For what is due before the next sweep. */
	let soon: { readonly timer: ReturnType<typeof setTimeout>; readonly dueAtMs: number } | undefined;

	function sweep(): void {
		const nowMs = clock.monotonic();
		let nextDueMs = Number.POSITIVE_INFINITY;
		for (const entry of pending) {
			if (entry.dueAtMs <= nowMs) {
				pending.delete(entry);
				entry.onExpired();
			} else {
				nextDueMs = Math.min(nextDueMs, entry.dueAtMs);
			}
		}
		if (pending.size === 0) {
			clearInterval(sweeping);
			sweeping = undefined;
			return;
		}
		sweepAt(nextDueMs, nowMs);
	}

	function sweepAt(dueAtMs: number, nowMs: number): void {
		if (dueAtMs - nowMs >= SWEEP_EVERY_MS || (soon !== undefined && soon.dueAtMs <= dueAtMs)) {
			return;
		}
		clearTimeout(soon?.timer);
		const timer = setTimeout(() => {
			soon = undefined;
			sweep();
		}, dueAtMs - nowMs);
		timer.unref();
		soon = { timer, dueAtMs };
	}

	return {
		after(afterMs, onExpired) {
			const nowMs = clock.monotonic();
			const entry: Entry = { dueAtMs: nowMs + afterMs, onExpired };
			pending.add(entry);
			if (sweeping === undefined) {
				sweeping = setInterval(sweep, SWEEP_EVERY_MS);
				sweeping.unref();
			}
			sweepAt(entry.dueAtMs, nowMs);
			return {
				reset(nextMs) {
					const resetAtMs = clock.monotonic();
					entry.dueAtMs = resetAtMs + nextMs;
					sweepAt(entry.dueAtMs, resetAtMs);
				},
				clear() {
					pending.delete(entry);
				},
			};
		},
		count: () => pending.size,
	};
}
