import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import {
	at,
	CLAUDE_4,
	CLAUDE_5,
	CLAUDE_45,
	CLAUDE_46,
	CLAUDE_47,
	calling,
	FABLE,
	GPT,
	GPT_OSS,
	LLAMA,
	NOVA,
	NOVA_2,
	PROFILE,
	play,
	translate,
} from "./harness.ts";

const thinking = (type: string, rest: JsonObject = {}): JsonObject => ({ thinking: { type, ...rest } });

describe("a wish to think", () => {
	test.each<[string, string, JsonObject, JsonObject | undefined, string[]]>([
		[
			"a budget",
			CLAUDE_45,
			thinking("enabled", { budget_tokens: 2_000 }),
			thinking("enabled", { budget_tokens: 2_000 }),
			[],
		],
		[
			"a budget below the least",
			CLAUDE_45,
			thinking("enabled", { budget_tokens: 10 }),
			thinking("enabled", { budget_tokens: 1_024 }),
			["thinking.budget_tokens"],
		],
		[
			"a budget above the bound",
			CLAUDE_45,
			{ reasoning: { max_tokens: 9_000 } },
			thinking("enabled", { budget_tokens: 4_095 }),
			["reasoning.max_tokens"],
		],
		[
			"an effort, where a number is wanted",
			CLAUDE_45,
			{ reasoning_effort: "low" },
			thinking("enabled", { budget_tokens: 2_048 }),
			[],
		],
		[
			"an effort that leaves room to answer",
			CLAUDE_4,
			{ reasoning_effort: "high" },
			thinking("enabled", { budget_tokens: 3_276 }),
			[],
		],
		[
			"a bound too small to think in",
			CLAUDE_45,
			{ reasoning_effort: "low", max_tokens: 1_000 },
			undefined,
			["reasoning_effort"],
		],
		[
			"an effort, adaptive",
			CLAUDE_46,
			{ reasoning_effort: "high" },
			{ ...thinking("adaptive"), output_config: { effort: "high" } },
			[],
		],
		[
			"an effort above what 4.6 knows",
			CLAUDE_46,
			{ reasoning_effort: "xhigh" },
			{ ...thinking("adaptive"), output_config: { effort: "high" } },
			[],
		],
		[
			"a budget, where still taken",
			CLAUDE_46,
			thinking("enabled", { budget_tokens: 2_000 }),
			thinking("enabled", { budget_tokens: 2_000 }),
			[],
		],
		[
			"thinking that is to be seen",
			CLAUDE_47,
			{ reasoning_effort: "xhigh" },
			{ ...thinking("adaptive", { display: "summarized" }), output_config: { effort: "xhigh" } },
			[],
		],
		[
			"thinking that is not",
			CLAUDE_47,
			{ reasoning: { enabled: true, exclude: true } },
			thinking("adaptive", { display: "omitted" }),
			[],
		],
		[
			"a budget, where refused",
			CLAUDE_47,
			thinking("enabled", { budget_tokens: 2_000 }),
			{ ...thinking("adaptive", { display: "summarized" }), output_config: { effort: "low" } },
			["thinking.budget_tokens"],
		],
		["none, off anyway", CLAUDE_46, { reasoning_effort: "none" }, undefined, []],
		["none, to be said", CLAUDE_5, { reasoning_effort: "none" }, thinking("disabled"), []],
		["none, which cannot be", FABLE, thinking("disabled"), { output_config: { effort: "low" } }, ["thinking"]],
		[
			"none of it in Claude 3",
			"anthropic.claude-3-haiku-20240307-v1:0",
			{ reasoning_effort: "low" },
			undefined,
			["reasoning_effort"],
		],
		[
			"Nova 2",
			NOVA_2,
			{ reasoning_effort: "low" },
			{ reasoningConfig: { type: "enabled", maxReasoningEffort: "low" } },
			[],
		],
		[
			"Nova 2 at its highest",
			NOVA_2,
			{ reasoning_effort: "xhigh" },
			{ reasoningConfig: { type: "enabled", maxReasoningEffort: "high" } },
			[],
		],
		[
			"Nova 2 under a bound",
			NOVA_2,
			{ reasoning_effort: "high", max_tokens: 50 },
			{ reasoningConfig: { type: "enabled", maxReasoningEffort: "medium" } },
			["reasoning_effort"],
		],
		["a budget of nothing", CLAUDE_45, { reasoning: { max_tokens: 0 } }, undefined, []],
		["a word that is none", CLAUDE_45, { reasoning_effort: "off" }, undefined, []],
		[
			"a word that nobody knows, where a number is wanted",
			CLAUDE_45,
			{ reasoning_effort: "constructor" },
			thinking("enabled", { budget_tokens: 3_276 }),
			["reasoning_effort"],
		],
		[
			"a word that nobody knows",
			CLAUDE_5,
			{ reasoning_effort: "much" },
			thinking("adaptive", { display: "summarized" }),
			["reasoning_effort"],
		],
		["Nova 1", NOVA, { reasoning_effort: "high" }, undefined, ["reasoning_effort"]],
		["gpt-oss", GPT_OSS, { reasoning_effort: "xhigh" }, { reasoning_effort: "high" }, []],
		["GPT", GPT, { reasoning_effort: "xhigh" }, { reasoning: { effort: "xhigh" } }, []],
		["GPT without", GPT, { reasoning_effort: "none" }, { reasoning: { effort: "none" } }, []],
		["Llama", LLAMA, { reasoning_effort: "high" }, undefined, ["reasoning_effort"]],
		["Llama without", LLAMA, { reasoning_effort: "none" }, undefined, []],
		["a profile, in OpenAI's words", PROFILE, { reasoning_effort: "high" }, undefined, ["reasoning_effort"]],
		[
			"a profile, in Anthropic's",
			PROFILE,
			thinking("enabled", { budget_tokens: 2_000 }),
			thinking("enabled", { budget_tokens: 2_000 }),
			[],
		],
	])("%s", (_, model, request, expected, left) => {
		const { body, dropped } = translate(request, { model });
		expect(body.additionalModelRequestFields).toEqual(expected as JsonObject);
		expect(dropped).toEqual(left);
	});

	test("brings a bound where Claude needs one and the client gave none", () => {
		expect(translate({ reasoning_effort: "low" }).body.inferenceConfig).toEqual({ maxTokens: 4_096 });
		expect(translate({ reasoning_effort: "low", max_tokens: 3_000 }).body.inferenceConfig).toEqual({
			maxTokens: 3_000,
		});
		expect(translate({ reasoning_effort: "low" }, { model: CLAUDE_46 }).body.inferenceConfig).toBeUndefined();
	});

	test("leaves out by name what thinking does not go with", () => {
		const request = { reasoning_effort: "low", temperature: 0.5, top_p: 0.5, top_k: 5 };
		const claude = translate(request);
		expect(claude.body.inferenceConfig).toEqual({ maxTokens: 4_096 });
		expect(claude.dropped).toEqual(["temperature", "top_p", "top_k"]);
		const kept = translate({ reasoning_effort: "low", temperature: 1, top_p: 0.97 });
		expect(kept.body.inferenceConfig).toEqual({ maxTokens: 4_096, topP: 0.97 });
		expect(kept.dropped).toEqual([]);
		const nova = translate({ ...request, reasoning_effort: "high" }, { model: NOVA_2 });
		expect(nova.body.inferenceConfig).toBeUndefined();
		expect(nova.dropped).toEqual(["temperature", "top_p", "top_k"]);
	});

	test("gives way to a tool that must be called", () => {
		const request = { reasoning_effort: "high", tools: [calling("f")], tool_choice: "required" };
		const { body, dropped } = translate(request);
		expect(body.additionalModelRequestFields).toBeUndefined();
		expect(dropped).toEqual(["reasoning_effort"]);
		expect(translate(request, { model: CLAUDE_5 }).body.additionalModelRequestFields).toEqual(thinking("disabled"));
	});

	test("keeps to one place beside a schema", () => {
		const { body } = translate(
			{
				reasoning_effort: "low",
				response_format: {
					type: "json_schema",
					json_schema: { name: "n", schema: { type: "object", properties: {} } },
				},
			},
			{ model: CLAUDE_46 },
		);
		expect(body.outputConfig).toBeUndefined();
		expect(at(body, "additionalModelRequestFields", "output_config")).toEqual({
			effort: "low",
			format: { type: "json_schema", schema: { type: "object", properties: {}, additionalProperties: false } },
		});
	});
});

describe("earlier thinking", () => {
	const loop = (details: JsonObject[]): JsonObject => ({
		reasoning_effort: "low",
		tools: [calling("f")],
		messages: [
			{ role: "user", content: "a" },
			{
				role: "assistant",
				content: "b",
				reasoning_details: details,
				tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }],
			},
			{ role: "tool", tool_call_id: "1", content: "x" },
		],
	});
	const signed = (format: string): JsonObject => ({
		type: "reasoning.text",
		text: "T",
		signature: "S",
		format,
		index: 0,
	});
	const blocks = (request: JsonObject, model: string) => {
		const { body, dropped } = translate(request, { model });
		const content = at(body, "messages", 1, "content") as JsonObject[];
		return { first: content[0], thinks: at(body, "additionalModelRequestFields", "thinking") !== undefined, dropped };
	};

	test.each([
		[CLAUDE_45, "anthropic-claude-v1", true],
		[CLAUDE_45, "bedrock-converse-v1", true],
		[CLAUDE_45, "google-gemini-v1", false],
		[CLAUDE_46, "anthropic-claude-v1", true],
		[PROFILE, "bedrock-converse-v1", true],
		[PROFILE, "anthropic-claude-v1", false],
		[NOVA_2, "anthropic-claude-v1", false],
	])("goes back first to %s when it is of %s: %p", (model, format, expected) => {
		const { first } = blocks(loop([signed(format)]), model);
		expect(first).toEqual(
			expected ? { reasoningContent: { reasoningText: { text: "T", signature: "S" } } } : { text: "b" },
		);
	});

	test("that a client did not keep switches thinking off until the next question, where the model would mind", () => {
		expect(blocks(loop([]), CLAUDE_45)).toEqual({ first: { text: "b" }, thinks: false, dropped: ["reasoning_effort"] });
		expect(blocks(loop([signed("anthropic-claude-v1")]), CLAUDE_45)).toMatchObject({ thinks: true, dropped: [] });
		expect(blocks(loop([]), CLAUDE_46)).toMatchObject({ thinks: true, dropped: [] });
		const asked = loop([]);
		const next = { ...asked, messages: [...(asked.messages as JsonObject[]), { role: "user", content: "c" }] };
		expect(blocks(next, CLAUDE_45)).toMatchObject({ thinks: true, dropped: [] });
	});

	test("goes back only while Claude thinks, where it minds", () => {
		const request = { ...loop([signed("anthropic-claude-v1")]), reasoning_effort: "none" };
		expect(blocks(request, CLAUDE_45).first).toEqual({ text: "b" });
	});

	test("without a seal is not sent, and a seal of another maker neither", () => {
		const unsealed = { type: "reasoning.text", text: "T", format: "bedrock-converse-v1", index: 0 };
		expect(blocks(loop([unsealed]), GPT_OSS).first).toEqual({ text: "b" });
		const sealed = { type: "reasoning.encrypted", data: "AAEC", format: "bedrock-converse-v1", id: "openai", index: 0 };
		expect(blocks(loop([sealed]), GPT).first).toEqual({ reasoningContent: { redactedContent: "AAEC" } });
		expect(blocks(loop([sealed]), CLAUDE_46).first).toEqual({ text: "b" });
	});
});

describe("thinking in an answer", () => {
	const content: JsonObject[] = [
		{ reasoningContent: { reasoningText: { text: "Hm", signature: "SIG" } } },
		{ reasoningContent: { redactedContent: Buffer.from("EqkECkYIBxgC/+=").toString("base64") } },
		{ text: "42" },
	];
	const events: [string, unknown][] = [
		["messageStart", { role: "assistant" }],
		["contentBlockDelta", { contentBlockIndex: 0, delta: { reasoningContent: { text: "H" } } }],
		["contentBlockDelta", { contentBlockIndex: 0, delta: { reasoningContent: { text: "m" } } }],
		["contentBlockDelta", { contentBlockIndex: 0, delta: { reasoningContent: { signature: "SIG" } } }],
		["contentBlockStop", { contentBlockIndex: 0 }],
		[
			"contentBlockDelta",
			{
				contentBlockIndex: 1,
				delta: { reasoningContent: { redactedContent: Buffer.from("EqkEC").toString("base64") } },
			},
		],
		[
			"contentBlockDelta",
			{
				contentBlockIndex: 1,
				delta: { reasoningContent: { redactedContent: Buffer.from("kYIBxgC/+=").toString("base64") } },
			},
		],
		["contentBlockDelta", { contentBlockIndex: 2, delta: { text: "42" } }],
		["messageStop", { stopReason: "end_turn" }],
		["metadata", { usage: { inputTokens: 1, outputTokens: 2 } }],
	];
	const ofClaude = [
		{ type: "reasoning.text", format: "anthropic-claude-v1", index: 0, text: "Hm", signature: "SIG" },
		{ type: "reasoning.encrypted", format: "anthropic-claude-v1", index: 1, data: "EqkECkYIBxgC/+=" },
	];

	test("of Claude carries Anthropic's own seals, whole and streamed, and goes back as it came", () => {
		const answer = translate({}).whole({ output: { message: { content } }, stopReason: "end_turn" });
		expect(at(answer, "choices", 0, "message")).toMatchObject({
			content: "42",
			reasoning_content: "Hm",
			reasoning_details: ofClaude,
		});
		const said = play(translate({}), events);
		expect(said).toMatchObject({ text: "42", reasoning: "Hm", extra: { reasoning_details: ofClaude }, done: 1 });
		const { body } = translate(
			{
				messages: [
					{ role: "user", content: "a" },
					{ role: "assistant", content: "42", reasoning_details: ofClaude },
				],
			},
			{ model: CLAUDE_46 },
		);
		expect(at(body, "messages", 1, "content")).toEqual(content as never);
	});

	test("of others carries Bedrock's, with the maker's name", () => {
		const sealed = { reasoningContent: { redactedContent: "AAEC/w==" } };
		const answer = translate({}, { model: GPT }).whole({
			output: { message: { content: [{ reasoningContent: { reasoningText: { text: "Hm" } } }, sealed] } },
			stopReason: "end_turn",
		});
		expect(at(answer, "choices", 0, "message", "reasoning_details")).toEqual([
			{ type: "reasoning.text", format: "bedrock-converse-v1", index: 0, id: "openai", text: "Hm" },
			{ type: "reasoning.encrypted", format: "bedrock-converse-v1", index: 1, id: "openai", data: "AAEC/w==" },
		]);
	});

	test.each([{ reasoning: { effort: "low", exclude: true } }, { thinking: { type: "adaptive", display: "omitted" } }])(
		"that is not to be shown is not, and its sealed part goes back all the same: %j",
		(request) => {
			const [, sealed] = ofClaude;
			const details = [{ ...sealed, index: 0 }];
			const answer = translate(request).whole({ output: { message: { content } }, stopReason: "end_turn" });
			expect(at(answer, "choices", 0, "message", "reasoning_content")).toBeUndefined();
			expect(at(answer, "choices", 0, "message", "reasoning_details")).toEqual(details as never);
			const said = play(translate(request), events);
			expect(said).toMatchObject({ text: "42", reasoning: "", extra: { reasoning_details: details } });
		},
	);

	test("is told all at once in the last delta before the finish", () => {
		const said = play(translate({}), events);
		const at = said.chunks.findIndex((chunk) => JSON.stringify(chunk).includes("reasoning_details"));
		expect(JSON.stringify(said.chunks[at + 1])).toContain('"finish_reason":"stop"');
		expect(JSON.stringify(said.chunks).split("reasoning_details").length).toBe(2);
	});
});
