import { describe, expect, test } from "bun:test";
import { createRandom } from "../../../scripts/router/random.ts";
import { addSplits, sumTrees } from "../../../src/routing/classifier/forest.ts";
import { hashText, pairHash } from "../../../src/routing/classifier/hash.ts";
import { findRow, lookupOf, trialRow } from "../../../src/routing/classifier/tables.ts";
import { readWeights } from "../../../src/routing/classifier/weights.ts";

const INNER = 15;
const NODES = 31;
const FEATURES = 9;
const random = createRandom(11);
const steps = (most: number) => Math.floor(random() * most);

/** Trees as training leaves them: some nodes split on nothing, thresholds and features meet exactly now and then. */
function trees(number: number) {
	return {
		treeFeatures: Int16Array.from({ length: number * INNER }, () => steps(FEATURES + 2) - 2).map((at) =>
			Math.max(at, -1),
		),
		treeThresholds: Float32Array.from({ length: number * INNER }, () => steps(9) / 4 - 1),
		treeValues: Float32Array.from({ length: number * NODES }, () => random() - 0.5),
	};
}

/** The nodes that a walk comes by, as their definition says. */
function walk({ treeFeatures, treeThresholds }: ReturnType<typeof trees>, tree: number, features: Float32Array) {
	const nodes = [0];
	for (let node = 0; node < INNER; nodes.push(node)) {
		const feature = treeFeatures[tree * INNER + node] ?? -1;
		const goesRight = feature >= 0 && (features[feature] ?? 0) > (treeThresholds[tree * INNER + node] ?? 0);
		node = 2 * node + (goesRight ? 2 : 1);
	}
	return nodes;
}

describe("a forest", () => {
	test.each([1, 2, 3, 4, 7, 200])("of %p trees sums to the same bits as its trees one by one", (number) => {
		const forest = trees(number);
		for (let round = 0; round < 50; round += 1) {
			const features = Float32Array.from({ length: FEATURES }, () => steps(13) / 4 - 1.5);
			const parts = new Float64Array(FEATURES);
			let sum = 0;
			let roots = 0;
			for (let tree = 0; tree < number; tree += 1) {
				sum += forest.treeValues[tree * NODES + (walk(forest, tree, features).at(-1) ?? 0)] ?? 0;
				roots += splitless(forest, tree, features);
			}
			addSplits(forest, features, parts);
			expect(sumTrees(forest, features)).toBe(sum);
			expect(parts.reduce((all, part) => all + part, 0)).toBeCloseTo((sum - roots) / 3, 9);
		}
	});
});

/** What of a tree's leaf no split accounts for: the root, and steps from nodes that split on nothing. */
function splitless(forest: ReturnType<typeof trees>, tree: number, features: Float32Array): number {
	const value = (node: number) => forest.treeValues[tree * NODES + node] ?? 0;
	const nodes = walk(forest, tree, features);
	return nodes.slice(1).reduce((sum, node, index) => {
		const parent = nodes[index] ?? 0;
		return (forest.treeFeatures[tree * INNER + parent] ?? -1) < 0 ? sum + value(node) - value(parent) : sum;
	}, value(0));
}

test("every word of the table is found, on trial as well, and nothing else", () => {
	const { tables } = readWeights();
	const lookup = lookupOf(tables);
	const words = new Set(tables.keys);
	for (const [slot, key] of tables.keys.entries()) {
		if (key !== 0) {
			expect(findRow(tables, key)).toBe(tables.rows[slot] ?? -1);
			expect(trialRow(lookup, key | 0)).toBe(tables.rows[slot] ?? -1);
		}
	}
	for (let number = 0; number < 20_000; number += 1) {
		const hash = pairHash(hashText(`word ${number}`), number);
		expect(findRow(tables, hash) >= 0).toBe(words.has(hash));
		expect(trialRow(lookup, hash | 0) >= 0).toBe(words.has(hash));
	}
});
