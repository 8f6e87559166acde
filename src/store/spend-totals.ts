import { NO_USAGE, type Usage } from "../lib/usage.ts";
import { USAGE_BUCKETS } from "./attempt-rows.ts";
import { dayName } from "./spend-days.ts";
import type { SpendDimension, SpendRow } from "./types.ts";

/** One group of one slice, as the database added it up. Cost as text: a sum may be above 2^53. */
export interface SliceRow extends Usage {
	readonly day?: number | null;
	readonly key?: string | null;
	readonly team?: string | null;
	readonly model?: string | null;
	readonly provider?: string | null;
	readonly requests: number;
	readonly errors: number;
	readonly unpriced: number;
	readonly costNano: string;
}

interface Total {
	readonly group: SpendRow["group"];
	requests: number;
	errors: number;
	unpricedRequests: number;
	usage: Usage;
	costNano: bigint;
}

/** Puts the slices of one report together, group by group. */
export function createSpendTotals(groupBy: readonly SpendDimension[]) {
	const totals = new Map<string, Total>();
	return {
		add(slice: SliceRow): void {
			const values = groupBy.map((dimension) => slice[dimension] ?? "");
			const key = JSON.stringify(values);
			let total = totals.get(key);
			if (total === undefined) {
				const group = Object.fromEntries(groupBy.map((dimension) => [dimension, groupValue(dimension, slice)]));
				total = { group, requests: 0, errors: 0, unpricedRequests: 0, usage: NO_USAGE, costNano: 0n };
				totals.set(key, total);
			}
			total.requests += slice.requests;
			total.errors += slice.errors;
			total.unpricedRequests += slice.unpriced;
			total.usage = addUsage(total.usage, slice);
			total.costNano += BigInt(slice.costNano);
		},
		rows: (): readonly SpendRow[] => totals.values().toArray(),
	};
}

function groupValue(dimension: SpendDimension, slice: SliceRow): string | undefined {
	if (dimension === "day") {
		return dayName(slice.day ?? 0);
	}
	return slice[dimension] || undefined;
}

function addUsage(left: Usage, right: Usage): Usage {
	const sum: { -readonly [Bucket in keyof Usage]: Usage[Bucket] } = { ...left };
	for (const bucket of USAGE_BUCKETS) {
		sum[bucket] += right[bucket];
	}
	return sum;
}
