/**
 * One bucket of a per-minute limit, refilled continuously. It keeps what has been taken and not yet refilled, in
 * 1/60,000 of a unit: a limit of N a minute refills exactly N of those each millisecond, so every figure is an integer
 * and nothing drifts (safe up to limits of 150 billion a minute).
 */
export interface TokenBucket {
	/** Taken and not refilled, in 1/60,000 of a unit. More than the capacity = debt. */
	used: number;
	/** Units a minute; also the capacity. undefined = unlimited, nothing is kept. */
	limit: number | undefined;
	/** Whole milliseconds, monotonic: up to here the refill is in `used`. */
	refilledAtMs: number;
	/** The lows of `used` that no later low has undercut, oldest first: they answer "the least since then" for late corrections. */
	readonly lows: { atMs: number; used: number }[];
}

const PARTS_PER_UNIT = 60_000;
/** More are merged, towards the lower level: late corrections then give back less, never more. */
const LOWS_MAX = 16;

export function createTokenBucket(atMs: number): TokenBucket {
	return { used: 0, limit: undefined, refilledAtMs: atMs, lows: [] };
}

/** Brings the bucket to an instant and to a limit (which may have been changed). What has been used carries over. */
export function refill(bucket: TokenBucket, limit: number | undefined, atMs: number): void {
	if (bucket.limit !== undefined && atMs > bucket.refilledAtMs) {
		bucket.used = Math.max(0, bucket.used - bucket.limit * (atMs - bucket.refilledAtMs));
	}
	bucket.refilledAtMs = Math.max(bucket.refilledAtMs, atMs);
	bucket.limit = limit;
	if (limit === undefined || bucket.used === 0) {
		bucket.used = 0;
		bucket.lows.length = 0;
	}
}

/**
 * Milliseconds until `units` fit into a bucket that has just been refilled: 0 = now, undefined = never, since the
 * request is larger than the whole limit.
 */
export function waitMs(bucket: TokenBucket, units: number): number | undefined {
	if (bucket.limit === undefined) {
		return 0;
	}
	if (units > bucket.limit) {
		return undefined;
	}
	const excess = bucket.used + (units - bucket.limit) * PARTS_PER_UNIT;
	if (excess <= 0) {
		return 0;
	}
	return bucket.limit === 0 ? undefined : Math.ceil(excess / bucket.limit);
}

/** Takes from a bucket that has just been refilled, into debt if need be. */
export function takeUnits(bucket: TokenBucket, units: number): void {
	if (bucket.limit === undefined) {
		return;
	}
	noteLow(bucket);
	bucket.used += units * PARTS_PER_UNIT;
}

/**
 * Gives back units that were taken at `takenAtMs`, as far as the refill has not given them back already: a bucket that
 * ran empty in between owes nothing any more, and a credit on top of that would be an extra burst.
 */
export function giveBackUnits(bucket: TokenBucket, units: number, takenAtMs: number): void {
	const since = bucket.lows.filter((low) => low.atMs > takenAtMs);
	const outstanding = since.reduce((least, low) => Math.min(least, low.used), bucket.used);
	const credit = Math.min(units * PARTS_PER_UNIT, outstanding);
	bucket.used -= credit;
	for (const low of since) {
		low.used -= credit;
	}
}

export function usedUnits(bucket: TokenBucket): number {
	return Math.ceil(bucket.used / PARTS_PER_UNIT);
}

/** Milliseconds until a bucket that has just been refilled is full, if nothing more is taken. */
export function fullAfterMs({ used, limit }: TokenBucket): number {
	return used === 0 || limit === undefined || limit === 0 ? 0 : Math.ceil(used / limit);
}

/** Called where `used` has a local low: just before it grows. */
function noteLow(bucket: TokenBucket): void {
	const { lows, used, refilledAtMs } = bucket;
	while ((lows.at(-1)?.used ?? -1) >= used) {
		lows.pop();
	}
	lows.push({ atMs: refilledAtMs, used });
	if (lows.length > LOWS_MAX) {
		mergeClosest(lows);
	}
}

/** Two lows become one at the later time and the lower level. The pair that differs least loses least. */
function mergeClosest(lows: TokenBucket["lows"]): void {
	let closest = 0;
	let gapMin = Number.POSITIVE_INFINITY;
	for (let index = 0; index + 1 < lows.length; index += 1) {
		const gap = (lows[index + 1]?.used ?? 0) - (lows[index]?.used ?? 0);
		if (gap < gapMin) {
			gapMin = gap;
			closest = index;
		}
	}
	const [earlier] = lows.splice(closest, 1);
	const later = lows[closest];
	if (earlier && later) {
		later.used = Math.min(earlier.used, later.used);
	}
}
