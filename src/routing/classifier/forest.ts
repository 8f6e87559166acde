/** The trees of a model, as its file has them. */
interface Trees {
	readonly treeFeatures: Int16Array;
	readonly treeThresholds: Float32Array;
	readonly treeValues: Float32Array;
}

/*
 * Trees of depth four, laid out for walking. Of each tree sixteen numbers: node 1 is the root, nodes 2n and 2n + 1 are the
 * children of n, and node n + 16 of the last row is leaf n. No step of a walk is a jump: which way a prompt goes cannot be
 * guessed by the processor, and a wrong guess costs more than the step. Four trees are walked side by side, so that one
 * does not wait for another's memory.
 */
interface Forest {
	/** Of all trees, and as many that add nothing as make the number a multiple of four. */
	readonly size: number;
	readonly features: Uint16Array;
	/** Infinity = always goes left. */
	readonly thresholds: Float64Array;
	readonly leaves: Float64Array;
	/** What going to a child adds to a third of the tree's value: 32 numbers for each tree, from child 2 on. */
	readonly steps: Float64Array;
}

const INNER = 15;
const NODES = 31;
const SIDE_BY_SIDE = 4;

const forests = new WeakMap<Int16Array, Forest>();

/** The sum of the trees' leaves, in their order. */
export function sumTrees(trees: Trees, features: Float32Array): number {
	const forest = forestOf(trees);
	const { size, leaves } = forest;
	let sum = 0;
	for (let first = 0; first < size; first += SIDE_BY_SIDE) {
		const a = first << 4;
		const b = a + 16;
		const c = a + 32;
		const d = a + 48;
		let i = 2 + right(forest, a + 1, features);
		let j = 2 + right(forest, b + 1, features);
		let k = 2 + right(forest, c + 1, features);
		let l = 2 + right(forest, d + 1, features);
		i = (i << 1) + right(forest, a + i, features);
		j = (j << 1) + right(forest, b + j, features);
		k = (k << 1) + right(forest, c + k, features);
		l = (l << 1) + right(forest, d + l, features);
		i = (i << 1) + right(forest, a + i, features);
		j = (j << 1) + right(forest, b + j, features);
		k = (k << 1) + right(forest, c + k, features);
		l = (l << 1) + right(forest, d + l, features);
		i = (i << 1) + right(forest, a + i, features);
		j = (j << 1) + right(forest, b + j, features);
		k = (k << 1) + right(forest, c + k, features);
		l = (l << 1) + right(forest, d + l, features);
		sum += leaves[a + i - 16] ?? 0;
		sum += leaves[b + j - 16] ?? 0;
		sum += leaves[c + k - 16] ?? 0;
		sum += leaves[d + l - 16] ?? 0;
	}
	return sum;
}

/** Adds to the part of each feature what the splits on it add to a third of the sum. */
export function addSplits(trees: Trees, features: Float32Array, parts: Float64Array): void {
	const forest = forestOf(trees);
	for (let tree = 0; tree < forest.size; tree += 1) {
		const start = tree << 4;
		let node = 1;
		while (node <= INNER) {
			const feature = forest.features[start + node] ?? 0;
			node = (node << 1) + right(forest, start + node, features);
			parts[feature] = (parts[feature] ?? 0) + (forest.steps[(start << 1) + node] ?? 0);
		}
	}
}

/** 1 where a prompt goes right, 0 where it goes left. */
function right({ features, thresholds }: Forest, at: number, values: Float32Array): number {
	return +((values[features[at] ?? 0] ?? 0) > (thresholds[at] ?? 0));
}

function forestOf(trees: Trees): Forest {
	const known = forests.get(trees.treeFeatures);
	if (known !== undefined) {
		return known;
	}
	const forest = createForest(trees);
	forests.set(trees.treeFeatures, forest);
	return forest;
}

function createForest({ treeFeatures, treeThresholds, treeValues }: Trees): Forest {
	const trees = treeFeatures.length / INNER;
	const size = Math.ceil(trees / SIDE_BY_SIDE) * SIDE_BY_SIDE;
	const features = new Uint16Array(size << 4);
	const thresholds = new Float64Array(size << 4).fill(Number.POSITIVE_INFINITY);
	const leaves = new Float64Array(size << 4);
	const steps = new Float64Array(size << 5);
	for (let tree = 0; tree < trees; tree += 1) {
		for (let node = 0; node < INNER; node += 1) {
			const feature = treeFeatures[tree * INNER + node] ?? -1;
			if (feature >= 0) {
				const at = (tree << 4) + node + 1;
				features[at] = feature;
				thresholds[at] = treeThresholds[tree * INNER + node] ?? 0;
				const value = treeValues[tree * NODES + node] ?? 0;
				steps[2 * at] = ((treeValues[tree * NODES + 2 * node + 1] ?? 0) - value) / 3;
				steps[2 * at + 1] = ((treeValues[tree * NODES + 2 * node + 2] ?? 0) - value) / 3;
			}
		}
		leaves.set(treeValues.subarray(tree * NODES + INNER, (tree + 1) * NODES), tree << 4);
	}
	return { size, features, thresholds, leaves, steps };
}
