import type { Clock } from "../lib/clock.ts";
import {
	createTokenBucket,
	fullAfterMs,
	giveBackUnits,
	refill,
	type TokenBucket,
	takeUnits,
	usedUnits,
	waitMs,
} from "./token-bucket.ts";
import type { LimitDecision, Limiter, LimitLevels, LimitRefusal, LimitSubject, LimitTicket } from "./types.ts";

/** What is kept of one subject. One that has used nothing and runs nothing is the same as none. */
interface SubjectState {
	readonly tpm: TokenBucket;
	readonly rpm: TokenBucket;
	parallel: number;
}

/** The limiter of a single process: its answers are immediate. */
export interface MemoryLimiter extends Limiter {
	take(subjects: readonly LimitSubject[], promptTokens: number): LimitDecision;
	levels(subject: LimitSubject): LimitLevels;
}

/** How long a refused caller is told to wait for a parallel slot: when one comes free is not known. */
const PARALLEL_RETRY_MS = 1_000;
/** The first look for subjects that can be dropped; later ones come when the number has doubled. */
const SWEEP_SIZE_MIN = 1_024;
/** Beyond this many subjects the oldest without a running request are dropped, and begin again with a full bucket. */
const SUBJECTS_MAX = 200_000;

/**
 * Rate and parallel limits in memory, exact in one process. Buckets refill continuously on the monotonic clock, in whole
 * milliseconds; their capacity is the limit. Limits are read from the subject at each call, so a change applies at once
 * and what has been used carries over.
 */
export function createMemoryLimiter({ clock }: { readonly clock: Clock }): MemoryLimiter {
	const states = new Map<string, SubjectState>();
	let sweepSize = SWEEP_SIZE_MIN;

	/** The subject's state, refilled up to now. */
	function stateOf(subject: LimitSubject, nowMs: number): SubjectState {
		let state = states.get(subject.id);
		if (!state) {
			state = { tpm: createTokenBucket(nowMs), rpm: createTokenBucket(nowMs), parallel: 0 };
			states.set(subject.id, state);
		}
		refill(state.tpm, subject.tpm, nowMs);
		refill(state.rpm, subject.rpm, nowMs);
		return state;
	}

	return {
		take(subjects, promptTokens): LimitDecision {
			const nowMs = Math.floor(clock.monotonic());
			const tokens = wholeUnits(promptTokens);
			if (states.size >= sweepSize) {
				sweep(states, nowMs);
				sweepSize = Math.min(Math.max(SWEEP_SIZE_MIN, states.size * 2), SUBJECTS_MAX);
			}
			const held = subjects.map((subject) => stateOf(subject, nowMs));
			const refusal = refusalOf(subjects, held, tokens);
			if (refusal) {
				return { refusal };
			}
			for (const state of held) {
				takeUnits(state.tpm, tokens);
				takeUnits(state.rpm, 1);
				state.parallel += 1;
			}
			return { ticket: createTicket(clock, held, tokens, nowMs) };
		},
		levels(subject): LimitLevels {
			const state = states.get(subject.id);
			if (!state) {
				return { rpmUsed: 0, tpmUsed: 0, rpmFullAfterMs: 0, tpmFullAfterMs: 0, parallelUsed: 0 };
			}
			const { rpm, tpm, parallel } = stateOf(subject, Math.floor(clock.monotonic()));
			return {
				rpmUsed: usedUnits(rpm),
				tpmUsed: usedUnits(tpm),
				rpmFullAfterMs: fullAfterMs(rpm),
				tpmFullAfterMs: fullAfterMs(tpm),
				parallelUsed: parallel,
			};
		},
		forget(subjectId): void {
			states.delete(subjectId);
		},
	};
}

function createTicket(clock: Clock, states: readonly SubjectState[], estimate: number, takenAtMs: number): LimitTicket {
	// A bucket without a limit has been taken nothing from, and owes nothing when it gets one meanwhile.
	const held = states.map(({ tpm }) => ({ tpm, taken: tpm.limit === undefined ? 0 : estimate }));
	let counted = estimate;
	let released = false;
	return {
		correctTokens(total): void {
			const units = wholeUnits(total);
			const nowMs = Math.floor(clock.monotonic());
			for (const bucket of held) {
				const { tpm } = bucket;
				// By the limit in force now, which a PATCH may have changed since this request came.
				refill(tpm, tpm.limit, nowMs);
				if (units > counted && tpm.limit !== undefined) {
					takeUnits(tpm, units - counted);
					bucket.taken += units - counted;
				} else if (units < counted) {
					const credit = Math.min(counted - units, bucket.taken);
					giveBackUnits(tpm, credit, takenAtMs);
					bucket.taken -= credit;
				}
			}
			counted = units;
		},
		release(): void {
			if (!released) {
				released = true;
				for (const state of states) {
					state.parallel -= 1;
				}
			}
		},
	};
}

/**
 * Why the request does not fit: the first of tpm, rpm, parallel, except that what can never fit goes before what can.
 * The wait is the one after which the whole request fits, so it is the longest of all refusing buckets.
 */
function refusalOf(
	subjects: readonly LimitSubject[],
	states: readonly SubjectState[],
	tokens: number,
): LimitRefusal | undefined {
	let refusal: LimitRefusal | undefined;
	for (const kind of ["tpm", "rpm"] as const) {
		for (const [index, subject] of subjects.entries()) {
			const bucket = states[index]?.[kind];
			const wait = bucket ? waitMs(bucket, kind === "tpm" ? tokens : 1) : 0;
			if (wait === 0) {
				continue;
			}
			const own = { subject: subject.id, kind, limit: subject[kind] ?? 0, retryAfterMs: wait };
			if (wait === undefined) {
				return own;
			}
			refusal = { ...(refusal ?? own), retryAfterMs: Math.max(wait, refusal?.retryAfterMs ?? 0) };
		}
	}
	return refusal ?? parallelRefusal(subjects, states);
}

function parallelRefusal(subjects: readonly LimitSubject[], states: readonly SubjectState[]): LimitRefusal | undefined {
	for (const [index, subject] of subjects.entries()) {
		if (subject.parallel !== undefined && (states[index]?.parallel ?? 0) >= subject.parallel) {
			return {
				subject: subject.id,
				kind: "parallel",
				limit: subject.parallel,
				retryAfterMs: subject.parallel === 0 ? undefined : PARALLEL_RETRY_MS,
			};
		}
	}
	return undefined;
}

/** Drops what is the same as nothing; when that is not enough, the oldest idle subjects. */
function sweep(states: Map<string, SubjectState>, nowMs: number): void {
	for (const [id, { tpm, rpm, parallel }] of states) {
		refill(tpm, tpm.limit, nowMs);
		refill(rpm, rpm.limit, nowMs);
		if (parallel === 0 && tpm.used === 0 && rpm.used === 0) {
			states.delete(id);
		}
	}
	let surplus = states.size - SUBJECTS_MAX / 2;
	for (const [id, { parallel }] of states) {
		if (surplus <= 0) {
			return;
		}
		if (parallel === 0) {
			states.delete(id);
			surplus -= 1;
		}
	}
}

/** Limits count whole tokens. A count that is no number is a bug of the caller: better nothing than NaN in a bucket. */
function wholeUnits(value: number): number {
	return value > 0 && Number.isFinite(value) ? Math.ceil(value) : 0;
}
