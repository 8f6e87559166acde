import type { BreakerState } from "./types.ts";
import type { SlidingCounts } from "./window.ts";

const CONSECUTIVE_FAILURES_MAX = 5;
const RECENT_REQUESTS_MIN = 10;
const RECENT_FAILURE_SHARE_MAX = 0.5;
const OPEN_MS = 5_000;
const OPEN_MAX_MS = 120_000;
const OPEN_JITTER = 0.2;
const SUCCESSES_TO_CLOSE = 2;
/** The provider refused our credential: waiting does not help, so two are enough and the next try is a minute away. */
const REFUSALS_MAX = 2;
const REFUSED_OPEN_MS = 60_000;
/** Longer than any request may take: a probe whose end was never told is forgotten after this. */
const PROBE_MAX_MS = 660_000;

/**
 * The breaker of one deployment. Closed: requests flow. Open: none until `opensUntilMs`. Half-open: one at a time,
 * until two have succeeded (closed) or one has failed (open again, twice as long).
 * Times are those of a monotonic clock, milliseconds.
 */
export interface Breaker {
	state(nowMs: number): BreakerState;
	/** Whether a request may start now. */
	allows(nowMs: number): boolean;
	/** When an open breaker lets the next request try; undefined unless open. */
	opensUntilMs(nowMs: number): number | undefined;
	started(nowMs: number): void;
	succeeded(nowMs: number): void;
	/** `refused`: the provider did not accept our credential. */
	failed(nowMs: number, failure: { readonly refused: boolean }): void;
	/** An attempt that says nothing about the deployment has ended. */
	abandoned(): void;
}

/** @param random 0 to 1, for the jitter that keeps instances from probing in step. */
export function createBreaker(counts: SlidingCounts, random: () => number): Breaker {
	let openUntilMs: number | undefined;
	let openings = 0;
	let consecutiveFailures = 0;
	let consecutiveRefusals = 0;
	let probeSuccesses = 0;
	let probeSinceMs: number | undefined;

	function state(nowMs: number): BreakerState {
		if (openUntilMs === undefined) {
			return "closed";
		}
		return nowMs < openUntilMs ? "open" : "half_open";
	}

	function open(nowMs: number, baseMs: number): void {
		const jitter = 1 - OPEN_JITTER + 2 * OPEN_JITTER * random();
		openUntilMs = nowMs + Math.min(baseMs * 2 ** openings, OPEN_MAX_MS) * jitter;
		openings += 1;
		probeSuccesses = 0;
		probeSinceMs = undefined;
	}

	function close(): void {
		openUntilMs = undefined;
		openings = 0;
		counts.forgetOutcomes();
	}

	return {
		state,
		allows(nowMs) {
			switch (state(nowMs)) {
				case "closed":
					return true;
				case "open":
					return false;
				case "half_open":
					return probeSinceMs === undefined || nowMs - probeSinceMs > PROBE_MAX_MS;
			}
		},
		opensUntilMs: (nowMs) => (state(nowMs) === "open" ? openUntilMs : undefined),
		started(nowMs) {
			if (state(nowMs) === "half_open") {
				probeSinceMs = nowMs;
			}
		},
		succeeded(nowMs) {
			counts.add("successes", nowMs);
			consecutiveFailures = 0;
			consecutiveRefusals = 0;
			probeSinceMs = undefined;
			// While open this is a request from before: it says what was, not what is.
			if (state(nowMs) === "half_open") {
				probeSuccesses += 1;
				if (probeSuccesses >= SUCCESSES_TO_CLOSE) {
					close();
				}
			}
		},
		failed(nowMs, { refused }) {
			counts.add("failures", nowMs);
			consecutiveFailures += 1;
			consecutiveRefusals = refused ? consecutiveRefusals + 1 : 0;
			probeSinceMs = undefined;
			const current = state(nowMs);
			if (current === "open") {
				return;
			}
			if (consecutiveRefusals >= REFUSALS_MAX) {
				open(nowMs, REFUSED_OPEN_MS);
			} else if (current === "half_open" || tooManyFailures(counts, consecutiveFailures, nowMs)) {
				open(nowMs, OPEN_MS);
			}
		},
		abandoned() {
			probeSinceMs = undefined;
		},
	};
}

function tooManyFailures(counts: SlidingCounts, consecutiveFailures: number, nowMs: number): boolean {
	if (consecutiveFailures >= CONSECUTIVE_FAILURES_MAX) {
		return true;
	}
	const failures = counts.recent("failures", nowMs);
	const finished = failures + counts.recent("successes", nowMs);
	return finished >= RECENT_REQUESTS_MIN && failures / finished >= RECENT_FAILURE_SHARE_MAX;
}
