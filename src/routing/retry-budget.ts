import type { Clock } from "../lib/clock.ts";

/**
 * Bounds how many attempts follow failed ones, for each alias: while providers fail now and then every request may be
 * tried again, but in an outage of all of them retries would only multiply the load.
 */
export interface RetryBudget {
	/** Whether another attempt may follow a failed one; takes what it costs. */
	take(alias: string, failure: { readonly isTimeout: boolean }): boolean;
	/** A request of this alias was answered. */
	succeeded(alias: string): void;
}

/**
 * The bucket of AWS's standard retry mode (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html),
 * with a floor as Finagle has one. A success gives back half of what a retry costs: with three failures in ten at every
 * provider (0.39 retries a request) the bucket stays full, without any success fifty retries are left.
 */
const FULL = 500;
const RETRY_COST = 10;
/** A request that has waited in vain has cost more, and the next one will too. */
const TIMEOUT_COST = 20;
const SUCCESS_GIVES = 5;
/** Two retries a second are always allowed. */
const FLOOR_PER_MS = (2 * RETRY_COST) / 1_000;

export function createRetryBudget({ clock }: { readonly clock: Pick<Clock, "monotonic"> }): RetryBudget {
	/** One for each configured alias that was used. */
	const buckets = new Map<string, { level: number; atMs: number }>();

	function bucketOf(alias: string) {
		const nowMs = clock.monotonic();
		let bucket = buckets.get(alias);
		if (bucket === undefined) {
			bucket = { level: FULL, atMs: nowMs };
			buckets.set(alias, bucket);
		}
		bucket.level = Math.min(FULL, bucket.level + (nowMs - bucket.atMs) * FLOOR_PER_MS);
		bucket.atMs = nowMs;
		return bucket;
	}

	return {
		take(alias, { isTimeout }) {
			const bucket = bucketOf(alias);
			const cost = isTimeout ? TIMEOUT_COST : RETRY_COST;
			if (bucket.level < cost) {
				return false;
			}
			bucket.level -= cost;
			return true;
		},
		succeeded(alias) {
			const bucket = bucketOf(alias);
			bucket.level = Math.min(FULL, bucket.level + SUCCESS_GIVES);
		},
	};
}
