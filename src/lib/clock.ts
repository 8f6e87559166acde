/**
 * The one source of time. Injected everywhere, so that tests and simulations own it.
 * Calendar questions (budgets, expiry, timestamps) use `now`; durations (buckets, deadlines, cooldowns) use `monotonic`.
 */
export interface Clock {
	/** Wall clock, Unix epoch in milliseconds. May step backwards. */
	now(): number;
	/** Milliseconds since an arbitrary start. Never steps. */
	monotonic(): number;
}

export const systemClock: Clock = {
	now: () => Date.now(),
	monotonic: () => performance.now(),
};
