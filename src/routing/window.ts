/** Buckets of ten seconds, five minutes of them. */
const BUCKET_MS = 10_000;
const BUCKETS = 30;
/** Buckets that the breaker looks at: the last minute. */
const RECENT_BUCKETS = 6;
/** Samples kept for the median; a busier deployment is judged by its newest. */
const SAMPLES_MAX = 128;
const SAMPLE_AGE_MAX_MS = 60_000;

interface Bucket {
	/** Which ten seconds since the clock's start; -1 = never used. */
	slot: number;
	requests: number;
	errors: number;
	/** Outcomes that the breaker weighs; forgotten when it closes. */
	successes: number;
	failures: number;
}

type WindowEvent = "requests" | "errors" | "successes" | "failures";

/** Sliding counts of one deployment. Times are those of a monotonic clock, milliseconds; memory is constant. */
export interface SlidingCounts {
	add(event: WindowEvent, nowMs: number): void;
	/** Last five minutes. */
	total(event: WindowEvent, nowMs: number): number;
	/** Last sixty seconds. */
	recent(event: WindowEvent, nowMs: number): number;
	/** Starts the breaker's own counts anew; what the administrator sees stays. */
	forgetOutcomes(): void;
}

export function createSlidingCounts(): SlidingCounts {
	const buckets = Array.from({ length: BUCKETS }, (): Bucket => emptyBucket(-1));

	function sum(event: WindowEvent, nowMs: number, span: number): number {
		const slot = slotAt(nowMs);
		let total = 0;
		for (const bucket of buckets) {
			if (bucket.slot > slot - span && bucket.slot <= slot) {
				total += bucket[event];
			}
		}
		return total;
	}

	return {
		add(event, nowMs) {
			const slot = slotAt(nowMs);
			const index = slot % BUCKETS;
			const bucket = buckets[index];
			if (bucket === undefined || bucket.slot !== slot) {
				buckets[index] = { ...emptyBucket(slot), [event]: 1 };
				return;
			}
			bucket[event] += 1;
		},
		total: (event, nowMs) => sum(event, nowMs, BUCKETS),
		recent: (event, nowMs) => sum(event, nowMs, RECENT_BUCKETS),
		forgetOutcomes() {
			for (const bucket of buckets) {
				bucket.successes = 0;
				bucket.failures = 0;
			}
		},
	};
}

function slotAt(nowMs: number): number {
	return Math.floor(nowMs / BUCKET_MS);
}

function emptyBucket(slot: number): Bucket {
	return { slot, requests: 0, errors: 0, successes: 0, failures: 0 };
}

/** The median of the last sixty seconds, over at most the newest 128 samples. */
export interface RecentMedian {
	add(value: number, nowMs: number): void;
	/** undefined = nothing measured in time. */
	median(nowMs: number): number | undefined;
}

export function createRecentMedian(): RecentMedian {
	const samples: { readonly value: number; readonly atMs: number }[] = [];
	let next = 0;
	/** Asked for by every request and changed by answers only: worked out anew when one came, or when it has aged. */
	let known: { readonly median: number | undefined; readonly untilMs: number } | undefined;
	return {
		add(value, nowMs) {
			samples[next] = { value, atMs: nowMs };
			next = (next + 1) % SAMPLES_MAX;
			known = undefined;
		},
		median(nowMs) {
			if (known !== undefined && nowMs < known.untilMs) {
				return known.median;
			}
			const fresh = samples.filter(({ atMs }) => nowMs - atMs < SAMPLE_AGE_MAX_MS);
			const untilMs = fresh.reduce(
				(earliest, { atMs }) => Math.min(earliest, atMs + SAMPLE_AGE_MAX_MS),
				Number.POSITIVE_INFINITY,
			);
			const values = fresh.map(({ value }) => value).sort((left, right) => left - right);
			known = { median: values[Math.floor((values.length - 1) / 2)], untilMs };
			return known.median;
		},
	};
}
