import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Deployment, Strategy, Tier } from "../../../src/config/types.ts";
import { createSessionMemory } from "../../../src/routing/session-memory.ts";
import { createStickiness } from "../../../src/routing/stickiness.ts";
import type { Pace, Session, SessionOutcome } from "../../../src/routing/types.ts";
import { STRATEGIES } from "../../../src/schemas/router.ts";
import { alias, createFakeClock, deployment } from "./fakes.ts";

const SESSION: Session = { id: "vk_1\nsmart\nn1", source: "prompt_cache_key" };
const IDLE: Pace = { inFlight: 0, ttftP50Ms: undefined };
/** Of the aliases in fakes.ts. */
const STICKY_FOR_MS = 300_000;

interface Asked {
	readonly strategy?: Strategy;
	readonly bucket?: Tier;
	readonly promptTokens?: number;
	readonly session?: Session;
	/** By deployment: what a prompt costs there, and what a thousand tokens in the cache take off that. */
	readonly costs?: Readonly<Record<string, readonly [whole: number, offPerThousand: number]>>;
}

function createRig(sessionsMax?: number) {
	const clock = createFakeClock();
	const paces: Record<string, Partial<Pace>> = {};
	const memory = createSessionMemory(sessionsMax);
	const { order, served } = createStickiness({ clock, pace: (id) => ({ ...IDLE, ...paces[id] }), memory });
	return {
		clock,
		paces,
		memory,
		served: (id: string, promptTokens = 2_000, session = SESSION) => served(session, id, promptTokens),
		ask(ordered: readonly Deployment[], asked: Asked = {}): { readonly ids: string; readonly outcome: SessionOutcome } {
			const {
				strategy = "round_robin",
				bucket = "simple",
				promptTokens = 2_000,
				session = SESSION,
				costs = {},
			} = asked;
			const result = order({
				session,
				alias: alias("smart", ordered),
				strategy,
				bucket,
				ordered,
				promptTokens,
				expectedCost: ({ id }, cachedTokens) => {
					const cost = costs[id];
					return cost && cost[0] - (cost[1] * cachedTokens) / 1_000;
				},
			});
			expect(result.note.source).toBe(session.source);
			return { ids: result.ordered.map(({ id }) => id).join(" "), outcome: result.note.outcome };
		},
	};
}

const [a, b, c] = [deployment("a"), deployment("b"), deployment("c")];

describe("a conversation", () => {
	test("that was not served yet is left where its name places it", () => {
		expect(createRig().ask([a, b, c])).toEqual({ ids: "a b c", outcome: "placed" });
	});

	test("stays where it was served last, with every strategy, and the others keep their order", () => {
		for (const strategy of STRATEGIES) {
			const rig = createRig();
			rig.served("c");
			expect(rig.ask([a, b, c], { strategy })).toEqual({ ids: "c a b", outcome: "held" });
		}
	});

	test("stays as long as it is served again in time, and is placed anew after that", () => {
		const rig = createRig();
		for (let turn = 0; turn < 3; turn += 1) {
			rig.served("b");
			rig.clock.advance(STICKY_FOR_MS - 1);
			expect(rig.ask([a, b]).outcome).toBe("held");
		}
		rig.clock.advance(1);
		expect(rig.ask([a, b])).toEqual({ ids: "a b", outcome: "placed" });
	});

	test("does not care for the wall clock", () => {
		const rig = createRig();
		rig.served("b");
		rig.clock.stepWall(10 * STICKY_FOR_MS);
		expect(rig.ask([a, b]).outcome).toBe("held");
	});

	test("whose deployment cannot serve it goes on elsewhere, stays there, and says where it was", () => {
		const rig = createRig();
		rig.served("a");
		expect(rig.ask([b, c])).toEqual({ ids: "b c", outcome: "lost" });
		rig.served("b");
		expect(rig.ask([a, b, c])).toEqual({ ids: "b a c", outcome: "held" });
	});

	test("is not another one", () => {
		const rig = createRig();
		rig.served("b");
		const other: Session = { id: "vk_2\nsmart\nn1", source: "header" };
		expect(rig.ask([a, b], { session: other })).toEqual({ ids: "a b", outcome: "placed" });
	});
});

describe("switching pays", () => {
	test("to a deployment that stands before by priority", () => {
		const rig = createRig();
		rig.served("backup");
		expect(rig.ask([a, deployment("backup", { priority: 1 })])).toEqual({ ids: "a backup", outcome: "outranked" });
	});

	test("away from a deployment that is much busier than the least busy one", () => {
		const rig = createRig();
		rig.served("b");
		rig.paces.b = { inFlight: 8 };
		expect(rig.ask([a, b]).outcome).toBe("held");
		rig.paces.b = { inFlight: 9 };
		expect(rig.ask([a, b])).toEqual({ ids: "a b", outcome: "outranked" });
		// A quarter more than the least busy is no crowd where all are busy.
		rig.paces.a = { inFlight: 100 };
		rig.paces.b = { inFlight: 133 };
		expect(rig.ask([a, b]).outcome).toBe("held");
		rig.paces.b = { inFlight: 134 };
		expect(rig.ask([a, b]).outcome).toBe("outranked");
	});

	test("away from the place of its name too, where that is much busier: to the next that has room", () => {
		const rig = createRig();
		rig.paces.a = { inFlight: 9 };
		rig.paces.b = { inFlight: 12 };
		// The first time, nobody knows of a cache.
		expect(rig.ask([a, b, c])).toEqual({ ids: "c a b", outcome: "placed" });
		rig.served("a");
		expect(rig.ask([a, b, c])).toEqual({ ids: "c a b", outcome: "outranked" });
		expect(rig.ask([a, b, c], { strategy: "cheapest", costs: { a: [5, 0], b: [5, 0], c: [5, 0] } }).ids).toBe("c a b");
		// What costs more is no equal.
		expect(rig.ask([a, b, c], { strategy: "cheapest", costs: { a: [5, 0], b: [6, 0], c: [6, 0] } })).toEqual({
			ids: "a b c",
			outcome: "held",
		});
	});

	test("by requests in flight for a deployment's weight, on whatever scale the weights are", () => {
		for (const scale of [1, 100]) {
			const small = deployment("small", { weight: scale });
			const large = deployment("large", { weight: 3 * scale });
			const rig = createRig();
			rig.served("large");
			rig.paces.large = { inFlight: 12 };
			expect(rig.ask([small, large]).outcome).toBe("held");
			rig.paces.large = { inFlight: 13 };
			expect(rig.ask([small, large]).outcome).toBe("outranked");
		}
	});

	test("never to a deployment that is busier still", () => {
		const rig = createRig();
		rig.served("b");
		rig.paces.a = { inFlight: 50 };
		rig.paces.b = { inFlight: 20 };
		expect(rig.ask([a, b, c], { strategy: "least_latency" }).outcome).toBe("held");
	});

	test("with least_latency, away from one that is more than twice as slow as the fastest", () => {
		const rig = createRig();
		rig.served("b");
		rig.paces.a = { ttftP50Ms: 400 };
		rig.paces.b = { ttftP50Ms: 800 };
		expect(rig.ask([a, b], { strategy: "least_latency" }).outcome).toBe("held");
		rig.paces.b = { ttftP50Ms: 801 };
		expect(rig.ask([a, b], { strategy: "least_latency" })).toEqual({ ids: "a b", outcome: "outranked" });
		expect(rig.ask([a, b], { strategy: "least_busy" }).outcome).toBe("held");
		// Three milliseconds more are noise.
		rig.paces.a = { ttftP50Ms: 2 };
		rig.paces.b = { ttftP50Ms: 5 };
		expect(rig.ask([a, b], { strategy: "least_latency" }).outcome).toBe("held");
	});

	test("with least_latency, not for the sake of one that has not been measured", () => {
		const rig = createRig();
		rig.served("b");
		rig.paces.b = { ttftP50Ms: 5_000 };
		expect(rig.ask([a, b], { strategy: "least_latency" })).toEqual({ ids: "b a", outcome: "held" });
	});
});

describe("with classifier", () => {
	const simple = deployment("simple", { tier: "simple" });
	const medium = deployment("medium", { tier: "medium" });
	const complex = deployment("complex", { tier: "complex" });
	const untiered = deployment("untiered");
	const classifier = { strategy: "classifier" } as const;

	test("a prompt that calls for a stronger tier leaves a weaker one, whatever that costs", () => {
		const rig = createRig();
		rig.served("simple");
		const costs = { simple: [1, 0], complex: [1_000, 0] } as const;
		expect(rig.ask([complex, medium, simple], { ...classifier, bucket: "complex", costs })).toEqual({
			ids: "complex medium simple",
			outcome: "outranked",
		});
	});

	test("one that a weaker tier would do for stays with the stronger unless the weaker is cheaper", () => {
		const rig = createRig();
		rig.served("complex");
		// 2,000 tokens: 900 there, 1,000 less twice 100 here.
		const ask = (there: number) =>
			rig.ask([simple, complex], { ...classifier, costs: { simple: [there, 0], complex: [1_000, 100] } });
		expect(ask(900)).toEqual({ ids: "complex simple", outcome: "held" });
		expect(ask(800)).toEqual({ ids: "complex simple", outcome: "held" });
		expect(ask(799)).toEqual({ ids: "simple complex", outcome: "cheaper_elsewhere" });
	});

	test("prices do not count among equals", () => {
		const other = deployment("other", { tier: "simple" });
		const rig = createRig();
		rig.served("other");
		expect(rig.ask([simple, other], { ...classifier, costs: { simple: [1, 0], other: [9, 0] } }).outcome).toBe("held");
	});

	test("nobody knows how strong a deployment without a tier is: it keeps simple prompts only", () => {
		const rig = createRig();
		rig.served("untiered");
		expect(rig.ask([simple, untiered], classifier).outcome).toBe("held");
		expect(rig.ask([medium, untiered], { ...classifier, bucket: "medium" }).outcome).toBe("outranked");
		expect(rig.ask([untiered, simple], { ...classifier, bucket: "medium" }).outcome).toBe("held");
	});

	test("room is looked for in the prompt's own tier", () => {
		const second = deployment("second", { tier: "complex" });
		const rig = createRig();
		rig.paces.complex = { inFlight: 9 };
		expect(rig.ask([complex, second, simple], { ...classifier, bucket: "complex" }).ids).toBe("second complex simple");
		expect(rig.ask([complex, simple], { ...classifier, bucket: "complex" }).ids).toBe("complex simple");
	});
});

describe("with cheapest", () => {
	const cheapest = { strategy: "cheapest" } as const;

	test("the rest of a prompt where it is warm is compared with the whole elsewhere", () => {
		const rig = createRig();
		rig.served("b", 1_500);
		// 1,500 tokens are in the cache: 1,000 - 150 here.
		const ask = (there: number) => rig.ask([a, b], { ...cheapest, costs: { a: [there, 0], b: [1_000, 100] } });
		expect(ask(850)).toEqual({ ids: "b a", outcome: "held" });
		expect(ask(849)).toEqual({ ids: "a b", outcome: "cheaper_elsewhere" });
	});

	test("a prompt that has become shorter than what was served has no more in the cache than it is long", () => {
		const rig = createRig();
		rig.served("b", 9_000);
		const asked = { ...cheapest, costs: { a: [850, 0], b: [1_000, 100] } } as const;
		expect(rig.ask([a, b], { ...asked, promptTokens: 1_499 }).outcome).toBe("cheaper_elsewhere");
		expect(rig.ask([a, b], { ...asked, promptTokens: 1_500 }).outcome).toBe("held");
	});

	test("less than a provider caches saves nothing", () => {
		const asked = { ...cheapest, costs: { a: [999, 0], b: [1_000, 100] } } as const;
		for (const [tokens, outcome] of [
			[1_023, "cheaper_elsewhere"],
			[1_024, "held"],
		] as const) {
			const rig = createRig();
			rig.served("b", tokens);
			expect(rig.ask([a, b], asked).outcome).toBe(outcome);
		}
	});

	test("what an earlier turn left in the other's cache counts as well", () => {
		const rig = createRig();
		const costs = { a: [900, 100], b: [1_000, 200] } as const;
		rig.served("b");
		expect(rig.ask([a, b], { ...cheapest, costs }).outcome).toBe("held");
		rig.served("a", 5_000);
		rig.served("b");
		// 900 - 200 there, 1,000 - 400 here; then with nothing taken off here.
		expect(rig.ask([a, b], { ...cheapest, costs }).outcome).toBe("held");
		expect(rig.ask([a, b], { ...cheapest, costs: { ...costs, b: [1_000, 100] } }).outcome).toBe("cheaper_elsewhere");
		rig.clock.advance(STICKY_FOR_MS - 1);
		rig.served("b");
		rig.clock.advance(1);
		// Not after its time.
		expect(rig.ask([a, b], { ...cheapest, costs: { a: [900, 100], b: [1_000, 100] } }).outcome).toBe("held");
	});

	test("an unknown price moves nothing", () => {
		const rig = createRig();
		rig.served("b");
		expect(rig.ask([a, b], { ...cheapest, costs: { a: [1, 0] } }).outcome).toBe("held");
		expect(rig.ask([a, b], { ...cheapest, costs: { b: [1_000, 0] } }).outcome).toBe("held");
	});
});

describe("memory", () => {
	test("is bounded: the conversation that was not served for longest is forgotten first", () => {
		const rig = createRig(3);
		const session = (id: number): Session => ({ id: String(id), source: "header" });
		const warm = () => [1, 2, 3, 4].filter((id) => rig.ask([a, b], { session: session(id) }).outcome === "held");
		for (const id of [1, 2, 3, 1, 4]) {
			rig.served("b", 2_000, session(id));
		}
		expect(warm()).toEqual([1, 3, 4]);
		expect(rig.memory.size()).toBe(3);
	});

	test("of one conversation is bounded, however often it moves", () => {
		const memory = createSessionMemory();
		for (let move = 0; move < 100; move += 1) {
			memory.note("one", { deploymentId: `dep_${move % 10}`, atMs: move, promptTokens: 1 });
		}
		expect(memory.placesOf("one")?.map(({ deploymentId }) => deploymentId)).toEqual([
			"dep_9",
			"dep_8",
			"dep_7",
			"dep_6",
		]);
		expect(memory.size()).toBe(1);
	});
});

test("whatever happens, nobody is lost or doubled and priorities are kept", () => {
	const one = fc.record({
		weight: fc.integer({ min: 1, max: 9 }),
		tier: fc.constantFrom<Tier | undefined>("simple", "medium", "complex", undefined),
		priority: fc.integer({ min: 0, max: 2 }),
		inFlight: fc.integer({ min: 0, max: 40 }),
		ttftP50Ms: fc.option(fc.integer({ min: 1, max: 3_000 }), { nil: undefined }),
		cost: fc.option(fc.integer({ min: 0, max: 1_000 }), { nil: undefined }),
	});
	fc.assert(
		fc.property(
			fc.array(one, { minLength: 1, maxLength: 6 }),
			fc.constantFrom<Strategy>(...STRATEGIES),
			fc.constantFrom<Tier>("simple", "medium", "complex"),
			fc.nat({ max: 7 }),
			(all, strategy, bucket, warm) => {
				const rig = createRig();
				const ordered = all
					.map((settings, index) => deployment(`d${index}`, settings))
					.sort((left, right) => left.priority - right.priority);
				const costs = Object.fromEntries(
					all.flatMap(({ cost }, index) => (cost === undefined ? [] : [[`d${index}`, [cost, cost / 4] as const]])),
				);
				all.forEach(({ inFlight, ttftP50Ms }, index) => {
					rig.paces[`d${index}`] = { inFlight, ttftP50Ms };
				});
				rig.served(`d${warm}`);
				const { ids } = rig.ask(ordered, { strategy, bucket, costs });
				const result = ids.split(" ").map((id) => ordered.find((deployment) => deployment.id === id));
				expect(new Set(result)).toEqual(new Set(ordered));
				expect(result.length).toBe(ordered.length);
				expect(result.map((deployment) => deployment?.priority)).toEqual(ordered.map(({ priority }) => priority));
			},
		),
		{ numRuns: 500 },
	);
});
