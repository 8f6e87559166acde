import { aloneBuckets, type SharedSubject, shareOf } from "./shared-subject.ts";
import { type TokenBucket, takeUnits, waitMs } from "./token-bucket.ts";
import type { LimitRefusal, LimitSubject } from "./types.ts";

/** How long a refused caller is told to wait for a parallel slot: when one comes free is not known. */
const PARALLEL_RETRY_MS = 1_000;

/** Why a request fits under no circumstances, whatever others do. */
export function neverFits(subjects: readonly LimitSubject[], tokens: number): LimitRefusal | undefined {
	for (const kind of ["tpm", "rpm"] as const) {
		const units = kind === "tpm" ? tokens : 1;
		for (const { id, [kind]: limit } of subjects) {
			if (limit !== undefined && units > limit) {
				return { subject: id, kind, limit, retryAfterMs: undefined };
			}
		}
	}
	return undefined;
}

export interface AloneContext {
	readonly instances: number;
	/** Whole monotonic milliseconds. */
	readonly atMs: number;
	/** The counters are there and were only late: what they last said of the others still counts. */
	readonly isUp: boolean;
}

/**
 * Decides by this instance's part of each limit, and takes when it fits. In the same order as always: tpm, rpm, parallel;
 * the wait is the longest of all refusing buckets.
 */
export function takeAlone(
	subjects: readonly SharedSubject[],
	tokens: number,
	{ instances, atMs, isUp }: AloneContext,
): LimitRefusal | undefined {
	let refusal: LimitRefusal | undefined;
	for (const kind of ["tpm", "rpm"] as const) {
		for (const subject of subjects) {
			const limit = subject.limits[kind];
			const bucket = aloneBuckets(subject, instances, atMs)[kind];
			const wait = limit === undefined ? 0 : shareWaitMs(bucket, kind === "tpm" ? tokens : 1, limit);
			if (limit === undefined || wait === 0) {
				continue;
			}
			const own = { subject: subject.id, kind, limit, retryAfterMs: wait };
			if (wait === undefined) {
				return own;
			}
			refusal = { ...(refusal ?? own), retryAfterMs: Math.max(wait, refusal?.retryAfterMs ?? 0) };
		}
	}
	refusal ??= parallelRefusal(subjects, instances, isUp);
	if (refusal === undefined) {
		for (const subject of subjects) {
			const { tpm, rpm } = aloneBuckets(subject, instances, atMs);
			takeUnits(tpm, tokens);
			takeUnits(rpm, 1);
		}
	}
	return refusal;
}

/**
 * A request that is larger than the part, but not than the limit, waits until nothing of the part is used, and takes it into
 * debt: it would wait for ever otherwise.
 */
function shareWaitMs(bucket: TokenBucket, units: number, limit: number): number | undefined {
	const share = bucket.limit ?? limit;
	if (units <= share || units > limit) {
		return waitMs(bucket, units);
	}
	return bucket.used === 0 ? 0 : Math.ceil(bucket.used / share);
}

function parallelRefusal(
	subjects: readonly SharedSubject[],
	instances: number,
	isUp: boolean,
): LimitRefusal | undefined {
	for (const { id, limits, running, slotsOfOthers } of subjects) {
		if (limits.parallel === undefined) {
			continue;
		}
		const left = isUp ? limits.parallel - slotsOfOthers : limits.parallel;
		if (running >= Math.min(left, shareOf(limits.parallel, instances))) {
			const retryAfterMs = limits.parallel === 0 ? undefined : PARALLEL_RETRY_MS;
			return { subject: id, kind: "parallel", limit: limits.parallel, retryAfterMs };
		}
	}
	return undefined;
}
