import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatFor } from "../support/openai-answers.ts";
import { errorJson } from "../support/replies.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/**
 * Two models at the catalogue's prices, dollars per million tokens (input, cached input, output):
 * gpt-4o-mini 0.15, 0.075, 0.60; gpt-5-mini 0.25, 0.025, 2.00. An answer is taken for 500 tokens.
 * Whole at gpt-4o-mini: 0.15 P + 300 millionths; the rest at a warm gpt-5-mini: 0.025 P + 1,000. They meet at 5,600 tokens.
 */
const CHEAP = "gpt-4o-mini";
const DEAR = "gpt-5-mini";
const SENTENCE = "All of this was agreed upon in the spring and signed by both parties. ";
/** 2,100 tokens as the gateway bounds them: 616 there, 1,053 here; and ten times as many: 3,460 there, 1,527 here. */
const SHORT = SENTENCE.repeat(120);
const LONG = SENTENCE.repeat(1_200);
const THEOREM =
	"Prove that every continuous function on a compact metric space is uniformly continuous, then derive the rate at which a distributed consensus protocol with f Byzantine faults converges, and analyse its worst-case complexity step by step.";

let cheap: Upstream;
let dear: Upstream;
let gateway: TestGateway;
let key: string;

beforeAll(async () => {
	[cheap, dear] = (await Promise.all([0, 1].map(() => startUpstream((request) => chatFor(request))))) as [
		Upstream,
		Upstream,
	];
	const deployments = (tiers: boolean) => [
		{ upstream: cheap, model: CHEAP, price: null, ...(tiers ? { tier: "simple" } : {}) },
		{ upstream: dear, model: DEAR, price: null, ...(tiers ? { tier: "complex" } : {}) },
	];
	gateway = await startTestGateway({
		aliases: {
			cheapest: { deployments: deployments(false), router: { strategy: "cheapest" } },
			tiered: {
				deployments: deployments(true),
				// What is no greeting is complex.
				router: { strategy: "classifier", thresholds: { medium: 0.2, complex: 0.2 } },
			},
		},
	});
	key = (await gateway.mint()).key;
});
afterEach(() => {
	for (const upstream of [cheap, dear]) {
		upstream.script((request) => chatFor(request));
		upstream.forget();
	}
});
afterAll(async () => {
	await gateway?.stop();
	await Promise.all([cheap, dear].map((upstream) => upstream?.[Symbol.asyncDispose]()));
});

interface Placed {
	readonly model: string;
	readonly bucket: string | null;
}

async function ask(alias: string, name: string, texts: readonly string[]): Promise<Placed> {
	const [system = "", ...turns] = texts;
	const messages = turns.map((content, index) => ({ role: index % 2 === 0 ? "user" : "assistant", content }));
	const answer = await gateway.post("/v1/chat/completions", key, {
		model: alias,
		prompt_cache_key: name,
		max_completion_tokens: 500,
		messages: [{ role: "system", content: system }, ...messages],
	});
	expect(answer.status).toBe(200);
	return {
		model: String(answer.headers.get("x-gateway-decision")).replace("openai/", ""),
		bucket: answer.headers.get("x-gateway-route-bucket"),
	};
}

describe("with cheapest, a conversation that a failover took to the dearer model", () => {
	async function secondTurn(name: string, system: string): Promise<string> {
		cheap.script(() => errorJson(500, {}));
		expect((await ask("cheapest", name, [system, "Hello"])).model).toBe(DEAR);
		cheap.script((request) => chatFor(request));
		return (await ask("cheapest", name, [system, "Hello", "Hello.", "Who signed?"])).model;
	}

	test("goes to the cheaper one while it is short: the whole of it costs less than its rest", async () => {
		expect(await secondTurn("short", SHORT)).toBe(CHEAP);
	});

	test("stays when it is long: its rest costs less than the whole of it", async () => {
		expect(await secondTurn("long", LONG)).toBe(DEAR);
		// One of the same length that is cold goes to the cheaper one.
		expect((await ask("cheapest", "cold", [LONG, "Hello", "Hello.", "Who signed?"])).model).toBe(CHEAP);
	});
});

describe("with classifier, a conversation with the stronger model", () => {
	async function thanked(name: string, system: string): Promise<string> {
		expect(await ask("tiered", name, [system, THEOREM])).toEqual({ model: DEAR, bucket: "complex" });
		const after = await ask("tiered", name, [system, THEOREM, "Done.", "Thank you!"]);
		expect(after.bucket).toBe("simple");
		return after.model;
	}

	test("leaves it for a simple prompt while it is short, and comes back for the next hard one", async () => {
		expect(await thanked("short", SHORT)).toBe(CHEAP);
		const back = await ask("tiered", "short", [SHORT, THEOREM, "Done.", "Thank you!", "Welcome.", THEOREM]);
		expect(back.model).toBe(DEAR);
	});

	test("keeps it for a simple prompt when it is long", async () => {
		expect(await thanked("long", LONG)).toBe(DEAR);
	});
});
