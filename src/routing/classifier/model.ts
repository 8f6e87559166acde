import { type Collected, HASHED_SIZE } from "./collect.ts";
import { FEATURES } from "./features.ts";
import { addSplits, sumTrees } from "./forest.ts";
import type { Tables } from "./tables.ts";

/** forest.ts walks trees of this depth. */
export const TREE_DEPTH = 4;
export const NODES = 2 ** (TREE_DEPTH + 1) - 1;

/** Three small regressions of the same thing, the worth of a stronger model; their mean is the raw score. */
export interface Model {
	readonly tables: Tables;
	/** Signed bytes, one for each hashed word or pair; times `hashedScale`. */
	readonly hashed: Int8Array;
	readonly hashedScale: number;
	/** One weight for each feature, and the feature's mean over ordinary prompts. */
	readonly linear: Float32Array;
	readonly means: Float32Array;
	/** Of the inner nodes of each tree; -1 = goes left. */
	readonly treeFeatures: Int16Array;
	readonly treeThresholds: Float32Array;
	/** Of the inner nodes and the leaves of each tree, breadth first. */
	readonly treeValues: Float32Array;
	/** The raw score of an ordinary prompt. */
	readonly base: number;
	/** Raw scores at equal steps of the share of ordinary prompts below. */
	readonly calibration: Float32Array;
}

/** What a prompt's sum of hashed weights is divided by: more words say more, but not in proportion. */
export function hashedNorm(features: number): number {
	return Math.sqrt(features + 10);
}

/** The worth of a stronger model for what was collected, in about the share of answers that it gets right in addition. */
export function rawScore(
	model: Model,
	collected: Pick<Collected, "hashed" | "hashedCount">,
	features: Float32Array,
): number {
	return model.base + (hashedPart(model, collected) + linearPart(model, features) + sumTrees(model, features)) / 3;
}

export function hashedPart(
	{ hashed, hashedScale }: Model,
	collected: Pick<Collected, "hashed" | "hashedCount">,
): number {
	let sum = 0;
	for (let index = 0; index < collected.hashedCount; index += 1) {
		sum += hashed[(collected.hashed[index] ?? 0) & (HASHED_SIZE - 1)] ?? 0;
	}
	return (sum * hashedScale) / hashedNorm(collected.hashedCount);
}

function linearPart({ linear, means }: Model, features: Float32Array): number {
	let sum = 0;
	for (let index = 0; index < FEATURES; index += 1) {
		sum += (linear[index] ?? 0) * ((features[index] ?? 0) - (means[index] ?? 0));
	}
	return sum;
}

/** What each feature adds to the raw score, by linear weight and by the splits on it; sums to the two parts' sum. */
export function featureParts(model: Model, features: Float32Array): Float64Array {
	const { linear, means } = model;
	const parts = new Float64Array(FEATURES);
	for (let index = 0; index < FEATURES; index += 1) {
		parts[index] = ((linear[index] ?? 0) * ((features[index] ?? 0) - (means[index] ?? 0))) / 3;
	}
	addSplits(model, features, parts);
	return parts;
}

/** The share of ordinary prompts that score lower, 0 to 1; rises everywhere. */
export function percentile({ calibration }: Model, raw: number): number {
	const last = calibration.length - 1;
	const lowest = calibration[0] ?? 0;
	const highest = calibration[last] ?? 0;
	if (raw <= lowest) {
		// Beyond what was seen: 0 and 1 are only approached, so that two prompts never tie.
		return TAIL / (1 + TAIL_STEEPNESS * (lowest - raw));
	}
	if (raw >= highest) {
		return 1 - TAIL / (1 + TAIL_STEEPNESS * (raw - highest));
	}
	let low = 0;
	let high = last;
	while (high - low > 1) {
		const middle = (low + high) >> 1;
		if ((calibration[middle] ?? 0) <= raw) {
			low = middle;
		} else {
			high = middle;
		}
	}
	const from = calibration[low] ?? 0;
	const to = calibration[high] ?? 0;
	return TAIL + ((1 - 2 * TAIL) * (low + (raw - from) / (to - from))) / last;
}

const TAIL = 0.01;
const TAIL_STEEPNESS = 20;
