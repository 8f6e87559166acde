import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { APIError } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import type {
	ChatCompletionChunk,
	ChatCompletionCreateParamsNonStreaming,
	ChatCompletionMessage,
	ChatCompletionMessageParam,
	ChatCompletionTool,
} from "openai/resources/chat/completions";
import { z } from "zod";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import type { Saying } from "../support/native/saying.ts";
import { createStrictProvider } from "../support/native/strict-provider.ts";
import { NATIVE_WIRES, type NativeWire, nativeDeployment } from "../support/native-deployment.ts";
import { type Json, object, objects, text } from "../support/oracle/json.ts";
import { createSdkClient, type SdkClient } from "../support/sdk-client.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/*
 * Conversations of more than one turn, as an app holds them with the real `openai` package, with providers that refuse
 * what the real ones refuse. A 400 here is a provider's complaint about what the gateway made of the history.
 */
const provider = createStrictProvider();
let upstream: Upstream;
let gateway: TestGateway;
let client: SdkClient;

beforeAll(async () => {
	upstream = await startUpstream((request) => provider.answer(request));
	gateway = await startTestGateway({
		aliases: Object.fromEntries(NATIVE_WIRES.map((wire) => [wire, nativeDeployment(wire, upstream)])),
	});
	const { key } = await gateway.mint({ name: "conversations" });
	client = createSdkClient(gateway, key);
});

afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

const wires = NATIVE_WIRES.map((wire) => ({ wire }));

const city = {
	type: "object",
	properties: { city: { type: "string" } },
	required: ["city"],
	additionalProperties: false,
};
const TOOLS: ChatCompletionTool[] = ["weather", "local_time"].map((name) => ({
	type: "function",
	function: { name, description: `Tells the ${name} of a city.`, parameters: city },
}));
const RESULTS: Readonly<Record<string, string>> = { weather: "21 degrees, sunny", local_time: "14:05" };

const CALLS: Saying["toolCalls"] = [
	{ id: "toolu_01AbC", name: "weather", arguments: { city: "Rome" } },
	{ id: "toolu_02DeF", name: "local_time", arguments: { city: "Rome" } },
];
const ANSWER = "It is 14:05 in Rome, 21 degrees and sunny.";
const THINKING = { text: "Both tools are needed. I ask them at once.", seal: "EvYBCkgICxABGAIqQA9E+VC377/UnbjdfXCw==" };

type Params = Omit<ChatCompletionCreateParamsNonStreaming, "stream">;

/** What most apps do, written before there was any thinking. */
const FORGETFUL = "whole, text and calls only" satisfies keyof typeof MANNERS;

/** Ways in which apps ask, and keep what they were answered. */
const MANNERS = {
	"whole, the message as received": whole,
	"a stream, put together by the SDK": async (params: Params) => {
		const { choices } = await client.openai.chat.completions.stream(params).finalChatCompletion();
		return choices[0]?.message;
	},
	"a stream, put together by hand": byHand,
	"whole, text and the calls as received": async (params: Params) => {
		const message = await whole(params);
		return { role: "assistant" as const, content: message?.content ?? null, tool_calls: message?.tool_calls ?? [] };
	},
	"whole, text and calls only": async (params: Params) => {
		const message = await whole(params);
		const calls = (message?.tool_calls ?? []).flatMap((call) =>
			call.type === "function" ? [{ id: call.id, type: call.type, function: call.function }] : [],
		);
		return { role: "assistant" as const, content: message?.content ?? null, tool_calls: calls };
	},
} as const;

async function whole(params: Params): Promise<ChatCompletionMessage | undefined> {
	const { choices } = await client.openai.chat.completions.create(params);
	return choices[0]?.message;
}

/** Adds deltas up as apps do that know of `reasoning_details`: lists joined, the pieces of one call merged. */
async function byHand(params: Params) {
	const events = await client.openai.chat.completions.create({ ...params, stream: true });
	const calls: { id: string; type: "function"; function: { name: string; arguments: string } }[] = [];
	const details: unknown[] = [];
	let content = "";
	for await (const { choices } of events) {
		const delta: (ChatCompletionChunk.Choice.Delta & { readonly reasoning_details?: unknown[] }) | undefined =
			choices[0]?.delta;
		content += delta?.content ?? "";
		details.push(...(delta?.reasoning_details ?? []));
		for (const { index, id = "", function: piece, ...more } of delta?.tool_calls ?? []) {
			const call = calls[index] ?? { id: "", function: { name: "", arguments: "" } };
			const described = {
				name: call.function.name + (piece?.name ?? ""),
				arguments: call.function.arguments + (piece?.arguments ?? ""),
			};
			calls[index] = { ...call, ...more, type: "function", id: call.id + id, function: described };
		}
	}
	return { role: "assistant" as const, content: content || null, tool_calls: calls, reasoning_details: details };
}

/** Asks, runs the tools, hands in what they gave, and gets the answer. */
async function toolLoop(wire: NativeWire, manner: keyof typeof MANNERS, more: Partial<Params> = {}): Promise<void> {
	const messages: ChatCompletionMessageParam[] = [{ role: "user", content: "Weather and time in Rome?" }];
	const ask = () => MANNERS[manner]({ model: wire, messages, tools: TOOLS, ...more });
	const first = await ask();
	if (first === undefined || first.tool_calls === undefined) {
		throw new Error("no tools were called");
	}
	messages.push(first);
	for (const call of first.tool_calls) {
		if (call.type === "function") {
			expect(JSON.parse(call.function.arguments)).toEqual({ city: "Rome" });
			messages.push({ role: "tool", tool_call_id: call.id, content: RESULTS[call.function.name] ?? "" });
		}
	}
	expect(messages.length).toBe(4);
	expect((await ask())?.content).toBe(ANSWER);
	const sent = JSON.stringify(provider.bodies[1]);
	expect(Object.values(RESULTS).filter((result) => !sent.includes(result))).toEqual([]);
	// One more question after it is all over: the whole loop is history now.
	messages.push({ role: "assistant", content: ANSWER }, { role: "user", content: "Thank you. And tomorrow?" });
	expect((await ask())?.content).toBe("Much the same.");
}

const loops = wires.flatMap(({ wire }) =>
	// Each key of the table is a manner.
	(Object.keys(MANNERS) as (keyof typeof MANNERS)[]).map((manner) => ({ wire, manner })),
);

describe("a loop with tools called in parallel", () => {
	test.each(loops)("$wire: $manner", async ({ wire, manner }) => {
		provider.says(wire, { toolCalls: CALLS }, { text: ANSWER }, { text: "Much the same." });
		await toolLoop(wire, manner);
	});
	test.each(wires)("$wire: with a word before the calls", async ({ wire }) => {
		const first = { text: "Let me look.", toolCalls: CALLS };
		provider.says(wire, first, { text: ANSWER }, { text: "Much the same." });
		await toolLoop(wire, "a stream, put together by the SDK");
		expect(JSON.stringify(provider.bodies[1])).toContain("Let me look.");
	});
});

describe("a loop with tools and thinking: what the provider sealed comes back to it unchanged", () => {
	test.each(loops)("$wire: $manner", async ({ wire, manner }) => {
		const first = { thinking: THINKING, toolCalls: CALLS };
		provider.says(wire, first, { text: ANSWER }, { text: "Much the same." });
		await toolLoop(wire, manner, { reasoning_effort: "low" });
		const returned = JSON.stringify(provider.bodies[1]).includes(THINKING.seal);
		// Gemini's seal hangs on a call, the others' on thinking that was not kept.
		const keepsCalls = manner === "whole, text and the calls as received";
		const isLost = manner === FORGETFUL || (keepsCalls && seals(wire) !== "gemini");
		expect(returned).toBe(!isLost && wire !== "cohere");
	});
});

describe("a conversation that moves to another provider takes its words along, and not its seals", () => {
	const moves = NATIVE_WIRES.flatMap((from) =>
		NATIVE_WIRES.filter((to) => to !== from && seals(to) !== seals(from)).map((to) => ({ from, to })),
	);
	test.each(moves)("$from to $to", async ({ from, to }) => {
		const messages: ChatCompletionMessageParam[] = [{ role: "user", content: "Weather and time in Rome?" }];
		const params = { messages, tools: TOOLS, reasoning_effort: "low" as const };
		provider.says(from, { thinking: THINKING, text: "Let me look.", toolCalls: CALLS });
		const first = await whole({ ...params, model: from });
		if (first === undefined) {
			throw new Error("no answer");
		}
		messages.push(first);
		for (const { id } of first.tool_calls ?? []) {
			messages.push({ role: "tool", tool_call_id: id, content: "21" });
		}
		provider.says(to, { text: ANSWER });
		expect((await whole({ ...params, model: to }))?.content).toBe(ANSWER);
		expect(provider.latest()).toContain("Let me look.");
		expect(provider.latest()).not.toContain(THINKING.seal);
	});
});

/**
 * Whose seals a provider takes: Claude's "are compatible across platforms".
 * https://platform.claude.com/docs/en/build-with-claude/extended-thinking
 */
function seals(wire: NativeWire): string {
	return wire === "vertex-anthropic" || wire === "bedrock" ? "anthropic" : wire === "vertex" ? "gemini" : wire;
}

describe("how tools are to be used reaches the provider, or is refused by name", () => {
	const named = { type: "function" as const, function: { name: "weather" } };
	const allowed = {
		type: "allowed_tools" as const,
		allowed_tools: { mode: "auto" as const, tools: [named as never] },
	};
	const wishes: readonly { readonly what: string; readonly fields: Partial<Params> }[] = [
		{ what: "required", fields: { tool_choice: "required" } },
		{ what: "none", fields: { tool_choice: "none" } },
		{ what: "one by its name", fields: { tool_choice: named } },
		{ what: "some of them", fields: { tool_choice: allowed } },
		{ what: "one at a time", fields: { parallel_tool_calls: false } },
		{ what: "required, with thinking", fields: { tool_choice: "required", reasoning_effort: "medium" } },
		{ what: "with an answer in JSON", fields: { response_format: { type: "json_object" } } },
	];
	test.each(wires.flatMap(({ wire }) => wishes.map((wish) => ({ wire, ...wish }))))(
		"$wire: $what",
		async ({ wire, fields }) => {
			const messages: ChatCompletionMessageParam[] = [{ role: "user", content: "Answer in JSON." }];
			const params = { model: wire, messages, tools: TOOLS };
			provider.says(wire, { text: "{}" });
			await whole(params);
			const plain = provider.bodies[0];
			provider.says(wire, { text: "{}" });
			const outcome = await whole({ ...params, ...fields }).catch((error: unknown) => error);
			if (outcome instanceof APIError) {
				// By the gateway, before any call, and it says which field.
				expect({ calls: provider.bodies.length, status: outcome.status }).toEqual({ calls: 0, status: 400 });
				expect(outcome.param ?? "").toMatch(/^(tool|parallel|response_format|reasoning)/);
				return;
			}
			// Something of the wish is in what the provider hears, or it is named as left out.
			const [name = ""] = Object.keys(fields);
			expect(Bun.deepEquals(provider.bodies[0], plain)).toBe((await dropped()).includes(name));
		},
	);
});

describe("a bound on the answer that leaves little room to think is no reason for a refusal", () => {
	test.each(wires)("$wire", async ({ wire }) => {
		provider.says(wire, { text: "Done." });
		const messages: ChatCompletionMessageParam[] = [{ role: "user", content: "Think hard." }];
		const message = await whole({ model: wire, messages, max_completion_tokens: 600, reasoning_effort: "high" });
		expect(message?.content).toBe("Done.");
	});
});

/** A provider that was made to answer by a tool does so, any other writes the JSON as text. */
function structured(value: Readonly<Record<string, unknown>>): (body: Json) => Saying {
	return (body) => {
		const chosen =
			text(object(body.tool_choice).name) || text(object(object(object(body.toolConfig).toolChoice).tool).name);
		return chosen === ""
			? { text: JSON.stringify(value) }
			: { toolCalls: [{ id: "toolu_03GhI", name: chosen, arguments: value }] };
	};
}

describe("structured output by the SDK's helper", () => {
	const forecast = z.object({
		city: z.string(),
		days: z.array(z.object({ high: z.number(), sky: z.enum(["sun", "rain"]) })),
	});
	const value = { city: "Rome", days: [{ high: 21, sky: "sun" }] };
	test.each(wires)("$wire", async ({ wire }) => {
		provider.says(wire, structured(value), structured(value));
		const params = {
			model: wire,
			messages: [{ role: "user" as const, content: "The forecast for Rome." }],
			response_format: zodResponseFormat(forecast, "forecast"),
		};
		const { choices } = await client.openai.chat.completions.parse(params);
		expect(choices[0]?.message.parsed).toEqual(value as z.infer<typeof forecast>);
		expect(choices[0]?.finish_reason).toBe("stop");
		// Bedrock takes the schema as text in its JSON.
		const sent = JSON.stringify(provider.bodies[0]).replaceAll("\\", "");
		expect(["city", "days", "sky", "rain"].filter((word) => !sent.includes(`"${word}"`))).toEqual([]);
		const final = await client.openai.chat.completions.stream(params).finalChatCompletion();
		expect(final.choices[0]?.message.parsed).toEqual(value as z.infer<typeof forecast>);
		expect(final.choices[0]?.finish_reason).toBe("stop");
	});
});

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PDF = Buffer.from("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF").toString("base64");

describe("what a message holds besides text", () => {
	const image = { type: "image_url" as const, image_url: { url: `data:image/png;base64,${PNG}` } };
	const pdf = {
		type: "file" as const,
		file: { filename: "My report (final)_v2.pdf", file_data: `data:application/pdf;base64,${PDF}` },
	};
	const question = { type: "text" as const, text: "What is in these?" };

	test.each(wires)("$wire: an image", async ({ wire }) => {
		provider.says(wire, { text: "A dot." });
		const message = await whole({ model: wire, messages: [{ role: "user", content: [question, image] }] });
		expect(message?.content).toBe("A dot.");
		expect(JSON.stringify(provider.bodies[0])).toContain(PNG);
	});

	test.each(wires.filter(({ wire }) => wire !== "cohere"))("$wire: a PDF, and nothing beside it", async ({ wire }) => {
		provider.says(wire, { text: "Pages." });
		const message = await whole({ model: wire, messages: [{ role: "user", content: [pdf] }] });
		expect(message?.content).toBe("Pages.");
		expect(JSON.stringify(provider.bodies[0])).toContain(PDF);
	});

	test("cohere: a PDF is refused by name, before any call", async () => {
		provider.says("cohere", { text: "Pages." });
		const raised = await refusal({ model: "cohere", messages: [{ role: "user", content: [question, pdf] }] });
		expect(raised).toMatchObject({ status: 400, type: "invalid_request_error" });
		expect(raised.param).toStartWith("messages[0].content[1]");
		expect(provider.bodies.length).toBe(0);
	});

	test.each(wires)("$wire: marks for its prompt cache arrive, or are named", async ({ wire }) => {
		const cache_control = { type: "ephemeral" };
		provider.says(wire, { text: "Yes." });
		await whole({
			model: wire,
			messages: [
				{ role: "system", content: [{ type: "text", text: "Be brief.", cache_control } as never] },
				{ role: "user", content: [{ ...question, cache_control } as never] },
			],
			tools: TOOLS.map((tool) => ({ ...tool, cache_control })),
		});
		const sent = JSON.stringify(provider.bodies[0]);
		const marks = sent.match(/"cache_control":|"cachePoint":/g)?.length ?? 0;
		const isNamed = (await dropped()).some((name) => name.endsWith("cache_control"));
		expect({ marks, isNamed }).toEqual(
			wire === "gemini" || wire === "vertex" || wire === "cohere"
				? { marks: 0, isNamed: true }
				: { marks: 4, isNamed: false },
		);
	});
});

async function dropped(): Promise<string[]> {
	const { headers } = await client.wire();
	return (headers.get("x-gateway-dropped") ?? "").split(", ").filter(Boolean);
}

async function refusal(params: Params): Promise<APIError> {
	const raised = await client.openai.chat.completions.create(params).catch((error: unknown) => error);
	if (!(raised instanceof APIError)) {
		throw new Error("the request was not refused");
	}
	return raised;
}

describe("what a provider cannot be told is named, never lost", () => {
	const wishes: Readonly<Record<string, { readonly value: unknown; readonly mark: string }>> = {
		seed: { value: 424_242, mark: ":424242" },
		temperature: { value: 0.375, mark: "0.375" },
		top_p: { value: 0.8125, mark: "0.8125" },
		top_k: { value: 437, mark: ":437" },
		frequency_penalty: { value: 0.28125, mark: "0.28125" },
		presence_penalty: { value: 0.15625, mark: "0.15625" },
		logit_bias: { value: { "50256": -77 }, mark: "50256" },
		user: { value: "user-5f3a", mark: "user-5f3a" },
		metadata: { value: { batch: "batch-9c1d" }, mark: "batch-9c1d" },
		stop: { value: ["ENDMARK"], mark: "ENDMARK" },
		verbosity: { value: "low", mark: '"low"' },
		service_tier: { value: "flex", mark: "flex" },
		prompt_cache_key: { value: "cache-77ab", mark: "cache-77ab" },
		a_field_of_tomorrow: { value: "tomorrow-1", mark: "tomorrow-1" },
	};
	test.each(wires)("$wire", async ({ wire }) => {
		provider.says(wire, { text: "Yes." });
		const fields = Object.fromEntries(Object.entries(wishes).map(([name, { value }]) => [name, value]));
		// Wider than the SDK's types on purpose.
		const params = { model: wire, messages: [{ role: "user", content: "Hello" }], ...fields } as Params;
		expect((await whole(params))?.content).toBe("Yes.");
		const named = await dropped();
		const sent = provider.latest();
		const lost = Object.entries(wishes).filter(([name, { mark }]) => sent.includes(mark) === named.includes(name));
		expect(lost.map(([name]) => name)).toEqual([]);
	});
});

describe("what would change the meaning is refused, before any call", () => {
	test.each(wires)("$wire: n = 2", async ({ wire }) => {
		provider.says(wire, { text: "Yes." });
		const params: Params = { model: wire, n: 2, messages: [{ role: "user", content: "Hello" }] };
		if (wire === "gemini" || wire === "vertex") {
			await client.openai.chat.completions.create(params);
			expect(object(provider.bodies[0]?.generationConfig).candidateCount).toBe(2);
			return;
		}
		expect(await refusal(params)).toMatchObject({ status: 400, param: "n", type: "invalid_request_error" });
		expect(provider.bodies.length).toBe(0);
	});
});

describe("histories that no provider made", () => {
	test.each(wires)("$wire: turns of one role in a row, empty ones, instructions in the middle", async ({ wire }) => {
		provider.says(wire, { text: "Yes." });
		const message = await whole({
			model: wire,
			messages: [
				{ role: "system", content: "Be brief." },
				{ role: "developer", content: "Speak plainly." },
				{ role: "user", content: "First." },
				{ role: "user", content: [{ type: "text", text: "Second." }] },
				{ role: "assistant", content: "" },
				{ role: "user", content: "Third." },
				{ role: "assistant", content: "An answer." },
				{ role: "system", content: "Now be long." },
				{ role: "user", content: "Fourth." },
			],
		});
		expect(message?.content).toBe("Yes.");
		const sent = JSON.stringify(provider.bodies[0]);
		const said = [
			"Be brief.",
			"Speak plainly.",
			"First.",
			"Second.",
			"Third.",
			"An answer.",
			"Now be long.",
			"Fourth.",
		];
		expect(said.filter((words) => !sent.includes(words))).toEqual([]);
	});

	test.each(wires)("$wire: another provider's calls, with its ids and its seals", async ({ wire }) => {
		provider.says(wire, { text: ANSWER });
		const details = [
			{ type: "reasoning.encrypted", data: "c2VhbGVk", format: "openai-responses-v1", id: "rs_1", index: 0 },
		];
		const calls = ["functions.weather:0", "functions.local_time:1"].map((id, index) => ({
			id,
			type: "function" as const,
			function: {
				name: TOOLS[index]?.type === "function" ? TOOLS[index].function.name : "",
				arguments: '{"city":"Rome"}',
			},
		}));
		const message = await whole({
			model: wire,
			tools: TOOLS,
			reasoning_effort: "low",
			messages: [
				{ role: "user", content: "Weather and time in Rome?" },
				{ role: "assistant", content: null, tool_calls: calls, reasoning_details: details } as never,
				// The results in another order than the calls.
				...calls.toReversed().map(({ id, function: { name } }) => ({
					role: "tool" as const,
					tool_call_id: id,
					content: RESULTS[name] ?? "",
				})),
			],
		});
		expect(message?.content).toBe(ANSWER);
		expect(JSON.stringify(provider.bodies[0])).not.toContain("c2VhbGVk");
		expect(objects(provider.bodies[0]?.messages ?? provider.bodies[0]?.contents).length).toBeGreaterThan(2);
	});
});
