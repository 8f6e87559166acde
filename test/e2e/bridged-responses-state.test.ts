import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { APIError } from "openai";
import type { FunctionTool, ResponseInputItem } from "openai/resources/responses/responses";
import {
	BRIDGED_WIRES,
	type BridgedRig,
	chattingDeployment,
	clientOf,
	startBridgedRig,
} from "../support/bridged-rig.ts";
import { nativeError, type Wire } from "../support/native/answers.ts";
import type { Saying } from "../support/native/saying.ts";
import { createStrictProvider, type StrictProvider } from "../support/native/strict-provider.ts";
import { startGatewayProcess } from "../support/process.ts";
import { costByUsage, hear, itemsOf, MANNERS, textOf } from "../support/responses-client.ts";
import type { SdkClient } from "../support/sdk-client.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/* What the gateway keeps of the Responses API for providers that only chat: an app sees what it would see of OpenAI. */
let rig: BridgedRig;
/** Answers in place of the first provider, and in other words. */
let second: { readonly provider: StrictProvider; readonly upstream: Upstream };

/** Each wire format takes over for one whose seals it cannot read. */
const takeovers = BRIDGED_WIRES.map((from, index) => ({
	from,
	to: BRIDGED_WIRES[(index + 2) % BRIDGED_WIRES.length] ?? from,
}));

beforeAll(async () => {
	const provider = createStrictProvider();
	second = { provider, upstream: await startUpstream((request) => provider.answer(request)) };
	rig = await startBridgedRig((upstream) => ({
		...Object.fromEntries(
			takeovers.map(({ from, to }) => [
				`${from}-to-${to}`,
				{
					deployments: [
						chattingDeployment(from, upstream, { priority: 1 }),
						chattingDeployment(to, second.upstream, { priority: 2 }),
					],
					router: { retries: 1 },
				},
			]),
		),
		short: { deployments: [chattingDeployment("anthropic", upstream, { max_context_tokens: 500 })] },
	}));
});
afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
	await second?.upstream[Symbol.asyncDispose]();
});

const wires = BRIDGED_WIRES.map((wire) => ({ wire }));

async function failureOf(call: PromiseLike<unknown>): Promise<APIError> {
	const raised = await Promise.resolve(call).catch((error: unknown) => error);
	if (!(raised instanceof APIError)) {
		throw new Error("nothing was refused");
	}
	return raised;
}

const NOT_FOUND_BEFORE = { status: 404, code: "previous_response_not_found", param: "previous_response_id" };
const NOT_FOUND = { status: 404, code: "response_not_found" };

describe("three turns by previous_response_id, the second and third with another provider", () => {
	const weather: FunctionTool = {
		type: "function",
		name: "weather",
		parameters: { type: "object", properties: { city: { type: "string" } } },
		strict: null,
	};
	const seal = "EvYBCkgICxABGAIqQA9E+VC377/UnbjdfXCw==";
	const first: Saying = {
		thinking: { text: "I look it up.", seal },
		text: "Let me look.",
		toolCalls: [{ id: "a1B2c3D4e", name: "weather", arguments: { city: "Rome" } }],
	};
	test.each(takeovers.flatMap((pair) => MANNERS.map((manner) => ({ ...pair, manner }))))(
		"$from to $to, $manner",
		async ({ from, to, manner }) => {
			const client = await rig.client();
			const params = { model: `${from}-to-${to}`, tools: [weather], reasoning: { effort: "low" as const } };
			rig.provider.says(from, first);
			const called = await hear(client, manner, { ...params, input: "Weather in Rome?" });
			expect(called.headers.get("x-gateway-retries")).toBe("0");
			const [call] = itemsOf(called.response, "function_call");
			const result: ResponseInputItem = {
				type: "function_call_output",
				call_id: call?.call_id ?? "",
				output: "21 degrees",
			};
			await breaking(from, async () => {
				second.provider.says(to, { text: "It is 21 degrees." }, { text: "Much the same." });
				const answered = await hear(client, manner, {
					...params,
					input: [result],
					previous_response_id: called.response.id,
				});
				expect(textOf(answered.response)).toBe("It is 21 degrees.");
				expect(answered.headers.get("x-gateway-retries")).toBe("1");
				const last = await hear(client, manner, {
					...params,
					input: "And tomorrow?",
					previous_response_id: answered.response.id,
				});
				expect(last.response).toMatchObject({ previous_response_id: answered.response.id });
				expect(textOf(last.response)).toBe("Much the same.");
			});
			const told = JSON.stringify(second.provider.bodies[1]);
			const words = ["Weather in Rome?", "Let me look.", "21 degrees", "It is 21 degrees.", "And tomorrow?"];
			expect(words.filter((said) => !told.includes(said))).toEqual([]);
			expect(told).not.toContain(seal);
			expect(second.provider.latest()).not.toMatch(/gwr1\.|resp_/);
		},
	);
});

/** While the first provider is overloaded. */
async function breaking(wire: Wire, then: () => Promise<void>): Promise<void> {
	rig.upstream.script(() => nativeError(wire, 503, "Overloaded."));
	try {
		await then();
	} finally {
		rig.upstream.script((request) => rig.provider.answer(request));
	}
}

describe("a conversation", () => {
	test.each(wires.flatMap(({ wire }) => MANNERS.map((manner) => ({ wire, manner }))))(
		"$wire, $manner: is created, spoken in, and listed",
		async ({ wire, manner }) => {
			rig.provider.says(wire, { text: "Noted." }, { text: "Blue." });
			const client = await rig.client();
			const { id } = await client.openai.conversations.create({
				items: [{ type: "message", role: "developer", content: "Be brief." }],
			});
			const first = await hear(client, manner, { model: wire, input: "My colour is blue.", conversation: id });
			expect(first.response.conversation).toEqual({ id });
			await hear(client, manner, { model: wire, input: "Which is it?", conversation: { id }, store: false });
			const told = JSON.stringify(rig.provider.bodies[1]);
			const words = ["Be brief.", "My colour is blue.", "Noted.", "Which is it?"];
			expect(words.filter((said) => !told.includes(said))).toEqual([]);
			const { data } = await client.openai.conversations.items.list(id, { order: "asc" });
			expect(data).toMatchObject([
				{ type: "message", role: "developer", status: "completed" },
				{ type: "message", role: "user", content: [{ type: "input_text", text: "My colour is blue." }] },
				{ type: "message", role: "assistant", content: [{ type: "output_text", text: "Noted." }] },
				{ type: "message", role: "user", content: [{ type: "input_text", text: "Which is it?" }] },
				{ type: "message", role: "assistant", content: [{ type: "output_text", text: "Blue." }] },
			]);
			expect(data[2]).toMatchObject({ id: first.response.output[0]?.id ?? "" });
		},
	);
});

test("a conversation shows sealed thinking only to those who ask", async () => {
	rig.provider.says("anthropic", { thinking: { text: "Hm.", seal: "c2VhbA==" }, text: "Fine." });
	const client = await rig.client();
	const { items } = client.openai.conversations;
	const { id } = await client.openai.conversations.create();
	const params = { model: "anthropic", input: "How are you?", reasoning: { effort: "low" as const }, conversation: id };
	const { response } = await hear(client, "stream", params);
	const [reasoning] = itemsOf(response, "reasoning");
	const { data } = await items.list(id);
	expect(data).toContainEqual(reasoning as never);
	const asked = { conversation_id: id, include: ["reasoning.encrypted_content" as const] };
	expect(await items.retrieve(reasoning?.id ?? "", { conversation_id: id })).toEqual(reasoning as never);
	expect(await items.retrieve(reasoning?.id ?? "", asked)).toHaveProperty("encrypted_content");
	expect((await items.list(id, asked)).data.some((item) => "encrypted_content" in item)).toBe(true);
});

describe("a response that is kept", () => {
	test.each(wires.flatMap(({ wire }) => MANNERS.map((manner) => ({ wire, manner }))))(
		"$wire, $manner: is read, its input listed, and it is deleted",
		async ({ wire, manner }) => {
			rig.provider.says(wire, { thinking: { text: "Hm.", seal: "c2VhbA==" }, text: "Fine." });
			const client = await rig.client();
			const { openai } = client;
			const params = { model: wire, instructions: "Be brief.", input: "How are you?", metadata: { a: "b" } };
			const { response } = await hear(client, manner, { ...params, reasoning: { effort: "low" } });
			const { output_text: _, ...made } = response;
			const { output_text: __, ...read } = await openai.responses.retrieve(response.id);
			// What the package adds for itself: one and the same whole response either way.
			expect(read as unknown).toEqual(made);
			const { headers } = await client.wire();
			expect(headers.get("x-gateway-cost-usd")).toBe("0.000000");
			expect((await openai.responses.inputItems.list(response.id)).data).toMatchObject([
				{ type: "message", role: "user", status: "completed", content: [{ type: "input_text", text: "How are you?" }] },
			]);
			expect(await failureOf(openai.responses.cancel(response.id))).toMatchObject({ status: 400 });
			await openai.responses.delete(response.id);
			for (const call of [openai.responses.retrieve(response.id), openai.responses.delete(response.id)]) {
				expect(await failureOf(call)).toMatchObject(NOT_FOUND);
			}
			expect(await failureOf(openai.responses.create({ ...params, previous_response_id: response.id }))).toMatchObject(
				NOT_FOUND_BEFORE,
			);
			// Nothing of all this was asked of the provider.
			expect(rig.provider.bodies.length).toBe(1);
		},
	);

	test.each(wires)("$wire: is there the moment its stream says that it is complete", async ({ wire }) => {
		rig.provider.says(wire, { text: "One two three." });
		const { openai } = await rig.client();
		let read: unknown;
		for await (const event of await openai.responses.create({ model: wire, input: "Count.", stream: true })) {
			if (event.type === "response.completed") {
				read = await openai.responses.retrieve(event.response.id);
				expect(read).toMatchObject(JSON.parse(JSON.stringify(event.response)));
			}
		}
		expect(read).toMatchObject({ status: "completed" });
	});

	test.each(wires)("$wire: with store: false there is none", async ({ wire }) => {
		rig.provider.says(wire, { text: "Fine." });
		const client = await rig.client();
		const { response } = await hear(client, "stream", { model: wire, input: "How are you?", store: false });
		expect(response).toMatchObject({ store: false });
		expect(await failureOf(client.openai.responses.retrieve(response.id))).toMatchObject(NOT_FOUND);
		for (const stream of [false, true]) {
			const next = { model: wire, input: "And?", previous_response_id: response.id, stream };
			expect(await failureOf(client.openai.responses.create(next))).toMatchObject(NOT_FOUND_BEFORE);
		}
		expect(rig.provider.bodies.length).toBe(1);
	});

	test("belongs to its key and its team", async () => {
		rig.provider.says("gemini", { text: "Kept." }, { text: "Still kept." });
		const maker = await rig.client({ team: "blue" });
		const mate = await rig.client({ team: "blue" });
		const stranger = await rig.client({ team: "red" });
		const single = await rig.client();
		const { response } = await hear(maker, "stream", { model: "gemini", input: "A secret." });
		for (const other of [stranger, single]) {
			expect(await failureOf(other.openai.responses.retrieve(response.id))).toMatchObject(NOT_FOUND);
			expect(await failureOf(other.openai.responses.delete(response.id))).toMatchObject(NOT_FOUND);
			const next = { model: "gemini", input: "And?", previous_response_id: response.id };
			expect(await failureOf(other.openai.responses.create(next))).toMatchObject(NOT_FOUND_BEFORE);
		}
		expect((await mate.openai.responses.retrieve(response.id)).id).toBe(response.id);
		const next = await hear(mate, "whole", { model: "gemini", input: "And?", previous_response_id: response.id });
		expect(textOf(next.response)).toBe("Still kept.");
		expect(JSON.stringify(rig.provider.bodies[1])).toContain("A secret.");
	});

	test.each(wires)("$wire: background is refused by name, whole and as a stream", async ({ wire }) => {
		rig.provider.says(wire, { text: "Fine." });
		const { openai } = await rig.client();
		for (const stream of [false, true]) {
			const raised = await failureOf(
				openai.responses.create({ model: wire, input: "How are you?", background: true, stream }),
			);
			expect(raised).toMatchObject({ status: 400, param: "background", code: "unsupported_parameter" });
		}
		expect(rig.provider.bodies.length).toBe(0);
	});
});

test("responses and conversations survive a restart of the gateway", async () => {
	const dataDirectory = await mkdtemp(join(tmpdir(), "gateway-restart-"));
	const config = { aliases: { claude: chattingDeployment("anthropic", rig.upstream) } };
	rig.provider.says("anthropic", { text: "Noted." }, { text: "Noted too." }, { text: "Blue." }, { text: "Green." });
	try {
		const { key, response, conversation } = await (async () => {
			await using before = await startGatewayProcess({ config, dataDirectory });
			const minted = await before.mint();
			const client = clientOf(before, minted);
			const { id } = await client.openai.conversations.create();
			const heard = await hear(client, "stream", { model: "claude", input: "My colour is blue." });
			await hear(client, "whole", { model: "claude", input: "Mine is green.", conversation: id });
			before.signal("SIGTERM");
			expect(await before.exited).toBe(0);
			return { key: minted, response: heard.response, conversation: id };
		})();
		await using after = await startGatewayProcess({ config, dataDirectory });
		const client = clientOf(after, key);
		expect(await client.openai.responses.retrieve(response.id)).toMatchObject({ id: response.id });
		const next = await hear(client, "whole", {
			model: "claude",
			input: "Which is it?",
			previous_response_id: response.id,
		});
		expect(textOf(next.response)).toBe("Blue.");
		expect(JSON.stringify(rig.provider.bodies[2])).toContain("My colour is blue.");
		const other = await hear(client, "stream", { model: "claude", input: "Which is it?", conversation });
		expect(textOf(other.response)).toBe("Green.");
		expect(JSON.stringify(rig.provider.bodies[3])).toContain("Mine is green.");
	} finally {
		await rm(dataDirectory, { recursive: true, force: true });
	}
}, 40_000);

describe("a request that builds upon something is bounded by the whole of it", () => {
	const LONG = "A very long story about nothing at all. ".repeat(100);

	async function afterLongStory(client: SdkClient, alias: string): Promise<string> {
		rig.provider.says("anthropic", { text: "Noted." }, { text: "Fine." });
		const { response } = await hear(client, "whole", { model: "anthropic", input: LONG });
		// What is measured is the second request, wherever it goes.
		expect(alias).not.toBe("");
		return response.id;
	}

	test("tokens a minute", async () => {
		const previous = await afterLongStory(await rig.client({ team: "tpm" }), "anthropic");
		const { openai } = await rig.client({ team: "tpm", tpm: 600 });
		const params = { model: "anthropic", input: "And?", max_output_tokens: 20 };
		expect(await failureOf(openai.responses.create({ ...params, previous_response_id: previous }))).toMatchObject({
			status: 429,
			type: "rate_limit_exceeded",
		});
		expect((await openai.responses.create(params)).status).toBe("completed");
	});

	test("the budget", async () => {
		const previous = await afterLongStory(await rig.client({ team: "budget" }), "anthropic");
		const { openai } = await rig.client({ team: "budget", monthly_budget_usd: "0.002" });
		const params = { model: "anthropic", input: "And?", max_output_tokens: 20 };
		expect(await failureOf(openai.responses.create({ ...params, previous_response_id: previous }))).toMatchObject({
			status: 429,
			type: "budget_exceeded",
		});
		expect((await openai.responses.create(params)).status).toBe("completed");
	});

	test("the model's context", async () => {
		const client = await rig.client();
		const previous = await afterLongStory(client, "short");
		const params = { model: "short", input: "And?", max_output_tokens: 20 };
		expect(
			await failureOf(client.openai.responses.create({ ...params, previous_response_id: previous })),
		).toMatchObject({ status: 400, code: "context_length_exceeded" });
		const short = await client.openai.responses.create(params);
		expect(costByUsage(short.usage)).toBeGreaterThan(0);
	});
});
