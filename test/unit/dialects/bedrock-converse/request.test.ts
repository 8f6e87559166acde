import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import {
	at,
	CLAUDE_4,
	CLAUDE_45,
	CLAUDE_47,
	GPT,
	GPT_OSS,
	LLAMA,
	MISTRAL,
	NOVA,
	PROFILE,
	refusal,
	translate,
} from "./harness.ts";

const user = (content: unknown): JsonObject => ({ role: "user", content: content as string });
const assistant = (content: unknown): JsonObject => ({ role: "assistant", content: content as string });
const assistantCalls = (id: string): JsonObject => ({
	role: "assistant",
	tool_calls: [{ id, type: "function", function: { name: "f", arguments: "{}" } }],
});

describe("the conversation", () => {
	test("puts the instructions at its start apart, and leaves later ones in their place, said by the user", () => {
		const { body, dropped } = translate({
			messages: [
				{ role: "system", content: "A" },
				{
					role: "developer",
					content: [
						{ type: "text", text: "B" },
						{ type: "text", text: "" },
					],
				},
				user("Hi"),
				assistant("Hello"),
				{ role: "system", content: "C" },
				{ role: "system", content: "  " },
				user("Go on"),
			],
		});
		expect(body).toEqual({
			messages: [
				{ role: "user", content: [{ text: "Hi" }] },
				{ role: "assistant", content: [{ text: "Hello" }] },
				{ role: "user", content: [{ text: "C" }, { text: "Go on" }] },
			],
			system: [{ text: "A" }, { text: "B" }],
		});
		expect(dropped).toEqual([]);
	});

	test.each([
		["two of the user", [user("a"), user("b"), assistant("c")], ["user", "assistant"]],
		["an assistant first", [assistant("a"), user("b")], ["user", "assistant", "user"]],
		["an empty answer between", [user("a"), assistant(""), user("b")], ["user"]],
		["an empty text between", [user("a"), assistant([{ type: "text", text: " \n" }]), user("b")], ["user"]],
	])("takes turns with %s", (_, messages, roles) => {
		const { body } = translate({ messages });
		const sent = body.messages as JsonObject[];
		expect(sent.map(({ role }) => role)).toEqual(roles);
		const texts = sent.flatMap(({ content }) => content as JsonObject[]);
		expect(texts.every((block) => String(block.text).trim() !== "")).toBe(true);
	});

	test("of instructions alone has the last one said by the user", () => {
		const { body } = translate({
			messages: [
				{ role: "system", content: "A" },
				{ role: "developer", content: "B" },
			],
		});
		expect(body).toEqual({ system: [{ text: "A" }], messages: [{ role: "user", content: [{ text: "B" }] }] });
	});

	test("puts the results of a round in front of an instruction that came between", () => {
		const { body } = translate({
			messages: [
				user("a"),
				assistantCalls("1"),
				{ role: "system", content: "Be brief" },
				{ role: "tool", tool_call_id: "1", content: "x" },
			],
		});
		expect(at(body, "messages", 2, "content")).toEqual([
			{ toolResult: { toolUseId: "1", content: [{ text: "x" }] } },
			{ text: "Be brief" },
		]);
	});

	test("gives every call an id of its own, and its result the same, where a client uses one again", () => {
		const call = { id: "call_0", type: "function", function: { name: "f", arguments: "{}" } };
		const result = { role: "tool", tool_call_id: "call_0", content: "x" };
		const turn = [{ role: "assistant", tool_calls: [call, call] }, result, result];
		for (const model of [CLAUDE_45, MISTRAL]) {
			const { body } = translate({ messages: [user("a"), ...turn, ...turn] }, { model });
			const blocks = (body.messages as JsonObject[]).flatMap(({ content }) => content as JsonObject[]);
			const idsOf = (kind: string) => blocks.flatMap((block) => at(block, kind, "toolUseId") ?? []);
			expect(new Set(idsOf("toolUse")).size).toBe(4);
			expect(idsOf("toolResult")).toEqual(idsOf("toolUse"));
		}
	});

	test.each([
		["an empty question", [user("")]],
		["white space", [user(" \n")]],
		["instructions and an empty question", [{ role: "system", content: "s" }, user("")]],
	])("of nothing to send is refused: %s", (_, messages) => {
		expect(refusal(() => translate({ messages }))).toMatchObject({ status: 400, param: "messages" });
	});

	test("keeps texts apart when turns are joined", () => {
		const { body } = translate({
			messages: [
				user("a"),
				user([
					{ type: "text", text: "b" },
					{ type: "text", text: "c" },
				]),
			],
		});
		expect(body.messages).toEqual([{ role: "user", content: [{ text: "a" }, { text: "b" }, { text: "c" }] }]);
	});

	test("lets an answer be begun, without white space at its end", () => {
		const { body } = translate({ messages: [user("a"), assistant("{ \n")] });
		expect(at(body, "messages", 1, "content")).toEqual([{ text: "{" }]);
	});

	test("gives back a refusal as what the assistant said, and names what has no place", () => {
		const { body, dropped } = translate({
			messages: [
				{ ...user("a"), name: "Ann" },
				{ role: "assistant", content: null, refusal: "No.", audio: { id: "audio_1" } },
				user("b"),
			],
		});
		expect(at(body, "messages", 1, "content")).toEqual([{ text: "No." }]);
		expect(dropped).toEqual(["messages[].name", "messages[].audio"]);
	});
});

describe("tool calls in the conversation", () => {
	const call = (id: string, name: string, args: string): JsonObject => ({
		id,
		type: "function",
		function: { name, arguments: args },
	});

	test("groups results in one turn before the user's words, with ids that Bedrock takes", () => {
		const { body } = translate({
			messages: [
				user("weather?"),
				{ role: "assistant", content: "Looking.", tool_calls: [call("a:1", "f", '{"x":1}'), call("b", "g", "")] },
				{ role: "tool", tool_call_id: "a:1", content: "sunny" },
				user("and?"),
				{ role: "tool", tool_call_id: "b", content: "", is_error: true },
			],
			tools: [{ type: "function", function: { name: "f" } }],
		});
		const [, asked, answered] = body.messages as JsonObject[];
		expect(asked?.content).toEqual([
			{ text: "Looking." },
			{ toolUse: { toolUseId: at(asked, "content", 1, "toolUse", "toolUseId") as string, name: "f", input: { x: 1 } } },
			{ toolUse: { toolUseId: "b", name: "g", input: {} } },
		]);
		expect(at(asked, "content", 1, "toolUse", "toolUseId")).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
		expect(answered?.content).toEqual([
			{
				toolResult: {
					toolUseId: at(asked, "content", 1, "toolUse", "toolUseId") as string,
					content: [{ text: "sunny" }],
				},
			},
			{ toolResult: { toolUseId: "b", content: [{ text: "(no output)" }], status: "error" } },
			{ text: "and?" },
		]);
	});

	test("gives Mistral the nine letters it takes, the same for call and result", () => {
		const { body } = translate(
			{
				messages: [
					user("a"),
					{
						role: "assistant",
						tool_calls: [call("tooluse_yypYDr71TwCwByoyao4-Vg", "f", "{}"), call("abcDEF123", "f", "{}")],
					},
					{ role: "tool", tool_call_id: "tooluse_yypYDr71TwCwByoyao4-Vg", content: "x" },
				],
				tools: [{ type: "function", function: { name: "f" } }],
			},
			{ model: "mistral.mistral-large-2402-v1:0" },
		);
		const id = at(body, "messages", 1, "content", 0, "toolUse", "toolUseId");
		expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
		expect(at(body, "messages", 2, "content", 0, "toolResult", "toolUseId")).toBe(id as string);
		expect(at(body, "messages", 1, "content", 1, "toolUse", "toolUseId")).toBe("abcDEF123");
	});

	test("carries pictures and documents in results, and names an error that the model cannot be told", () => {
		const messages: JsonObject[] = [
			user("a"),
			{ role: "assistant", tool_calls: [call("1", "f", "nonsense")] },
			{
				role: "tool",
				tool_call_id: "1",
				is_error: true,
				content: [
					{ type: "text", text: "t" },
					{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
					{ type: "file", file: { filename: "r.pdf", file_data: "data:application/pdf;base64,BBBB" } },
				],
			},
		];
		const { body, dropped } = translate({ messages }, { model: LLAMA });
		expect(at(body, "messages", 1, "content", 0, "toolUse", "input")).toEqual({ INVALID_JSON: "nonsense" });
		expect(at(body, "messages", 2, "content", 0, "toolResult")).toEqual({
			toolUseId: "1",
			content: [
				{ text: "t" },
				{ image: { format: "png", source: { bytes: "AAAA" } } },
				{ document: { format: "pdf", name: "r", source: { bytes: "BBBB" } } },
			],
		});
		expect(dropped).toEqual(["messages[].is_error"]);
	});

	test("refuses a result that answers no call", () => {
		expect(refusal(() => translate({ messages: [user("a"), { role: "tool", content: "x" }] }))).toMatchObject({
			status: 400,
			param: "messages[1].tool_call_id",
		});
	});
});

describe("parameters", () => {
	test.each<[string, string, JsonObject, JsonObject, string[]]>([
		[
			"all of them",
			LLAMA,
			{ max_tokens: 5, temperature: 0.2, top_p: 0.3, stop: ["a", "b"] },
			{ maxTokens: 5, temperature: 0.2, topP: 0.3, stopSequences: ["a", "b"] },
			[],
		],
		["max_completion_tokens over max_tokens", LLAMA, { max_completion_tokens: 7, max_tokens: 5 }, { maxTokens: 7 }, []],
		["temperature above AWS's scale", LLAMA, { temperature: 1.7 }, { temperature: 1 }, ["temperature"]],
		["an empty stop", LLAMA, { stop: "" }, {}, []],
		["white space to stop at", CLAUDE_45, { stop: ["\n\n", "END"] }, { stopSequences: ["END"] }, ["stop"]],
		["both samplings, older Claude", CLAUDE_4, { temperature: 0.5, top_p: 0.5 }, { temperature: 0.5, topP: 0.5 }, []],
		["both samplings, Claude since 4.1", CLAUDE_45, { temperature: 0.5, top_p: 0.5 }, { temperature: 0.5 }, ["top_p"]],
		[
			"no sampling since Opus 4.7",
			CLAUDE_47,
			{ temperature: 0.5, top_p: 0.5, top_k: 4 },
			{},
			["temperature", "top_p", "top_k"],
		],
		["defaults where sampling is refused", CLAUDE_47, { temperature: 1, top_p: 1 }, {}, []],
		["OpenAI's closed models", GPT, { temperature: 0.5, top_p: 0.5 }, {}, ["temperature", "top_p"]],
		["gpt-oss", GPT_OSS, { temperature: 0.5 }, { temperature: 0.5 }, []],
	])("sends %s", (_, model, request, expected, left) => {
		const { body, dropped } = translate(request, { model });
		expect(body.inferenceConfig ?? {}).toEqual(expected);
		expect(dropped).toEqual(left);
	});

	test.each<[string, JsonObject | undefined, string[]]>([
		[CLAUDE_45, { top_k: 5 }, []],
		[NOVA, { inferenceConfig: { topK: 5 } }, []],
		["cohere.command-r-plus-v1:0", { k: 5 }, []],
		["mistral.mistral-7b-instruct-v0:2", { top_k: 5 }, []],
		[LLAMA, undefined, ["top_k"]],
		[PROFILE, undefined, ["top_k"]],
	])("puts top_k where %s reads it", (model, expected, left) => {
		const { body, dropped } = translate({ top_k: 5 }, { model });
		expect(body.additionalModelRequestFields).toEqual(expected as JsonObject);
		expect(dropped).toEqual(left);
	});

	test.each([
		["n", { n: 2 }],
		["logprobs", { logprobs: true }],
		["modalities", { modalities: ["text", "audio"] }],
		["web_search_options", { web_search_options: {} }],
		["response_format.type", { response_format: { type: "regex", pattern: "a" } }],
	])("refuses what Bedrock cannot do: %s", (param, request) => {
		expect(refusal(() => translate(request))).toMatchObject({ status: 400, param, code: "unsupported_parameter" });
	});

	test("refuses stop sequences for OpenAI's models", () => {
		expect(refusal(() => translate({ stop: ["x"] }, { model: GPT_OSS }))).toMatchObject({ param: "stop" });
	});

	test("names every field it leaves out, and none that has no effect", () => {
		const { dropped } = translate({
			n: 1,
			logprobs: false,
			frequency_penalty: 0,
			presence_penalty: 0.5,
			seed: 1,
			user: "u",
			verbosity: "low",
			prediction: { type: "content", content: "x" },
			logit_bias: { "1": 2 },
			something_new: 1,
			stream: true,
			stream_options: { include_usage: true },
		});
		expect(dropped).toEqual([
			"presence_penalty",
			"seed",
			"user",
			"verbosity",
			"prediction",
			"logit_bias",
			"something_new",
		]);
	});
});

describe("fields of Bedrock's own", () => {
	test.each([
		["auto", undefined, []],
		["default", undefined, []],
		["flex", { type: "flex" }, []],
		["priority", { type: "priority" }, []],
		["scale", undefined, ["service_tier"]],
	])("service_tier %s", (tier, expected, left) => {
		const { body, dropped } = translate({ service_tier: tier });
		expect(body.serviceTier).toEqual(expected as JsonObject);
		expect(dropped).toEqual(left);
	});

	test("passes guardrails and performance by either name, and the mode of a guardrail to streams only", () => {
		const guardrail = { guardrailIdentifier: "g", guardrailVersion: "1", streamProcessingMode: "async" };
		const request = { guardrail_config: guardrail, performanceConfig: { latency: "optimized" } };
		const whole = translate(request);
		expect(whole.body).toMatchObject({
			guardrailConfig: { guardrailIdentifier: "g", guardrailVersion: "1" },
			performanceConfig: { latency: "optimized" },
		});
		expect(at(whole.body, "guardrailConfig", "streamProcessingMode")).toBeUndefined();
		expect(whole.dropped).toEqual(["guardrail_config.streamProcessingMode"]);
		const stream = translate(request, { stream: true });
		expect(stream.body.guardrailConfig).toEqual(guardrail);
		expect(stream.dropped).toEqual([]);
	});

	test("marks the invocation log with the metadata that AWS admits", () => {
		const { body, dropped } = translate({
			metadata: { team: "search", note: "ümlaut", both: "openai" },
			request_metadata: { both: "bedrock" },
		});
		expect(body.requestMetadata).toEqual({ team: "search", both: "bedrock" });
		expect(dropped).toEqual(["metadata"]);
	});

	test("never says the model, which is in the path", () => {
		expect(Object.keys(translate({}).body)).toEqual(["messages"]);
	});
});
