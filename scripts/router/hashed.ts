import { HASHED_SIZE } from "../../src/routing/classifier/collect.ts";
import { hashedNorm } from "../../src/routing/classifier/model.ts";
import { createRandom, shuffled } from "./random.ts";

/** Prompts as the hashed features they have. */
export interface HashedSamples {
	/** Features of all prompts, one after the other. */
	readonly features: Uint32Array;
	/** Where each prompt begins; one more than there are prompts. */
	readonly starts: Uint32Array;
	readonly targets: Float64Array;
	readonly weights: Float64Array;
	/** Features of prompts that stand for the same original count once: the original's number. */
	readonly originals: Uint32Array;
}

export interface HashedOptions {
	readonly epochs: number;
	readonly rate: number;
	/** Pulls weights to zero, in proportion to them. */
	readonly decay: number;
	/** No weight is farther from zero: one word cannot decide. */
	readonly cap: number;
	/** Features seen in fewer originals get no weight. */
	readonly promptsMin: number;
	readonly seed: number;
}

export interface HashedModel {
	readonly bias: number;
	readonly weights: Int8Array;
	/** What the signed bytes are multiplied with. */
	readonly scale: number;
}

/** Linear regression on hashed words and word pairs by stochastic gradient descent (Adagrad), then signed bytes. */
export function fitHashed(samples: HashedSamples, options: HashedOptions): HashedModel {
	const { features, starts, targets, weights } = samples;
	const rows = targets.length;
	const allowed = countedFeatures(samples, options.promptsMin);
	const values = new Float64Array(HASHED_SIZE);
	const squares = new Float64Array(HASHED_SIZE).fill(1e-3);
	const random = createRandom(options.seed);
	let mass = 0;
	let bias = 0;
	for (let row = 0; row < rows; row += 1) {
		mass += weights[row] ?? 0;
		bias += (weights[row] ?? 0) * (targets[row] ?? 0);
	}
	bias /= mass;
	const mean = mass / rows;
	for (let epoch = 0; epoch < options.epochs; epoch += 1) {
		for (const row of shuffled(rows, random)) {
			const start = starts[row] ?? 0;
			const end = starts[row + 1] ?? 0;
			const norm = 1 / hashedNorm(end - start);
			let sum = bias;
			for (let at = start; at < end; at += 1) {
				sum += (values[features[at] ?? 0] ?? 0) * norm;
			}
			const error = ((sum - (targets[row] ?? 0)) * (weights[row] ?? 0)) / mean;
			for (let at = start; at < end; at += 1) {
				const feature = features[at] ?? 0;
				if (allowed[feature] === 0) {
					continue;
				}
				const value = values[feature] ?? 0;
				const gradient = error * norm + options.decay * value;
				const square = (squares[feature] ?? 0) + gradient * gradient;
				squares[feature] = square;
				const next = value - (options.rate * gradient) / Math.sqrt(square);
				values[feature] = Math.max(-options.cap, Math.min(options.cap, next));
			}
		}
	}
	const scale = options.cap / 127;
	return { bias, weights: Int8Array.from(values, (value) => Math.round(value / scale)), scale };
}

function countedFeatures({ features, starts, originals }: HashedSamples, promptsMin: number): Uint8Array {
	const counts = new Uint16Array(HASHED_SIZE);
	const last = new Uint32Array(HASHED_SIZE);
	for (let row = 0; row + 1 < starts.length; row += 1) {
		const original = (originals[row] ?? 0) + 1;
		for (let at = starts[row] ?? 0; at < (starts[row + 1] ?? 0); at += 1) {
			const feature = features[at] ?? 0;
			if (last[feature] !== original) {
				last[feature] = original;
				counts[feature] = Math.min(65_535, (counts[feature] ?? 0) + 1);
			}
		}
	}
	return Uint8Array.from(counts, (count) => (count >= promptsMin ? 1 : 0));
}
