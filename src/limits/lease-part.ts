import type { Month } from "./month.ts";

/** What the authority said last of a budget. */
interface Told {
	readonly freeNano: bigint;
	readonly spentNano: bigint;
	/** The limit that it reckoned with. */
	readonly limitNano: bigint;
	readonly atMs: number;
}

/** What this instance has of one budget in one month. In bigint: single figures are safe integers, their sums need not be. */
export interface LeasePart {
	readonly subject: string;
	readonly month: Month;
	/** As the last request brought it; 0 for a subject that is only counted. */
	limit: bigint;
	/** What the authority grants this instance in all; what is being given back is already off. */
	entitled: bigint;
	settled: bigint;
	reserved: bigint;
	told: Told | undefined;
	/** The authority may hold more for this instance than is known here: it is told at the next occasion. */
	uncertain: boolean;
	/** A call about it is on its way. */
	called: boolean;
	/** Reserved in the last seconds, fading. */
	recent: number;
	usedAtMs: number;
	/** The amount of the last request. */
	last: bigint;
	/** As much as the authority lets it hold ahead of need; undefined = all that was asked for. */
	ceiling: bigint | undefined;
}

/** What is told is taken for the present that long: others give back what they do not need in about twice the time. */
const FRESH_MS = 1_000;
/** Ahead of need an instance holds what it reserved in about this time. */
const DEMAND_MS = 2_000;
/** Nothing reserved for this long: nothing is held ahead. */
const IDLE_MS = 1_000;

export function createLeasePart(subject: string, month: Month, entitled: bigint, settled: bigint): LeasePart {
	return {
		subject,
		month,
		limit: 0n,
		entitled,
		settled,
		reserved: 0n,
		told: undefined,
		uncertain: false,
		called: false,
		recent: 0,
		usedAtMs: Number.NEGATIVE_INFINITY,
		last: 0n,
		ceiling: undefined,
	};
}

/** May be reserved here without asking anybody. Negative where more was spent than is held, or than the limit is now. */
export function unusedOf({ limit, entitled, settled, reserved }: LeasePart): bigint {
	return (limit < entitled ? limit : entitled) - settled - reserved;
}

/**
 * The entitlement to keep when more is asked for. Of what is above a limit that was lowered only what is in use: the
 * others must go on counting that.
 */
export function keptOf({ limit, entitled, settled, reserved }: LeasePart): bigint {
	const used = settled + reserved;
	const most = limit < used ? used : limit;
	return entitled < most ? entitled : most;
}

/** What must be granted on top of what is kept, so that an amount fits. */
export function needOf(part: LeasePart, amount: bigint): bigint {
	return positive(amount + part.settled + part.reserved - keptOf(part));
}

/** More has been settled than was granted: before there was a budget, or at a cost above the reservation. */
export function isBehind({ limit, entitled, settled }: LeasePart): boolean {
	return settled > (limit < entitled ? limit : entitled);
}

/**
 * What this instance may reserve at most when so much is free. The authority counts what was settled or what was granted,
 * whichever is more; of what was settled just now it may not know yet, so that this is too much for one who is behind.
 */
export function roomIn(part: LeasePart, freeNano: bigint): bigint {
	return isBehind(part) ? freeNano - part.reserved : unusedOf(part) + freeNano;
}

/** What it holds and does not need. */
export function surplusOf(part: LeasePart, keep: bigint): bigint {
	return positive(part.entitled - part.settled - part.reserved - keep);
}

/**
 * What is left of the whole budget, as far as is known here. Old news are taken for hopeful ones: what others had
 * reserved then has come back for the most part, and if not, the authority says so when it is asked.
 */
export function availableOf(part: LeasePart, limit: bigint, nowMs: number): bigint {
	const { told, settled, reserved } = part;
	if (told === undefined) {
		return limit - settled - reserved;
	}
	const known = roomIn(part, positive(told.freeNano + limit - told.limitNano));
	if (nowMs - told.atMs <= FRESH_MS) {
		return known;
	}
	const hoped = limit - larger(told.spentNano, settled) - reserved;
	return larger(known, hoped);
}

export function noteDemand(part: LeasePart, amount: bigint, nowMs: number): void {
	part.recent = fading(part, nowMs) + Number(amount);
	part.usedAtMs = nowMs;
	part.last = amount;
}

/** What it should hold unused. */
export function targetOf(part: LeasePart, nowMs: number): bigint {
	if (nowMs - part.usedAtMs >= IDLE_MS) {
		return 0n;
	}
	const wish = wishOf(part, nowMs);
	return part.ceiling !== undefined && part.ceiling < wish ? part.ceiling : wish;
}

/** What it would like to hold unused, however little the authority grants. `more` is about to be reserved. */
export function wishOf(part: LeasePart, nowMs: number, more = 0n): bigint {
	const wish = BigInt(Math.ceil(fading(part, nowMs))) + more;
	return wish < part.limit ? wish : part.limit;
}

function fading({ recent, usedAtMs }: LeasePart, nowMs: number): number {
	return recent === 0 ? 0 : recent * Math.exp((usedAtMs - nowMs) / DEMAND_MS);
}

export function positive(nano: bigint): bigint {
	return nano > 0n ? nano : 0n;
}

function larger(one: bigint, other: bigint): bigint {
	return one > other ? one : other;
}
