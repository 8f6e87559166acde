import { formatUsd, type NanoUsd } from "../lib/money.ts";
import { numberText, seriesLine } from "./metrics-text.ts";

/** A number that only grows. */
export interface Count {
	value: number;
}

export function newCount(): Count {
	return { value: 0 };
}

export function countLines(name: string, pairs: string, count: Count): string {
	return seriesLine(name, pairs, numberText(count.value));
}

/** Dollars, exact: what a safe integer cannot hold any more is carried over. */
export interface Money {
	nano: NanoUsd;
	carried: bigint;
}

export function newMoney(): Money {
	return { nano: 0, carried: 0n };
}

/** @param nano A non-negative safe integer. */
export function addMoney(money: Money, nano: NanoUsd): void {
	if (nano > Number.MAX_SAFE_INTEGER - money.nano) {
		money.carried += BigInt(money.nano);
		money.nano = 0;
	}
	money.nano += nano;
}

export function moneyLines(name: string, pairs: string, money: Money): string {
	return seriesLine(name, pairs, formatUsd(money.carried + BigInt(money.nano)));
}

/** Ascending upper bounds; each is inside its bucket, and one more bucket takes what lies above them all. */
export interface Buckets {
	readonly bounds: readonly number[];
	/** What ends the name of each bucket's line: written once, and not at each question. */
	readonly ends: readonly string[];
}

export function bucketsOf(bounds: readonly number[]): Buckets {
	return {
		bounds,
		ends: [...bounds, Number.POSITIVE_INFINITY].map((bound) => `le="${numberText(bound)}"} `),
	};
}

/** How often something took how long. */
export interface Histogram {
	readonly buckets: Buckets;
	readonly counts: number[];
	sum: number;
}

export function newHistogram(buckets: Buckets): Histogram {
	return { buckets, counts: buckets.ends.map(() => 0), sum: 0 };
}

export function observe(histogram: Histogram, value: number): void {
	const { counts } = histogram;
	const { bounds } = histogram.buckets;
	let index = 0;
	while (index < bounds.length && value > (bounds[index] ?? 0)) {
		index += 1;
	}
	counts[index] = (counts[index] ?? 0) + 1;
	histogram.sum += value;
}

/** Buckets add up: each counts all that is at most its bound. */
export function histogramLines(name: string, pairs: string, { buckets, counts, sum }: Histogram): string {
	const begin = pairs === "" ? `${name}_bucket{` : `${name}_bucket{${pairs},`;
	const { ends } = buckets;
	let text = "";
	let total = 0;
	for (let index = 0; index < ends.length; index += 1) {
		total += counts[index] ?? 0;
		text += `${begin}${ends[index]}${total}\n`;
	}
	return (
		text + seriesLine(`${name}_sum`, pairs, numberText(sum)) + seriesLine(`${name}_count`, pairs, numberText(total))
	);
}
