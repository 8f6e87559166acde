import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Strategy } from "../../../src/config/types.ts";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import { createReplay } from "../../../src/routing/report/replay.ts";
import { replaced, shifted } from "../../../src/routing/report/try-thresholds.ts";
import type { AliasReplay, Replay, RoutedBy, RoutedRequest } from "../../../src/routing/report/types.ts";
import { attempt, configured, decided, failed, priced, request, sheet, threeTiers } from "./report-samples.ts";

interface Terms {
	readonly medium?: number;
	readonly complex?: number;
	readonly classifyAll?: boolean;
	readonly by?: RoutedBy;
}

function replay(requests: readonly RoutedRequest[], terms: Terms = {}): Replay {
	const { medium, complex, classifyAll = false, by = threeTiers() } = terms;
	const fold = createReplay({ thresholds: (alias) => replaced(alias, { medium, complex }), classifyAll }, by);
	requests.forEach(fold.add);
	return fold.result();
}

function only(result: Replay): AliasReplay {
	const [alias] = result.aliases;
	if (alias === undefined || result.aliases.length > 1) {
		throw new Error(`replayed: ${result.aliases.map(({ model_alias }) => model_alias)}`);
	}
	return alias;
}

const LEFT_OUT = { unanswered: 0, unpriced: 0, gone: 0, undecided: 0, without_text: 0, other_strategy: 0 };

describe("a replay", () => {
	test("with other thresholds prices each request's own tokens at the tier that it would have gone to", () => {
		const requests = [
			request(decided(0.4), [attempt("middle")]),
			request(decided(0.45), [attempt("middle")]),
			request(decided(0.6), [attempt("middle")]),
			request(decided(0.7), [attempt("large")]),
			request(decided(0.1), [attempt("small")]),
		];
		const result = replay(requests, { medium: 0.5, complex: 0.8 });
		expect(only(result)).toEqual({
			model_alias: "smart",
			thresholds: { medium: 0.5, complex: 0.8 },
			compared: 5,
			changed: 3,
			// 3 × 360,000 + 1,300,000 + 120,000; then 2 × 120,000 + 2 × 360,000 + 120,000.
			actual_cost_usd: "0.002500",
			other_cost_usd: "0.001080",
			saving_usd: "0.001420",
			changes: [
				{
					from: "complex",
					to: "medium",
					requests: 1,
					actual_cost_usd: "0.001300",
					other_cost_usd: "0.000360",
					saving_usd: "0.000940",
				},
				{
					from: "medium",
					to: "simple",
					requests: 2,
					actual_cost_usd: "0.000720",
					other_cost_usd: "0.000240",
					saving_usd: "0.000480",
				},
			],
			not_compared: LEFT_OUT,
		});
		expect(result).toMatchObject({ compared: 5, changed: 3, saving_usd: "0.001420" });
		expect(result.caveats.join(" ")).toContain("not judged");
	});

	test("with the thresholds that were in force changes nothing, whoever served in the end", () => {
		const result = only(
			replay([
				request(decided(0.9), [attempt("large")]),
				request(decided(0.9), [failed("large"), attempt("middle")]),
				request(decided(0.1), [attempt("gone")]),
			]),
		);
		expect(result).toMatchObject({ compared: 3, changed: 0, saving_usd: "0.000000", changes: [] });
	});

	test("where stronger models would have been called has a negative saving", () => {
		const result = only(replay([request(decided(0.5), [attempt("middle")])], { complex: 0.5 }));
		expect(result).toMatchObject({ changed: 1, saving_usd: "-0.000940" });
	});

	test("chooses among those that could serve the request then: its candidates", () => {
		const decision = decided(0.5, { candidates: ["middle", "large"] });
		const result = only(replay([request(decision, [attempt("middle")])], { medium: 0.6 }));
		// The next stronger tier stands in for the one that could not: no change.
		expect(result).toMatchObject({ compared: 1, changed: 0, saving_usd: "0.000000" });
	});

	test("does not choose who failed at this very request", () => {
		const result = only(replay([request(decided(0.5), [failed("middle"), attempt("large")])], { medium: 0.6 }));
		expect(result.changes).toMatchObject([{ from: "complex", to: "simple" }]);
		const again = only(replay([request(decided(0.5), [failed("small"), attempt("middle")])], { medium: 0.6 }));
		expect(again).toMatchObject({ compared: 1, changed: 0 });
	});

	test("stays within the first priority, as routing does", () => {
		const by = configured({
			deployments: [priced("middle", "medium"), priced("small", "simple", { priority: 1 })],
		});
		const result = only(replay([request(decided(0.5), [attempt("middle")])], { medium: 0.6, by }));
		expect(result).toMatchObject({ changed: 0 });
	});

	test("shares the deployments of a tier by weight, as routing does", () => {
		const twin = { ...priced("middle", "simple"), weight: 3 };
		const by = configured({ deployments: [priced("small", "simple"), twin, priced("large", "complex")] });
		const decision = decided(0.7, { candidates: ["large", "small", "middle"] });
		const requests = Array.from({ length: 8 }, () => request(decision, [attempt("large")]));
		// Two of eight at 120,000, six at 360,000.
		expect(only(replay(requests, { medium: 0.8, complex: 0.9, by }))).toMatchObject({
			changed: 8,
			other_cost_usd: "0.002400",
		});
	});

	test("between equals changes nothing", () => {
		const by = configured({
			deployments: [priced("small", "simple"), priced("middle", "simple"), priced("large", "complex")],
		});
		const decision = decided(0.5, { bucket: "medium", candidates: ["large", "small", "middle"] });
		const requests = ["small", "middle", "small"].map((id) => request(decision, [attempt(id)]));
		expect(only(replay(requests, { medium: 0.6, by }))).toMatchObject({
			compared: 3,
			changed: 0,
			saving_usd: "0.000000",
		});
	});

	test("knows the price of the whole usage: tiers by the prompt's length, cached tokens, searches", () => {
		const long = sheet(1, 1);
		const { base } = long;
		const stepped = {
			...long,
			base: { ...base, cachedInputPerMillion: 500_000_000, perSearch: 1_000_000 },
			tiers: [
				{
					fromPromptTokens: 1_000,
					rates: { ...base, inputPerMillion: 2e9, cachedInputPerMillion: 1e9, perSearch: 1_000_000 },
				},
			],
		};
		const by = configured({ deployments: [priced("small", "simple", { price: stepped }), priced("large", "complex")] });
		const usage = { ...NO_USAGE, input: 600, cacheRead: 400, output: 10, searches: 2 };
		const result = only(
			replay([request(decided(0.9), [attempt("large", { usage, costNano: 9_000_000 })])], {
				medium: 1,
				complex: 1,
				by,
			}),
		);
		// 600 × 2,000 + 400 × 1,000 + 10 × 1,000 + 2 × 1,000,000
		expect(result).toMatchObject({ other_cost_usd: "0.003610", saving_usd: "0.005390" });
	});
});

describe("what a replay leaves out, and says so", () => {
	const other = { strategy: "round_robin" as Strategy };
	const requests = [
		request(undefined, [attempt("large")]),
		request(decided(0, { signals: [] }), [attempt("large")]),
		request(decided(0.9, other), [attempt("large")]),
		request(decided(0.9), [failed("large")]),
		request(decided(0.9), [attempt("large", { priced: false, costNano: 0 })]),
		request(decided(0.9, { candidates: ["removed"] }), [attempt("removed")]),
		request(decided(0.5), [attempt("middle")], { begun: false }),
	];

	test("requests that have no decision, text, answer, price or deployment any more, or that another strategy placed", () => {
		const result = only(replay(requests, { medium: 1, complex: 1 }));
		expect(result).toMatchObject({ compared: 0, changed: 0, actual_cost_usd: "0.000000", changes: [] });
		expect(result.not_compared).toEqual({
			undecided: 1,
			without_text: 1,
			other_strategy: 1,
			unanswered: 1,
			unpriced: 1,
			gone: 1,
		});
	});

	test("a tier whose price nobody knows", () => {
		const by = configured({
			deployments: [priced("small", "simple", { price: undefined }), priced("large", "complex")],
		});
		const result = only(replay([request(decided(0.9), [attempt("large")])], { medium: 1, complex: 1, by }));
		expect(result).toMatchObject({ compared: 0, changed: 0, not_compared: { ...LEFT_OUT, unpriced: 1 } });
	});

	test("but takes those of another strategy along when asked", () => {
		const placed = [0.1, 0.5, 0.9].map((score) => request(decided(score, other), [attempt("large")]));
		const result = only(replay(placed, { classifyAll: true }));
		// 3 × 1,300,000; 120,000 + 360,000 + 1,300,000.
		expect(result).toMatchObject({ compared: 3, changed: 2, saving_usd: "0.002120", not_compared: LEFT_OUT });
	});

	test("aliases without tiers", () => {
		const by = configured({ deployments: [priced("small", undefined), priced("large", undefined)] });
		expect(replay([request(decided(0.9), [attempt("large")])], { medium: 1, by }).aliases).toEqual([]);
	});

	test("deployments of fallbacks: they are not the alias's own choice", () => {
		const fallback = priced("small", "simple", { id: "spare", alias: "other" });
		const by = configured({ deployments: [priced("large", "complex")] }, [fallback]);
		const decision = decided(0.9, { candidates: ["large", "spare"] });
		const result = only(replay([request(decision, [attempt("large")])], { medium: 1, complex: 1, by }));
		expect(result).toMatchObject({ compared: 1, changed: 0 });
	});
});

describe("thresholds to try", () => {
	const own = { thresholds: { medium: 0.33, complex: 0.66 } };

	test("one that is replaced alone moves the other out of its way", () => {
		expect(replaced(own, { medium: 0.4, complex: undefined })).toEqual({ medium: 0.4, complex: 0.66 });
		expect(replaced(own, { medium: 0.8, complex: undefined })).toEqual({ medium: 0.8, complex: 0.8 });
		expect(replaced(own, { medium: undefined, complex: 0.2 })).toEqual({ medium: 0.2, complex: 0.2 });
		expect(replaced(own, { medium: undefined, complex: undefined })).toEqual(own.thresholds);
	});

	test("are moved by round steps and not beyond 0 and 1", () => {
		expect(shifted(own, 0.05)).toEqual({ medium: 0.38, complex: 0.71 });
		expect(shifted(own, -0.2)).toEqual({ medium: 0.13, complex: 0.46 });
		expect(shifted({ thresholds: { medium: 0.1, complex: 0.9 } }, 0.2)).toEqual({ medium: 0.3, complex: 1 });
		expect(shifted({ thresholds: { medium: 0.1, complex: 0.9 } }, -0.2)).toEqual({ medium: 0, complex: 0.7 });
	});
});

test("higher thresholds never cost more, where a stronger tier is a dearer one", () => {
	const score = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
	fc.assert(
		fc.property(fc.array(score, { minLength: 1, maxLength: 30 }), score, score, (scores, one, two) => {
			const requests = scores.map((value) => {
				const decision = decided(value);
				return request(decision, [attempt(decision.candidates[0] ?? "")]);
			});
			const [low, high] = [Math.min(one, two), Math.max(one, two)];
			const dear = replay(requests, { medium: low, complex: low });
			const cheap = replay(requests, { medium: high, complex: high });
			expect(Number(cheap.other_cost_usd)).toBeLessThanOrEqual(Number(dear.other_cost_usd));
			expect(cheap.actual_cost_usd).toBe(dear.actual_cost_usd);
		}),
	);
});
