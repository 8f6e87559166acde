import type { BreakerState } from "./types.ts";
import type { SlidingCounts } from "./window.ts";

const CONSECUTIVE_FAILURES_MAX = 5;
/**
 * From here on "it always fails". At a deployment that fails three times in ten, five failures in a row come every few
 * hundred requests, ten in a row every two hundred thousand.
 */
const ALWAYS_FAILURES = 10;
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
 * The breaker of one deployment. Closed: requests flow. Open: none until `opensUntilMs`, but for a last resort. Half-open:
 * one at a time, until two have shown that it answers (closed) or one has failed (open again, twice as long).
 * Times are those of a monotonic clock, milliseconds.
 */
export interface Breaker {
	state(nowMs: number): BreakerState;
	/** Whether a request may start now. */
	allows(nowMs: number): boolean;
	/** When an open breaker lets the next request try; undefined unless open. */
	opensUntilMs(nowMs: number): number | undefined;
	/** None of its last ten requests was answered. */
	alwaysFails(): boolean;
	begin(nowMs: number): BreakerRun;
}

/** One request, as far as the breaker is concerned. One of the last three ends it. */
export interface BreakerRun {
	/** It has begun to answer, which is all that a probe is to find out: the answer itself may take minutes. */
	answering(nowMs: number): void;
	succeeded(nowMs: number): void;
	/** `refused`: the provider did not accept our credential. */
	failed(nowMs: number, failure: { readonly refused: boolean }): void;
	/** It says nothing about the deployment. */
	abandoned(): void;
}

/** What a breaker remembers. */
interface Memory {
	readonly counts: SlidingCounts;
	readonly random: () => number;
	/** undefined = closed. */
	openUntilMs: number | undefined;
	/** In a row, without having been closed in between. */
	openings: number;
	/** Grows whenever it opens: a request from before says what was, not what is. */
	era: number;
	consecutiveFailures: number;
	consecutiveRefusals: number;
	/** Requests of this era that were answered. */
	answers: number;
	probe: { readonly run: BreakerRun; readonly sinceMs: number } | undefined;
}

/** @param random 0 to 1, for the jitter that keeps instances from probing in step. */
export function createBreaker(counts: SlidingCounts, random: () => number): Breaker {
	const memory: Memory = {
		counts,
		random,
		openUntilMs: undefined,
		openings: 0,
		era: 0,
		consecutiveFailures: 0,
		consecutiveRefusals: 0,
		answers: 0,
		probe: undefined,
	};
	return {
		state: (nowMs) => stateOf(memory, nowMs),
		allows(nowMs) {
			const state = stateOf(memory, nowMs);
			const { probe } = memory;
			return (
				state === "closed" || (state === "half_open" && (probe === undefined || nowMs - probe.sinceMs > PROBE_MAX_MS))
			);
		},
		opensUntilMs: (nowMs) => (stateOf(memory, nowMs) === "open" ? memory.openUntilMs : undefined),
		alwaysFails: () => memory.consecutiveFailures >= ALWAYS_FAILURES,
		begin: (nowMs) => begin(memory, nowMs),
	};
}

function stateOf({ openUntilMs }: Memory, nowMs: number): BreakerState {
	if (openUntilMs === undefined) {
		return "closed";
	}
	return nowMs < openUntilMs ? "open" : "half_open";
}

function begin(memory: Memory, nowMs: number): BreakerRun {
	const begunIn = memory.era;
	let hasAnswered = false;
	const release = () => {
		if (memory.probe?.run === run) {
			memory.probe = undefined;
		}
	};
	const run: BreakerRun = {
		answering(atMs) {
			release();
			if (!hasAnswered && begunIn === memory.era) {
				answered(memory, atMs);
			}
			hasAnswered = true;
		},
		succeeded(atMs) {
			memory.counts.add("successes", atMs);
			memory.consecutiveFailures = 0;
			memory.consecutiveRefusals = 0;
			run.answering(atMs);
		},
		failed(atMs, { refused }) {
			release();
			failed(memory, atMs, { begunIn, refused });
		},
		abandoned: release,
	};
	if (stateOf(memory, nowMs) === "half_open") {
		memory.probe = { run, sinceMs: nowMs };
	}
	return run;
}

/** One that began after the breaker opened has found the deployment well. */
function answered(memory: Memory, nowMs: number): void {
	if (memory.openUntilMs === undefined) {
		return;
	}
	// A last resort was right: no reason to wait any longer.
	memory.openUntilMs = Math.min(memory.openUntilMs, nowMs);
	memory.answers += 1;
	if (memory.answers >= SUCCESSES_TO_CLOSE) {
		memory.openUntilMs = undefined;
		memory.openings = 0;
		memory.counts.forgetOutcomes();
	}
}

function failed(
	memory: Memory,
	nowMs: number,
	{ begunIn, refused }: { readonly begunIn: number; readonly refused: boolean },
): void {
	memory.counts.add("failures", nowMs);
	memory.consecutiveFailures += 1;
	memory.consecutiveRefusals = refused ? memory.consecutiveRefusals + 1 : 0;
	const state = stateOf(memory, nowMs);
	if (state === "open" || (state === "half_open" && begunIn !== memory.era)) {
		return;
	}
	if (memory.consecutiveRefusals >= REFUSALS_MAX) {
		open(memory, nowMs, REFUSED_OPEN_MS);
	} else if (state === "half_open" || tooManyFailures(memory, nowMs)) {
		open(memory, nowMs, OPEN_MS);
	}
}

function open(memory: Memory, nowMs: number, baseMs: number): void {
	const jitter = 1 - OPEN_JITTER + 2 * OPEN_JITTER * memory.random();
	memory.openUntilMs = nowMs + Math.min(baseMs * 2 ** memory.openings, OPEN_MAX_MS) * jitter;
	memory.openings += 1;
	memory.era += 1;
	memory.answers = 0;
	memory.probe = undefined;
}

function tooManyFailures({ counts, consecutiveFailures }: Memory, nowMs: number): boolean {
	if (consecutiveFailures >= CONSECUTIVE_FAILURES_MAX) {
		return true;
	}
	const failures = counts.recent("failures", nowMs);
	const finished = failures + counts.recent("successes", nowMs);
	return finished >= RECENT_REQUESTS_MIN && failures / finished >= RECENT_FAILURE_SHARE_MAX;
}
