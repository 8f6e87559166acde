import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createWeightedRotation } from "../../../src/routing/weighted.ts";

function turns(weights: Record<string, number>, count: number): string[] {
	const rotation = createWeightedRotation();
	const candidates = Object.entries(weights).map(([id, weight]) => ({ id, weight }));
	return Array.from({ length: count }, () => rotation.next("alias", candidates)[0]?.id ?? "");
}

const weightSets = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 });

describe("smooth weighted round robin", () => {
	test("weights 5, 1, 1 are spread as nginx spreads them", () => {
		expect(turns({ a: 5, b: 1, c: 1 }, 7).join("")).toBe("aabacaa");
	});

	test("equal weights take turns in the order of the configuration", () => {
		expect(turns({ a: 1, b: 1, c: 1 }, 6).join("")).toBe("abcabc");
	});

	test("over every sum(weights) turns each candidate is first exactly weight times", () => {
		fc.assert(
			fc.property(weightSets, fc.integer({ min: 0, max: 40 }), (weights, skipped) => {
				const total = weights.reduce((sum, weight) => sum + weight, 0);
				const named = Object.fromEntries(weights.map((weight, index) => [`d${index}`, weight]));
				const seen = turns(named, skipped + total).slice(skipped);
				for (const [id, weight] of Object.entries(named)) {
					expect(seen.filter((candidate) => candidate === id).length).toBe(weight);
				}
			}),
			{ numRuns: 200 },
		);
	});

	test("no candidate waits longer than its share allows", () => {
		fc.assert(
			fc.property(weightSets, (weights) => {
				const total = weights.reduce((sum, weight) => sum + weight, 0);
				const named = Object.fromEntries(weights.map((weight, index) => [`d${index}`, weight]));
				const seen = turns(named, total * 3);
				for (const [id, weight] of Object.entries(named)) {
					const positions = seen.flatMap((candidate, index) => (candidate === id ? [index] : []));
					const gaps = positions.slice(1).map((position, index) => position - (positions[index] ?? 0));
					expect(Math.max(0, ...gaps)).toBeLessThan((2 * total) / weight + 1);
				}
			}),
			{ numRuns: 100 },
		);
	});

	test("fractional weights keep their proportions", () => {
		const seen = turns({ a: 0.75, b: 0.25 }, 4_000);
		expect(seen.filter((id) => id === "a").length).toBe(3_000);
	});

	test("every candidate is in the answer, so a failure has somewhere to go", () => {
		const rotation = createWeightedRotation();
		const candidates = [
			{ id: "a", weight: 3 },
			{ id: "b", weight: 2 },
			{ id: "c", weight: 1 },
		];
		for (let turn = 0; turn < 12; turn += 1) {
			expect(
				rotation
					.next("alias", candidates)
					.map(({ id }) => id)
					.sort(),
			).toEqual(["a", "b", "c"]);
		}
	});

	test("two aliases do not disturb each other", () => {
		const rotation = createWeightedRotation();
		const candidates = [
			{ id: "a", weight: 1 },
			{ id: "b", weight: 1 },
		];
		const first = () => rotation.next("one", candidates)[0]?.id;
		expect(first()).toBe("a");
		rotation.next("two", candidates);
		expect(first()).toBe("b");
	});

	test("what is still used is not forgotten for being old", () => {
		const rotation = createWeightedRotation(2);
		const candidates = [
			{ id: "a", weight: 1 },
			{ id: "b", weight: 1 },
		];
		for (const name of ["used", "idle", "used", "used", "new"]) {
			rotation.next(name, candidates);
		}
		expect(rotation.next("used", candidates)[0]?.id).toBe("b");
	});

	test("aliases that are no longer used are forgotten, the rest is kept", () => {
		const rotation = createWeightedRotation(2);
		const candidates = [
			{ id: "a", weight: 1 },
			{ id: "b", weight: 1 },
		];
		rotation.next("old", candidates);
		rotation.next("kept", candidates);
		rotation.next("new", candidates);
		expect(rotation.size()).toBe(2);
		expect(rotation.next("kept", candidates)[0]?.id).toBe("b");
		expect(rotation.next("old", candidates)[0]?.id).toBe("a");
	});

	test("nothing to choose from gives nothing", () => {
		expect(createWeightedRotation().next("alias", [])).toEqual([]);
	});
});
