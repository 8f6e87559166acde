import { FEATURES } from "../../src/routing/classifier/features.ts";
import { type Model, NODES, rawScore, TREE_DEPTH } from "../../src/routing/classifier/model.ts";
import { createReader, type Reader, readSegments, readText } from "../../src/routing/classifier/read-features.ts";
import type { Tables } from "../../src/routing/classifier/tables.ts";
import type { Example } from "./examples.ts";
import { fitHashed, type HashedModel } from "./hashed.ts";
import { vectorWords } from "./lexicon.ts";
import { fitLinear, type LinearModel } from "./linear.ts";
import { createParaphrase, foreignWords } from "./neighbours.ts";
import { createRandom, pick } from "./random.ts";
import { REWRITES, type RewriteName } from "./rewrites.ts";
import { TRAINING } from "./surroundings.ts";
import { growTrees, type Samples, type Tree } from "./trees.ts";

export interface FitOptions {
	/** Rewritten copies of each prompt. */
	readonly rewrites: number;
	readonly trees: number;
}

export const SHIPPED: FitOptions = { rewrites: 2, trees: 200 };
/** The rewritings that reading alone does not undo, the harder ones more often. */
const LEARNED: readonly (RewriteName | "paraphrase" | "foreign")[] = [
	"foreign",
	"foreign",
	"foreign",
	"foreign",
	"paraphrase",
	"paraphrase",
	"paraphrase",
	"paraphrase",
	"paraphrase",
	"paraphrase",
	"typos",
	"typos",
	"filler_before",
	"filler_after",
	"long_filler",
	"long_filler",
	"polite",
	"stuffing",
	"stuffing_before",
	"stuffing_inside",
	"prose_before",
	"prose_before",
	"prose_after",
	"markdown",
	"spacing",
];
const QUANTILES = 257;
const INNER = 2 ** TREE_DEPTH - 1;

/** Trains the classifier. The same examples give the same bytes: no clock, no threads, no function that rounds differently. */
export function fitModel(tables: Tables, examples: readonly Example[], options: FitOptions): Model {
	const reader = createReader(tables);
	const set = readAll(reader, examples, options.rewrites);
	const hashed = fitHashed(set, { epochs: 6, rate: 0.05, decay: 1e-4, cap: 1.5, promptsMin: 3, seed: 1 });
	const linear = fitLinear(set.samples, 0.02);
	const mean = weightedMean(set.targets, set.weights);
	const trees = growTrees(
		{ ...set.samples, targets: set.targets.map((target) => target - mean) },
		{
			trees: options.trees,
			depth: TREE_DEPTH,
			rate: 0.08,
			leafWeightMin: 40 * (1 + options.rewrites),
			columns: 0.4,
			shrink: 10,
			seed: 7,
		},
	);
	const model = assemble(tables, { set, hashed, linear, trees, mean });
	return { ...model, calibration: quantiles(model, set) };
}

interface Training {
	readonly samples: Samples;
	readonly features: Uint32Array;
	readonly starts: Uint32Array;
	readonly originals: Uint32Array;
	readonly targets: Float64Array;
	readonly weights: Float64Array;
	/** In the ordinary mix. */
	readonly shares: Float64Array;
}

/** Every example and its rewritings, as features. */
function readAll(reader: Reader, examples: readonly Example[], rewrites: number): Training {
	const random = createRandom(3);
	const paraphrase = createParaphrase(vectorWords());
	const foreign = foreignWords(reader.tables);
	const rewrite = (text: string) => {
		const name = pick(LEARNED, random);
		switch (name) {
			case "paraphrase":
				return paraphrase(text, random);
			case "foreign":
				return foreign(text, random);
			default:
				return REWRITES[name](text, random, TRAINING);
		}
	};
	const hashed: Uint32Array[] = [];
	const rows = examples.length * (1 + rewrites);
	const columns = Array.from({ length: FEATURES }, () => new Float32Array(rows));
	const targets = new Float64Array(rows);
	const weights = new Float64Array(rows);
	const shares = new Float64Array(rows);
	const originals = new Uint32Array(rows);
	let row = 0;
	for (const [original, example] of examples.entries()) {
		for (let copy = 0; copy <= rewrites; copy += 1) {
			const text = copy === 0 ? example.text : rewrite(example.text);
			readText(reader, text);
			readSegments(reader, 0, reader.scan.segments);
			hashed.push(reader.collected.hashed.slice(0, reader.collected.hashedCount));
			for (const [index, column] of columns.entries()) {
				column[row] = reader.features[index] ?? 0;
			}
			targets[row] = example.target;
			weights[row] = example.weight * (copy === 0 ? 1 : 1 / rewrites);
			shares[row] = example.share * (copy === 0 ? 1 : 1 / rewrites);
			originals[row] = original;
			row += 1;
		}
	}
	const mean = weights.reduce((sum, weight) => sum + weight, 0) / rows;
	const scaled = weights.map((weight) => weight / mean);
	const starts = new Uint32Array(rows + 1);
	for (const [index, { length }] of hashed.entries()) {
		starts[index + 1] = (starts[index] ?? 0) + length;
	}
	const features = new Uint32Array(starts[rows] ?? 0);
	for (const [index, list] of hashed.entries()) {
		features.set(list, starts[index]);
	}
	return {
		samples: { rows, columns, targets, weights: scaled },
		features,
		starts,
		originals,
		targets,
		weights: scaled,
		shares,
	};
}

interface Parts {
	readonly set: Training;
	readonly hashed: HashedModel;
	readonly linear: LinearModel;
	readonly trees: readonly Tree[];
	readonly mean: number;
}

function assemble(tables: Tables, { set, hashed, linear, trees, mean }: Parts): Model {
	const means = Float32Array.from(set.samples.columns, (column) => weightedMean(column, set.weights));
	const atMeans = linear.weights.reduce((sum, weight, index) => sum + weight * (means[index] ?? 0), linear.bias);
	return {
		tables,
		hashed: hashed.weights,
		hashedScale: hashed.scale,
		linear: Float32Array.from(linear.weights),
		means,
		treeFeatures: concatenate(Int16Array, trees, INNER, ({ features }) => features),
		treeThresholds: concatenate(Float32Array, trees, INNER, ({ thresholds }) => thresholds),
		treeValues: concatenate(Float32Array, trees, NODES, ({ values }) => values),
		base: (hashed.bias + atMeans + mean) / 3,
		calibration: new Float32Array(),
	};
}

function concatenate<T extends Int16Array | Float32Array>(
	Kind: new (length: number) => T,
	trees: readonly Tree[],
	size: number,
	part: (tree: Tree) => ArrayLike<number>,
): T {
	const all = new Kind(trees.length * size);
	for (const [index, tree] of trees.entries()) {
		all.set(part(tree), index * size);
	}
	return all;
}

/** The raw scores below which each share of the ordinary mix lies. */
function quantiles(model: Model, { samples, features, starts, shares }: Training): Float32Array {
	const row = new Float32Array(FEATURES);
	const scored = Array.from({ length: samples.rows }, (_, index) => {
		for (const [column, values] of samples.columns.entries()) {
			row[column] = values[index] ?? 0;
		}
		const hashed = features.subarray(starts[index], starts[index + 1]);
		const raw = rawScore(model, { hashed, hashedCount: hashed.length }, row);
		return { raw, weight: shares[index] ?? 0 };
	}).sort((left, right) => left.raw - right.raw);
	const total = scored.reduce((sum, { weight }) => sum + weight, 0);
	const result = new Float32Array(QUANTILES);
	let at = 0;
	let below = 0;
	for (let step = 0; step < QUANTILES; step += 1) {
		while (at + 1 < scored.length && below + (scored[at]?.weight ?? 0) < (step / (QUANTILES - 1)) * total) {
			below += scored[at]?.weight ?? 0;
			at += 1;
		}
		const value = scored[at]?.raw ?? 0;
		// Must rise: two prompts with different raw scores have different scores.
		result[step] = step === 0 ? value : Math.max(value, (result[step - 1] ?? 0) + 1e-5);
	}
	return result;
}

function weightedMean(values: ArrayLike<number>, weights: Float64Array): number {
	let sum = 0;
	let mass = 0;
	for (let index = 0; index < weights.length; index += 1) {
		sum += (weights[index] ?? 0) * (values[index] ?? 0);
		mass += weights[index] ?? 0;
	}
	return sum / mass;
}
