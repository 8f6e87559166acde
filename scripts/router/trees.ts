import { createRandom } from "./random.ts";

/** One example per row, one column per feature. */
export interface Samples {
	readonly rows: number;
	readonly columns: readonly Float32Array[];
	readonly targets: Float64Array;
	readonly weights: Float64Array;
}

/** A full binary tree of fixed depth: inner nodes in breadth-first order, then the leaves. */
export interface Tree {
	readonly features: Int16Array;
	/** Rows at or below go left. */
	readonly thresholds: Float32Array;
	/** The mean of the node's rows, for inner nodes and leaves: what a split contributes is the difference. */
	readonly values: Float64Array;
}

export interface TreeOptions {
	readonly trees: number;
	readonly depth: number;
	readonly rate: number;
	readonly leafWeightMin: number;
	/** Share of the features that a level of a tree may use. */
	readonly columns: number;
	/** Pulls the values of small leaves to zero. */
	readonly shrink: number;
	readonly seed: number;
}

const BINS = 32;

/** Gradient-boosted trees for squared error, histogram-based; additions and multiplications only. */
export function growTrees(samples: Samples, options: TreeOptions): readonly Tree[] {
	const binned = samples.columns.map((column) => bin(column));
	const random = createRandom(options.seed);
	const residuals = Float64Array.from(samples.targets);
	const trees: Tree[] = [];
	for (let index = 0; index < options.trees; index += 1) {
		const features = binned.flatMap((_, feature) => (random() < options.columns ? [feature] : []));
		const { tree, nodes } = growTree(samples, binned, residuals, features, options);
		trees.push(tree);
		for (let row = 0; row < samples.rows; row += 1) {
			residuals[row] = (residuals[row] ?? 0) - (tree.values[nodes[row] ?? 0] ?? 0);
		}
	}
	return trees;
}

interface Binned {
	readonly bins: Uint8Array;
	/** The upper edge of each bin but the last. */
	readonly edges: Float32Array;
}

function bin(column: Float32Array): Binned {
	const sorted = Float32Array.from(column).sort();
	const edges: number[] = [];
	for (let index = 1; index < BINS; index += 1) {
		const edge = sorted[Math.floor((index / BINS) * sorted.length)] ?? 0;
		if (edges.length === 0 || edge > (edges.at(-1) ?? 0)) {
			edges.push(edge);
		}
	}
	const kept = Float32Array.from(edges);
	const bins = new Uint8Array(column.length);
	for (let row = 0; row < column.length; row += 1) {
		const value = column[row] ?? 0;
		let low = 0;
		let high = kept.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if ((kept[middle] ?? 0) >= value) {
				high = middle;
			} else {
				low = middle + 1;
			}
		}
		bins[row] = low;
	}
	return { bins, edges: kept };
}

function growTree(
	samples: Samples,
	binned: readonly Binned[],
	residuals: Float64Array,
	features: readonly number[],
	options: TreeOptions,
): { readonly tree: Tree; readonly nodes: Uint16Array } {
	const inner = 2 ** options.depth - 1;
	const tree: Tree = {
		features: new Int16Array(inner).fill(-1),
		thresholds: new Float32Array(inner),
		values: new Float64Array(2 * inner + 1),
	};
	const nodes = new Uint16Array(samples.rows);
	for (let level = 0; level < options.depth; level += 1) {
		splitLevel(level, { samples, binned, residuals, features, options, tree, nodes });
	}
	return { tree, nodes };
}

interface Growing {
	readonly samples: Samples;
	readonly binned: readonly Binned[];
	readonly residuals: Float64Array;
	readonly features: readonly number[];
	readonly options: TreeOptions;
	readonly tree: Tree;
	readonly nodes: Uint16Array;
}

function splitLevel(level: number, growing: Growing): void {
	const { samples, binned, residuals, features, options, tree, nodes } = growing;
	const first = 2 ** level - 1;
	const width = 2 ** level;
	const sums = new Float64Array(width);
	const weights = new Float64Array(width);
	for (let row = 0; row < samples.rows; row += 1) {
		const node = (nodes[row] ?? 0) - first;
		const weight = samples.weights[row] ?? 0;
		sums[node] = (sums[node] ?? 0) + weight * (residuals[row] ?? 0);
		weights[node] = (weights[node] ?? 0) + weight;
	}
	const gains = new Float64Array(width);
	const chosenBins = new Uint8Array(width);
	const histogramSums = new Float64Array(width * BINS);
	const histogramWeights = new Float64Array(width * BINS);
	for (const feature of features) {
		const column = binned[feature];
		if (column === undefined) {
			continue;
		}
		histogramSums.fill(0);
		histogramWeights.fill(0);
		const { bins } = column;
		for (let row = 0; row < samples.rows; row += 1) {
			const slot = ((nodes[row] ?? 0) - first) * BINS + (bins[row] ?? 0);
			const weight = samples.weights[row] ?? 0;
			histogramSums[slot] = (histogramSums[slot] ?? 0) + weight * (residuals[row] ?? 0);
			histogramWeights[slot] = (histogramWeights[slot] ?? 0) + weight;
		}
		for (let node = 0; node < width; node += 1) {
			const total = sums[node] ?? 0;
			const mass = weights[node] ?? 0;
			const base = (total * total) / (mass + options.shrink);
			let leftSum = 0;
			let leftWeight = 0;
			for (let edge = 0; edge < column.edges.length; edge += 1) {
				leftSum += histogramSums[node * BINS + edge] ?? 0;
				leftWeight += histogramWeights[node * BINS + edge] ?? 0;
				const rightWeight = mass - leftWeight;
				if (leftWeight < options.leafWeightMin || rightWeight < options.leafWeightMin) {
					continue;
				}
				const rightSum = total - leftSum;
				const gain =
					(leftSum * leftSum) / (leftWeight + options.shrink) +
					(rightSum * rightSum) / (rightWeight + options.shrink) -
					base;
				if (gain > (gains[node] ?? 0)) {
					gains[node] = gain;
					chosenBins[node] = edge;
					tree.features[first + node] = feature;
					tree.thresholds[first + node] = column.edges[edge] ?? 0;
				}
			}
		}
	}
	const childSums = new Float64Array(2 * width);
	const childWeights = new Float64Array(2 * width);
	for (let row = 0; row < samples.rows; row += 1) {
		const node = nodes[row] ?? 0;
		const feature = tree.features[node] ?? -1;
		const goesRight = feature >= 0 && (binned[feature]?.bins[row] ?? 0) > (chosenBins[node - first] ?? 0);
		const child = 2 * node + (goesRight ? 2 : 1);
		nodes[row] = child;
		const weight = samples.weights[row] ?? 0;
		const slot = child - (2 * first + 1);
		childSums[slot] = (childSums[slot] ?? 0) + weight * (residuals[row] ?? 0);
		childWeights[slot] = (childWeights[slot] ?? 0) + weight;
	}
	for (let child = 0; child < 2 * width; child += 1) {
		const node = 2 * first + 1 + child;
		const parent = (node - 1) >> 1;
		tree.values[node] =
			(tree.features[parent] ?? -1) < 0
				? (tree.values[parent] ?? 0)
				: (options.rate * (childSums[child] ?? 0)) / ((childWeights[child] ?? 0) + options.shrink);
	}
}
