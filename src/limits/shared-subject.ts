import { createDemand, type Demand } from "./shared-demand.ts";
import { createTokenBucket, refill, type TokenBucket } from "./token-bucket.ts";
import type { LimitSubject } from "./types.ts";

export const PARTS_PER_UNIT = 60_000;

/** When use was told to the counters, in their time; undefined = not yet. Shared by all that was told together. */
export interface Stamp {
	sharedMs: number | undefined;
}

/** The shared bucket of one limit, as this instance knows it. */
export interface SharedMeter {
	/** Units leased and not used. Only good while the limit is still this one. */
	held: number;
	heldLimit: number | undefined;
	/** All that was ever used here, in 1/60,000 of a unit, and what of it the counters know. Both may shrink by a little. */
	spent: number;
	told: number;
	/** The bucket of all instances when it was last heard of, what they hold included. */
	viewUsed: number;
	viewAtMs: number;
	viewLimit: number | undefined;
}

/** What this instance decides by when it cannot ask: its part of each bucket. */
export interface AloneBuckets {
	readonly sinceMs: number;
	readonly tpm: TokenBucket;
	readonly rpm: TokenBucket;
}

/** What one instance keeps of a subject. */
export interface SharedSubject {
	readonly id: string;
	/** Another one for each state that was ever kept here. */
	readonly life: number;
	/** As of the last request. */
	limits: LimitSubject;
	readonly tpm: SharedMeter;
	readonly rpm: SharedMeter;
	/** Requests under way. */
	running: number;
	runningTold: number;
	/** Parallel slots leased, those in use included. */
	slots: number;
	slotsLimit: number | undefined;
	/** Of all instances, and of the others, when it was last heard of. */
	slotsOfAll: number;
	slotsOfOthers: number;
	/** Tokens to give back, by when they were used; and how many ever were, and were told. */
	credits: { units: number; readonly stamp: Stamp }[];
	credited: number;
	creditedTold: number;
	/** For all that is used from now on; and of uses that were told without an answer. */
	stamp: Stamp;
	unanswered: Stamp[];
	alone: AloneBuckets | undefined;
	readonly demand: Demand;
	/** Under which the counters last spoke of it; they have lost their data when it is another one. */
	epoch: string | undefined;
	toldAtMs: number;
	/** The subject no longer exists: nothing of it is told any more. */
	isGone: boolean;
}

export function createSharedSubject(limits: LimitSubject, life: number, atMs: number): SharedSubject {
	return {
		id: limits.id,
		life,
		limits,
		tpm: createMeter(atMs),
		rpm: createMeter(atMs),
		running: 0,
		runningTold: 0,
		slots: 0,
		slotsLimit: undefined,
		slotsOfAll: 0,
		slotsOfOthers: 0,
		credits: [],
		credited: 0,
		creditedTold: 0,
		stamp: { sharedMs: undefined },
		unanswered: [],
		alone: undefined,
		demand: createDemand(atMs),
		epoch: undefined,
		toldAtMs: atMs,
		isGone: false,
	};
}

function createMeter(atMs: number): SharedMeter {
	return { held: 0, heldLimit: undefined, spent: 0, told: 0, viewUsed: 0, viewAtMs: atMs, viewLimit: undefined };
}

export function isLimited({ rpm, tpm, parallel }: LimitSubject): boolean {
	return rpm !== undefined || tpm !== undefined || parallel !== undefined;
}

/** What is used of the shared bucket by now, if nobody has used anything since. In 1/60,000 of a unit. */
export function viewNow(meter: SharedMeter, atMs: number): number {
	return Math.max(0, meter.viewUsed - (meter.viewLimit ?? 0) * Math.max(0, atMs - meter.viewAtMs));
}

/** Units left in the shared bucket, as far as is known here. */
export function unitsLeft(meter: SharedMeter, limit: number, atMs: number): number {
	return Math.max(0, limit - Math.ceil(viewNow(meter, atMs) / PARTS_PER_UNIT));
}

/** The part of a limit that one of several instances may use by itself. */
export function shareOf(limit: number, instances: number): number {
	return limit === 0 ? 0 : Math.max(1, Math.floor(limit / instances));
}

/** The part of what is used in the shared bucket that is this instance's, when each has the same part of the limit. */
function viewShare(meter: SharedMeter, limit: number | undefined, instances: number, atMs: number): number {
	return limit ? Math.floor(viewNow(meter, atMs) * (shareOf(limit, instances) / limit)) : 0;
}

/** Buckets for deciding alone, brought to now: they begin as full as the shared ones were. */
export function aloneBuckets(subject: SharedSubject, instances: number, atMs: number): AloneBuckets {
	const { limits } = subject;
	const share = (limit: number | undefined) => (limit === undefined ? undefined : shareOf(limit, instances));
	if (subject.alone === undefined) {
		const alone = { sinceMs: atMs, tpm: createTokenBucket(atMs), rpm: createTokenBucket(atMs) };
		for (const kind of ["tpm", "rpm"] as const) {
			alone[kind].limit = share(limits[kind]);
			alone[kind].used = viewShare(subject[kind], limits[kind], instances, atMs);
		}
		subject.alone = alone;
	}
	refill(subject.alone.tpm, share(limits.tpm), atMs);
	refill(subject.alone.rpm, share(limits.rpm), atMs);
	return subject.alone;
}

/** Used while alone, on top of what the shared bucket knew of: what it has to be told. In 1/60,000 of a unit. */
export function usedAlone(subject: SharedSubject, kind: "tpm" | "rpm", instances: number, atMs: number): number {
	if (subject.alone === undefined) {
		return 0;
	}
	const bucket = aloneBuckets(subject, instances, atMs)[kind];
	return Math.max(0, bucket.used - viewShare(subject[kind], subject.limits[kind], instances, atMs));
}
