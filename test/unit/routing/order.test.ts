import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Deployment, Strategy, Tier } from "../../../src/config/types.ts";
import { createOrderer, isTooWeak, standInRank } from "../../../src/routing/order.ts";
import type { HealthView } from "../../../src/routing/types.ts";
import { STRATEGIES } from "../../../src/schemas/router.ts";
import { alias, deployment } from "./fakes.ts";

const HEALTHY: HealthView = {
	breaker: "closed",
	inFlight: 0,
	requests: 0,
	errors: 0,
	ttftP50Ms: undefined,
	lastError: undefined,
	availableAtMs: undefined,
};

function orderer(
	strategy: Strategy,
	candidates: readonly Deployment[],
	views: Readonly<Record<string, Partial<HealthView>>> = {},
	costs: Readonly<Record<string, number>> = {},
): (bucket?: Tier, session?: string) => string {
	const { order } = createOrderer({ pace: (id) => ({ ...HEALTHY, ...views[id] }) });
	const smart = alias("smart", candidates);
	return (bucket = "simple", session = undefined) =>
		order({ alias: smart, strategy, candidates, bucket, expectedCost: ({ id }) => costs[id], session })
			.map(({ id }) => id)
			.join(" ");
}

describe("round_robin", () => {
	test("a lower priority number goes first, whatever the weights", () => {
		const next = orderer("round_robin", [
			deployment("backup", { priority: 1, weight: 100 }),
			deployment("a"),
			deployment("b"),
		]);
		expect([next(), next(), next()]).toEqual(["a b backup", "b a backup", "a b backup"]);
	});

	test("weights share the first attempts exactly", () => {
		const next = orderer("round_robin", [deployment("a", { weight: 3 }), deployment("b", { weight: 1 })]);
		const first = Array.from({ length: 8 }, () => next().split(" ")[0]).join("");
		expect(first).toBe("aabaaaba");
	});
});

describe("least_busy", () => {
	test("the fewest requests in flight for its weight go first", () => {
		const candidates = [deployment("a", { weight: 1 }), deployment("b", { weight: 4 })];
		const views = { a: { inFlight: 2 }, b: { inFlight: 7 } };
		expect(orderer("least_busy", candidates, views)()).toBe("b a");
		expect(orderer("least_busy", candidates, { ...views, b: { inFlight: 9 } })()).toBe("a b");
	});

	test("where all are idle each has its turn", () => {
		const next = orderer("least_busy", [deployment("a"), deployment("b")]);
		expect([next(), next(), next()]).toEqual(["a b", "b a", "a b"]);
	});
});

describe("cheapest", () => {
	test("the lowest expected cost goes first, an unknown price last", () => {
		const candidates = [deployment("unknown"), deployment("dear"), deployment("cheap")];
		expect(orderer("cheapest", candidates, {}, { dear: 900, cheap: 100 })()).toBe("cheap dear unknown");
	});

	test("those that cost the same take turns, a free one goes before all", () => {
		const next = orderer(
			"cheapest",
			[deployment("a"), deployment("b"), deployment("free")],
			{},
			{ a: 5, b: 5, free: 0 },
		);
		expect([next(), next()].map((order) => order.split(" ")[0])).toEqual(["free", "free"]);
		expect(new Set([next(), next(), next()].map((order) => order.split(" ")[1]))).toEqual(new Set(["a", "b"]));
	});

	test("a priority goes before a price", () => {
		const candidates = [deployment("first"), deployment("cheap", { priority: 1 })];
		expect(orderer("cheapest", candidates, {}, { first: 900, cheap: 1 })()).toBe("first cheap");
	});
});

describe("classifier", () => {
	const tiered = [
		deployment("s", { tier: "simple" }),
		deployment("m", { tier: "medium" }),
		deployment("c", { tier: "complex" }),
	];

	test.each([
		["simple", "s m c"],
		["medium", "m c s"],
		["complex", "c m s"],
	] as const)("a %s prompt goes to its own tier, then to stronger ones, then down", (bucket, expected) => {
		expect(orderer("classifier", tiered)(bucket)).toBe(expected);
	});

	test.each([
		["simple", ["medium", "complex"], "medium complex"],
		["simple", ["complex"], "complex"],
		["medium", ["simple", "complex"], "complex simple"],
		["complex", ["simple", "medium"], "medium simple"],
	] as const)("a %s prompt with only %p goes to %s", (bucket, tiers, expected) => {
		const candidates = tiers.map((tier) => deployment(tier, { tier }));
		expect(orderer("classifier", candidates)(bucket)).toBe(expected);
	});

	test("deployments without a tier share by weight, as in an alias without tiers", () => {
		const next = orderer("classifier", [deployment("a"), deployment("b")]);
		expect([next("complex"), next("simple"), next("medium")]).toEqual(["a b", "b a", "a b"]);
	});

	test("a deployment without a tier stands in before a weaker one, after a stronger one", () => {
		const next = orderer("classifier", [
			deployment("weak", { tier: "simple" }),
			deployment("any"),
			deployment("strong", { tier: "complex" }),
		]);
		expect(next("medium")).toBe("strong any weak");
	});

	test("weights share inside a tier, undisturbed by prompts of other tiers", () => {
		const next = orderer("classifier", [
			deployment("s1", { tier: "simple", weight: 2 }),
			deployment("s2", { tier: "simple", weight: 1 }),
			deployment("c1", { tier: "complex" }),
			deployment("c2", { tier: "complex" }),
		]);
		const simple = Array.from({ length: 6 }, () => next("simple").split(" ")[0]);
		expect(simple.filter((id) => id === "s1").length).toBe(4);
	});
});

describe("least_latency", () => {
	const three = [deployment("a"), deployment("b"), deployment("c")];

	test("the fastest goes first", () => {
		const views = { a: { ttftP50Ms: 300 }, b: { ttftP50Ms: 100 }, c: { ttftP50Ms: 200 } };
		expect(orderer("least_latency", three, views)()).toBe("b c a");
	});

	test("one that was not measured lately is tried before the fastest", () => {
		expect(orderer("least_latency", three, { a: { ttftP50Ms: 300 }, b: { ttftP50Ms: 100 } })()).toBe("c b a");
	});

	test("a crowd does not follow onto a deployment that has yet to answer its first request", () => {
		const views = { a: { ttftP50Ms: 300 }, b: { ttftP50Ms: 100 }, c: { inFlight: 1 } };
		expect(orderer("least_latency", three, views)()).toBe("b a c");
	});

	test("equally fast ones take turns", () => {
		const next = orderer("least_latency", three.slice(0, 2), { a: { ttftP50Ms: 5 }, b: { ttftP50Ms: 5 } });
		expect([next(), next(), next()]).toEqual(["a b", "b a", "a b"]);
	});
});

describe("a conversation", () => {
	const three = [deployment("a"), deployment("b"), deployment("c")];
	const names = Array.from({ length: 60 }, (_, index) => `conversation ${index}`);

	test("has one place with round_robin, and the same one in every instance", () => {
		const [here, there] = [orderer("round_robin", three), orderer("round_robin", three)];
		there();
		for (const name of names) {
			const order = here("simple", name);
			expect([here("simple", name), there("simple", name)]).toEqual([order, order]);
		}
		expect(new Set(names.map((name) => here("simple", name)[0]))).toEqual(new Set(["a", "b", "c"]));
	});

	test("takes nobody's turn, with any strategy", () => {
		for (const strategy of STRATEGIES) {
			const next = orderer(strategy, three, {}, { a: 5, b: 5, c: 5 });
			const turns = names.slice(0, 6).map((name) => {
				next("simple", name);
				return next();
			});
			expect(turns.join(" ")).toBe("a b c b c a c a b a b c b c a c a b");
		}
	});

	test("has a place in each tier with classifier, and the tiers keep their order", () => {
		const tiered = (["simple", "complex"] as const).flatMap((tier) =>
			[1, 2, 3].map((which) => deployment(`${tier[0]}${which}`, { tier })),
		);
		const next = orderer("classifier", tiered);
		for (const name of names) {
			expect(next("simple", name)).toMatch(/^(s. ){3}(c. ?){3}$/);
			expect(next("complex", name)).toMatch(/^(c. ){3}(s. ?){3}$/);
			expect(next("simple", name)).toBe(next("simple", name));
		}
	});

	test("goes where it is cheapest, fastest or least busy, and has a place among those that are so alike", () => {
		const cheapest = orderer("cheapest", three, {}, { a: 9, b: 5, c: 5 });
		const fastest = orderer("least_latency", three, { a: { ttftP50Ms: 9 }, b: { ttftP50Ms: 5 }, c: { ttftP50Ms: 5 } });
		const idlest = orderer("least_busy", three, { a: { inFlight: 1 } });
		for (const next of [cheapest, fastest, idlest]) {
			const orders = names.map((name) => next("simple", name));
			expect(new Set(orders)).toEqual(new Set(["b c a", "c b a"]));
			expect(names.map((name) => next("simple", name))).toEqual(orders);
		}
	});
});

test("a tier that is too weak for a prompt stands in last, one nobody knows of just before it", () => {
	const tiers = ["simple", "medium", "complex", undefined] as const;
	expect(tiers.map((tier) => standInRank(tier, "medium"))).toEqual([4, 0, 1, 3]);
	expect(tiers.filter((tier) => isTooWeak(tier, "simple"))).toEqual([]);
	expect(tiers.filter((tier) => isTooWeak(tier, "medium"))).toEqual(["simple", undefined]);
	expect(tiers.filter((tier) => isTooWeak(tier, "complex"))).toEqual(["simple", "medium", undefined]);
});

test("no strategy loses or doubles a candidate, and priorities are never broken", () => {
	const tier = fc.constantFrom<Tier | undefined>("simple", "medium", "complex", undefined);
	const settings = fc.record({
		weight: fc.integer({ min: 1, max: 9 }),
		tier,
		priority: fc.integer({ min: 0, max: 2 }),
	});
	fc.assert(
		fc.property(
			fc.array(settings, { maxLength: 7 }),
			fc.constantFrom<Strategy>(...STRATEGIES),
			fc.constantFrom<Tier>("simple", "medium", "complex"),
			fc.option(fc.string(), { nil: undefined }),
			(all, strategy, bucket, session) => {
				const candidates = all.map((one, index) => deployment(`d${index}`, one));
				const { order } = createOrderer({ pace: () => HEALTHY });
				for (let turn = 0; turn < 5; turn += 1) {
					const ordered = order({
						alias: alias("x", candidates),
						strategy,
						candidates,
						bucket,
						expectedCost: ({ weight }) => (weight > 2 ? undefined : weight),
						session,
					});
					expect(ordered.map(({ id }) => id).sort()).toEqual(candidates.map(({ id }) => id).sort());
					const priorities = ordered.map(({ priority }) => priority);
					expect(priorities).toEqual([...priorities].sort());
				}
			},
		),
		{ numRuns: 200 },
	);
});
