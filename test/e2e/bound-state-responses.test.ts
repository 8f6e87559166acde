import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { FunctionTool, Response, ResponseInputItem } from "openai/resources/responses/responses";
import { chattingDeployment, clientOf, type KeyClient } from "../support/bridged-rig.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { createStrictProvider } from "../support/native/strict-provider.ts";
import { NATIVE_PRICE } from "../support/native-cost.ts";
import { type Json, object, objects } from "../support/oracle/json.ts";
import { type Heard, hear, itemsOf, MANNERS, type Manner, textOf } from "../support/responses-client.ts";
import { ANSWER, createStrictResponses } from "../support/strict-responses.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/*
 * Conversations that an app keeps itself (`store: false`), with reasoning that only the account that made it can read: two
 * accounts at OpenAI, which refuse each other's.
 */
const A = "sk-account-a";
const B = "sk-account-b";
const provider = createStrictResponses();
const claude = createStrictProvider();
let upstream: Upstream;
let chatting: Upstream;
let gateway: TestGateway;
let client: KeyClient;

/** Aliases of each kind, so that no test inherits the breaker of another. */
const COPIES = 16;
let given = 0;

function fresh(kind: "b-first" | "b-then-claude"): string {
	given += 1;
	expect(given).toBeLessThan(COPIES);
	return `${kind}-${given}`;
}

beforeAll(async () => {
	upstream = await startUpstream((request) => provider.answer(request));
	chatting = await startUpstream((request) => claude.answer(request));
	const at = (key: string, priority = 1) => ({ upstream, api_key: key, price: NATIVE_PRICE, priority });
	const kinds = {
		"b-first": { deployments: [at(B, 1), at(A, 2)], router: { retries: 1 } },
		"b-then-claude": {
			deployments: [at(B, 1), chattingDeployment("anthropic", chatting, { priority: 2 })],
			router: { retries: 1 },
		},
	};
	const copies = Object.entries(kinds).flatMap(([kind, alias]) =>
		Array.from({ length: COPIES }, (_, index) => [`${kind}-${index}`, alias] as const),
	);
	gateway = await startTestGateway({
		aliases: { a: at(A), b: at(B), ...Object.fromEntries(copies) },
		router: { retries: 0, sticky_for: "0s" },
	});
	client = clientOf(gateway, await gateway.mint());
});
beforeEach(() => {
	provider.forget();
	provider.down.clear();
	provider.refusesInStreams = false;
});
afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
	await chatting?.[Symbol.asyncDispose]();
});

const weather: FunctionTool = {
	type: "function",
	name: "weather",
	parameters: { type: "object", properties: { city: { type: "string" } } },
	strict: null,
};
const QUESTION: ResponseInputItem = { role: "user", content: [{ type: "input_text", text: "Weather in Rome?" }] };

function ask(manner: Manner, model: string, input: ResponseInputItem[]): Promise<Heard> {
	const include = ["reasoning.encrypted_content" as const];
	return hear(client, manner, { model, input, tools: [weather], store: false, include });
}

/** What an app sends after the answer: everything so far, and the result where a tool was called. */
function goneOn(input: readonly ResponseInputItem[], { output }: Response): ResponseInputItem[] {
	const results = output.flatMap((item) =>
		item.type === "function_call"
			? [{ type: "function_call_output" as const, call_id: item.call_id, output: "21 degrees" }]
			: [],
	);
	// What comes out goes back in.
	return [...input, ...(output as ResponseInputItem[]), ...results];
}

async function begun(manner: Manner, model = "a"): Promise<ResponseInputItem[]> {
	const { response } = await ask(manner, model, [QUESTION]);
	expect(itemsOf(response, "reasoning").every((item) => item.encrypted_content)).toBe(true);
	provider.forget();
	return goneOn([QUESTION], response);
}

async function trailOf({ headers }: Pick<Heard, "headers">): Promise<Json> {
	return object((await gateway.admin("GET", `/requests/${headers.get("x-request-id")}`)).json());
}

const keys = () => provider.asked.map(({ key }) => key);
const kinds = (input: readonly Json[] | undefined) => (input ?? []).map(({ type = "message" }) => type);

describe.each([...MANNERS])("encrypted reasoning, %s", (manner) => {
	test("goes to the account that made it, before any priority", async () => {
		const loop = await begun(manner);
		const { response, headers, dropped } = await ask(manner, fresh("b-first"), loop);
		expect(textOf(response)).toBe(ANSWER);
		expect({ keys: keys(), dropped, retries: headers.get("x-gateway-retries") }).toEqual({
			keys: [A],
			dropped: [],
			retries: "0",
		});
		expect(object(object((await trailOf({ headers })).routing).session)).toMatchObject({
			source: "state",
			outcome: "held",
		});
	});

	test("is left out, with the ids of what it led to, while that account is down; later turns go back", async () => {
		const loop = await begun(manner);
		const model = fresh("b-first");
		provider.down.add(A);
		const { response, headers, dropped } = await ask(manner, model, loop);
		expect(textOf(response)).toBe(ANSWER);
		expect({ keys: keys(), dropped, retries: headers.get("x-gateway-retries") }).toEqual({
			keys: [A, B],
			dropped: ["input[].reasoning"],
			retries: "1",
		});
		const [whole, rest] = provider.asked;
		expect(kinds(whole?.input)).toEqual(["message", "reasoning", "function_call", "function_call_output"]);
		expect(kinds(rest?.input)).toEqual(["message", "function_call", "function_call_output"]);
		expect(rest?.input[1]).not.toHaveProperty("id");
		expect(objects((await trailOf({ headers })).attempts).map(({ status }) => status)).toEqual([
			"upstream_failed",
			"ok",
		]);
		provider.down.clear();
		provider.forget();
		const next = [...goneOn(loop, response), { role: "user", content: "And tomorrow?" } as const];
		const back = await ask(manner, model, next);
		expect(back.dropped).toEqual(["input[].reasoning"]);
		expect(keys()).toEqual([A]);
		// Its own reasoning, and not what the other account has thought in between.
		expect(kinds(provider.asked[0]?.input).filter((type) => type === "reasoning")).toHaveLength(1);
	});

	test.each([false, true])(
		"of an unknown maker is refused once, and then left out (in a stream: %s)",
		async (inside) => {
			provider.refusesInStreams = inside;
			const sealed = { ...provider.sealedBy(A), type: "reasoning" as const, summary: [] };
			const call = { type: "function_call" as const, call_id: "call_1", name: "weather", arguments: "{}" };
			const output = { type: "function_call_output" as const, call_id: "call_1", output: "21 degrees" };
			const input: ResponseInputItem[] = [QUESTION, sealed, call, output];
			const model = fresh("b-then-claude");
			const { response, headers, dropped } = await ask(manner, model, input);
			expect(textOf(response)).toBe(ANSWER);
			expect({ keys: keys(), dropped, retries: headers.get("x-gateway-retries") }).toEqual({
				keys: [B, B],
				dropped: ["input[].reasoning"],
				retries: "0",
			});
			expect(kinds(provider.asked[1]?.input)).toEqual(["message", "function_call", "function_call_output"]);
			const attempts = objects((await trailOf({ headers })).attempts);
			expect(attempts.map(({ status, cost_usd }) => [status, cost_usd === "0.000000"])).toEqual([
				["refused", true],
				["ok", false],
			]);
			const deployments = objects((await gateway.admin("GET", "/deployments")).json().data);
			const asked = deployments.filter(({ model_alias: alias }) => alias === model);
			expect(asked.map(({ errors, breaker }) => [errors, breaker])).toEqual([
				[0, "closed"],
				[0, "closed"],
			]);
			// It is known from now on: nothing is asked twice.
			provider.forget();
			const next = [...goneOn(input, response), { role: "user", content: "And tomorrow?" } as const];
			await ask(manner, model, next);
			expect(keys()).toEqual([B]);
			expect(kinds(provider.asked[0]?.input).filter((type) => type === "reasoning")).toHaveLength(1);
		},
	);

	test("is left behind by a model that only chats", async () => {
		const loop = await begun(manner, "b");
		provider.down.add(B);
		claude.says("anthropic", { text: "Said by Claude." });
		const { response, dropped } = await ask(manner, fresh("b-then-claude"), loop);
		expect(textOf(response)).toBe("Said by Claude.");
		expect(dropped).toContain("input[].reasoning");
		expect(claude.latest()).not.toContain("gAAAA");
	});
});

describe("a compaction, which stands for what was said", () => {
	const compaction = () => {
		const { id, encrypted_content } = provider.sealedBy(A);
		return { id: id.replace("rs_", "cmp_"), type: "compaction" as const, encrypted_content };
	};
	const body = (model: string) => ({ model, store: false, input: [compaction(), QUESTION] });

	test("is never left out: a refusal of it is passed on, after one call", async () => {
		const { key } = await gateway.mint();
		const answer = await gateway.post("/v1/responses", key, body("b"));
		expect({ status: answer.status, code: answer.error()?.code }).toEqual({
			status: 400,
			code: "invalid_encrypted_content",
		});
		expect(keys()).toEqual([B]);
	});
	test("is tried at other accounts of the alias", async () => {
		const { key } = await gateway.mint();
		const answer = await gateway.post("/v1/responses", key, body(fresh("b-first")));
		expect(answer.status).toBe(200);
		expect({ keys: keys(), retries: answer.headers.get("x-gateway-retries") }).toEqual({ keys: [B, A], retries: "0" });
	});
	test("that its account alone can read waits for it: no other one is asked to go on without", async () => {
		const { key } = await gateway.mint();
		const ended = await ask("whole", "a", await begun("whole"));
		const [message] = itemsOf(ended.response, "message");
		const input = [{ type: "item_reference", id: message?.id }, QUESTION];
		const model = fresh("b-first");
		provider.forget();
		expect((await gateway.post("/v1/responses", key, { model, store: false, input })).status).toBe(200);
		expect(keys()).toEqual([A]);
		provider.down.add(A);
		expect((await gateway.post("/v1/responses", key, { model, store: false, input })).status).toBe(502);
		expect(keys()).not.toContain(B);
	});
});
