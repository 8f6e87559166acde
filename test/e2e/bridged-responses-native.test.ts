import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { APIError } from "openai";
import type { FunctionTool, ResponseInputItem } from "openai/resources/responses/responses";
import { chattingDeployment, clientOf, type KeyClient } from "../support/bridged-rig.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { nativeError } from "../support/native/answers.ts";
import { createStrictProvider, type StrictProvider } from "../support/native/strict-provider.ts";
import { NATIVE_PRICE } from "../support/native-cost.ts";
import { responseEventFaults } from "../support/openai-schema.ts";
import { type Json, objects, parseJson } from "../support/oracle/json.ts";
import { bytesStep, json, wireBytes } from "../support/replies.ts";
import { hear, itemsOf, MANNERS, textOf } from "../support/responses-client.ts";
import { responsesReply } from "../support/responses-upstream.ts";
import { parseSse } from "../support/sse-events.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { gate } from "../support/wait.ts";

/*
 * Providers that speak the Responses API themselves, beside one that only chats: what the gateway keeps goes on with
 * either, and what a provider keeps stays with it.
 */
let claude: { readonly provider: StrictProvider; readonly upstream: Upstream };
let openai: Upstream;
let gateway: TestGateway;
let client: KeyClient;
/** Aliases of both, so that no test inherits the breaker of another. */
const MIXED = 9;
let mixedGiven = 0;

function freshMixed(): string {
	mixedGiven += 1;
	expect(mixedGiven).toBeLessThanOrEqual(MIXED);
	return `mixed-${mixedGiven - 1}`;
}

beforeAll(async () => {
	const provider = createStrictProvider();
	claude = { provider, upstream: await startUpstream((request) => provider.answer(request)) };
	openai = await startUpstream((request) => responsesReply(request, "Said by OpenAI."));
	const native = { upstream: openai, price: NATIVE_PRICE };
	const mixed = {
		deployments: [chattingDeployment("anthropic", claude.upstream, { priority: 1 }), { ...native, priority: 2 }],
		router: { retries: 1 },
	};
	gateway = await startTestGateway({
		aliases: {
			openai: native,
			// Speaks Responses and keeps nothing.
			groq: { ...native, provider: "groq", model: "openai/gpt-oss-20b" },
			...Object.fromEntries(Array.from({ length: MIXED }, (_, index) => [`mixed-${index}`, mixed])),
		},
		router: { retries: 0 },
	});
	client = clientOf(gateway, await gateway.mint());
});
beforeEach(() => {
	openai.forget();
	openai.script((request) => responsesReply(request, "Said by OpenAI."));
	claude.upstream.script((request) => claude.provider.answer(request));
});
afterAll(async () => {
	await gateway?.stop();
	await claude?.upstream[Symbol.asyncDispose]();
	await openai?.[Symbol.asyncDispose]();
});

/** The body of the latest request to the provider that speaks Responses. */
function latest(): Json {
	return parseJson(openai.requests.at(-1)?.text() ?? "{}");
}

async function failureOf(call: PromiseLike<unknown>): Promise<APIError> {
	const raised = await Promise.resolve(call).catch((error: unknown) => error);
	if (!(raised instanceof APIError)) {
		throw new Error("nothing was refused");
	}
	return raised;
}

const weather: FunctionTool = {
	type: "function",
	name: "weather",
	parameters: { type: "object", properties: { city: { type: "string" } } },
	strict: null,
};
const THOUGHT = {
	thinking: { text: "I look it up.", seal: "EvYBCkgICxABGAIqQA9E+VC377/UnbjdfXCw==" },
	text: "Let me look.",
	toolCalls: [{ id: "toolu_01AbC", name: "weather", arguments: { city: "Rome" } }],
};

describe("what another provider began goes on with OpenAI", () => {
	const spoken = [
		{ role: "user", content: [{ type: "input_text", text: "Weather in Rome?" }] },
		{ type: "message", role: "assistant", content: [{ type: "output_text", text: "Let me look." }] },
		{ type: "function_call", call_id: "toolu_01AbC", name: "weather", arguments: '{"city":"Rome"}' },
		{ type: "function_call_output", call_id: "toolu_01AbC", output: "21 degrees" },
	];
	const keepers = ["previous_response_id", "conversation", "the app", "the app, with seals"] as const;
	test.each(MANNERS.flatMap((manner) => keepers.map((keeper) => ({ manner, keeper }))))(
		"$manner, history kept by $keeper",
		async ({ manner, keeper }) => {
			const isApp = keeper.startsWith("the app");
			const conversation = keeper === "conversation" ? (await client.openai.conversations.create()).id : null;
			const params = {
				model: freshMixed(),
				tools: [weather],
				reasoning: { effort: "low" as const },
				...(conversation === null ? {} : { conversation }),
				...(keeper === "the app, with seals" ? { include: ["reasoning.encrypted_content" as const] } : {}),
			};
			claude.provider.says("anthropic", THOUGHT);
			const input: ResponseInputItem[] = [
				{ role: "user", content: [{ type: "input_text", text: "Weather in Rome?" }] },
			];
			const called = await hear(client, manner, { ...params, input });
			expect(openai.requests.length).toBe(0);
			const [call] = itemsOf(called.response, "function_call");
			const result = { type: "function_call_output" as const, call_id: call?.call_id ?? "", output: "21 degrees" };
			const turn = isApp ? [...input, ...(called.response.output as ResponseInputItem[]), result] : [result];
			claude.upstream.script(() => nativeError("anthropic", 529, "Overloaded."));
			const { response, headers } = await hear(client, manner, {
				...params,
				input: turn,
				...(keeper === "previous_response_id" ? { previous_response_id: called.response.id } : {}),
			});
			expect(headers.get("x-gateway-decision")).toStartWith("openai/");
			expect(textOf(response)).toBe("Said by OpenAI.");
			expect(response.previous_response_id).toBe(keeper === "previous_response_id" ? called.response.id : null);
			expect(response.conversation ?? null).toEqual(conversation === null ? null : { id: conversation });
			const body = latest();
			expect(Object.keys(body)).not.toContain("previous_response_id");
			expect(Object.keys(body)).not.toContain("conversation");
			expect(body).toMatchObject({ model: "gpt-4o-mini", tools: [{ type: "function", name: "weather" }] });
			expect(body.input).toMatchObject(spoken);
			// Nothing that only the gateway, or only Claude, could read.
			const told = openai.requests.at(-1)?.text() ?? "";
			expect(told).not.toMatch(/gwr1\.|EvYBCkg|"reasoning","?|rs_|msg_|fc_|resp_/);
		},
	);
});

describe("a conversation with a provider that speaks Responses", () => {
	test.each(["openai", "groq"].flatMap((model) => MANNERS.map((manner) => ({ model, manner }))))(
		"$model, $manner: is put in front, and told to the client alone",
		async ({ model, manner }) => {
			const { id } = await client.openai.conversations.create({
				items: [{ type: "message", role: "developer", content: "Be brief." }],
			});
			const first = await hear(client, manner, { model, input: "One.", conversation: id });
			expect(first.response.conversation).toEqual({ id });
			const second = await hear(client, manner, { model, input: "Two.", conversation: { id }, store: false });
			expect(second.response.conversation).toEqual({ id });
			expect(latest()).not.toHaveProperty("conversation");
			expect(latest()).toMatchObject({ store: false });
			const texts = objects(latest().input).map(({ role, content }) => [role, objects(content)[0]?.text ?? content]);
			expect(texts).toEqual([
				["developer", "Be brief."],
				["user", "One."],
				["assistant", "Said by OpenAI."],
				["user", "Two."],
			]);
			// What the provider itself has made goes back to it as it was.
			expect(objects(latest().input)[2]).toEqual({ ...first.response.output[0] });
			expect((await client.openai.conversations.items.list(id)).data.length).toBe(5);
			expect(openai.requests.every((request) => !request.text().includes(id))).toBe(true);
		},
	);
});

describe("a provider that keeps its responses itself", () => {
	test.each(MANNERS)("is built upon there, by the client's own bytes (%s)", async (manner) => {
		const first = await hear(client, manner, { model: "openai", input: "One." });
		expect(first.response.id).not.toMatch(/[A-Z]/);
		const next = { model: "openai", input: "Two.", previous_response_id: first.response.id };
		const { response } = await hear(client, manner, next);
		expect(response.previous_response_id).toBe(first.response.id);
		expect(latest()).toMatchObject({ input: "Two.", previous_response_id: first.response.id });
	});

	test("is asked about it, and nobody else is told", async () => {
		const { response } = await hear(client, "stream", { model: "openai", input: "One." });
		openai.script(() => json(200, { ...response, output_text: undefined }));
		expect((await client.openai.responses.retrieve(response.id)).id).toBe(response.id);
		expect(openai.requests.at(-1)).toMatchObject({ method: "GET", target: `/v1/responses/${response.id}` });
		const stranger = clientOf(gateway, await gateway.mint());
		expect(await failureOf(stranger.openai.responses.retrieve(response.id))).toMatchObject({ status: 404 });
	});

	test("is the only one that can go on, whatever else the alias has", async () => {
		const model = freshMixed();
		claude.upstream.script(() => nativeError("anthropic", 529, "Overloaded."));
		const { response } = await hear(client, "whole", { model, input: "One." });
		claude.provider.says("anthropic", { text: "Said by Claude." });
		claude.upstream.script((request) => claude.provider.answer(request));
		const next = { model, input: "Two.", previous_response_id: response.id };
		expect(textOf((await hear(client, "stream", next)).response)).toBe("Said by OpenAI.");
		expect(latest()).toMatchObject({ previous_response_id: response.id });
		expect(claude.provider.bodies.length).toBe(0);
	});
});

test("a stream that its provider cuts ends in an event like the others, with the next number", async () => {
	const door = gate();
	openai.script((request) => {
		const bytes = wireBytes(responsesReply(request, "Said by OpenAI."));
		const at = bytes.indexOf("event: response.output_text.done");
		return {
			steps: [bytesStep(bytes.subarray(0, at)), { kind: "wait", until: door.opened }, { kind: "fin" }],
		};
	});
	const raised = await failureOf(
		(async () => {
			for await (const event of await client.openai.responses.create({
				model: "openai",
				input: "One.",
				stream: true,
			})) {
				if (event.type === "response.output_text.delta") {
					door.open();
				}
			}
		})(),
	);
	expect(raised.message).toContain("broke off");
	const stream = parseSse((await client.wire()).text);
	const events = stream.data.map((data) => JSON.parse(data));
	expect(stream.names).toEqual(events.map(({ type }) => type));
	expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
	expect(events.flatMap(responseEventFaults)).toEqual([]);
	const { message, code, ...last } = events.at(-1);
	expect(last).toMatchObject({ type: "error", param: null, error: { type: "upstream_error", message, code } });
});

describe("a provider that speaks Responses and keeps nothing", () => {
	test.each(MANNERS)("the gateway keeps them, and puts them in front (%s)", async (manner) => {
		const first = await hear(client, manner, { model: "groq", input: "One." });
		const next = { model: "groq", input: "Two.", previous_response_id: first.response.id };
		const second = await hear(client, manner, next);
		expect(second.response.previous_response_id).toBe(first.response.id);
		expect(latest()).not.toHaveProperty("previous_response_id");
		expect(objects(latest().input).length).toBe(3);
		expect((await client.openai.responses.retrieve(second.response.id)).previous_response_id).toBe(first.response.id);
		await client.openai.responses.delete(first.response.id);
		// A chain that has lost a link is no chain.
		const broken = { model: "groq", input: "Three.", previous_response_id: second.response.id };
		expect(await failureOf(client.openai.responses.create(broken))).toMatchObject({
			status: 404,
			code: "previous_response_not_found",
		});
	});
});
