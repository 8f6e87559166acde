import { describe, expect, test } from "bun:test";
import { modelFacts } from "../../../../src/dialects/anthropic-messages/models.ts";
import { anthropicMessagesOnVertex } from "../../../../src/dialects/anthropic-messages/translator.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { translated } from "./support.ts";

describe("what a model takes", () => {
	test.each<[string, string, string, string]>([
		["claude-3-haiku-20240307", "none", "omit", "both"],
		["claude-3-5-sonnet-v2@20241022", "none", "omit", "both"],
		["claude-3-7-sonnet@20250219", "budget", "omit", "both"],
		["claude-sonnet-4-20250514", "budget", "omit", "both"],
		["claude-opus-4@20250514", "budget", "omit", "both"],
		["claude-opus-4-1-20250805", "budget", "omit", "one"],
		["claude-haiku-4-5-20251001", "budget", "omit", "one"],
		["anthropic/claude-opus-4.6", "adaptive", "omit", "one"],
		["claude-opus-4-7", "adaptive", "omit", "none"],
		["claude-opus-5", "adaptive", "disabled", "none"],
		["claude-sonnet-5", "adaptive", "disabled", "none"],
		["claude-haiku-5-5", "adaptive", "disabled", "none"],
		["claude-sonnet-5-5", "adaptive", "between_tools", "none"],
		["claude-opus-5-5-20260922", "adaptive", "never", "none"],
		["claude-fable-5", "adaptive", "never", "none"],
		["claude-next", "adaptive", "never", "none"],
		["MiniMax-M2", "budget", "disabled", "both"],
	])("%s", (model, thinking, thinkingOff, sampling) => {
		expect(modelFacts(model)).toMatchObject({ thinking, thinkingOff, sampling } as never);
	});
});

describe("reasoning", () => {
	const enabled = (budget: number) => ({ type: "enabled", budget_tokens: budget });
	const adaptive = { type: "adaptive", display: "summarized" };

	test.each<[string, string, JsonObject, JsonObject]>([
		[
			"an effort as a budget",
			"claude-sonnet-4-5",
			{ reasoning_effort: "low", max_tokens: 9_000 },
			{ thinking: enabled(2_048) },
		],
		[
			"a budget as it is",
			"claude-sonnet-4-5",
			{ thinking: enabled(4_000), max_tokens: 4_096 },
			{ thinking: enabled(4_000) },
		],
		["OpenRouter's words", "claude-sonnet-4-5", { reasoning: { max_tokens: 1_500 } }, { thinking: enabled(1_500) }],
		[
			"an effort for adaptive thinking",
			"claude-opus-5",
			{ reasoning_effort: "xhigh" },
			{ thinking: adaptive, output_config: { effort: "xhigh" } },
		],
		[
			"the nearest effort below",
			"claude-opus-4-6",
			{ reasoning_effort: "xhigh" },
			{ thinking: adaptive, output_config: { effort: "high" } },
		],
		[
			"the weakest effort",
			"claude-opus-5-5",
			{ reasoning_effort: "minimal" },
			{ thinking: adaptive, output_config: { effort: "low" } },
		],
		[
			"a budget for adaptive thinking",
			"claude-opus-4-7",
			{ thinking: enabled(8_000) },
			{ thinking: adaptive, output_config: { effort: "medium" } },
		],
		[
			"adaptive thinking without a measure",
			"claude-opus-4-6",
			{ thinking: { type: "adaptive" } },
			{ thinking: adaptive },
		],
		[
			"thinking not to be shown",
			"claude-opus-5",
			{ reasoning: { effort: "high", exclude: true } },
			{ thinking: { type: "adaptive", display: "omitted" }, output_config: { effort: "high" } },
		],
		[
			"thinking not to be shown, in Anthropic's words",
			"claude-opus-5",
			{ thinking: { type: "adaptive", display: "omitted" } },
			{ thinking: { type: "adaptive", display: "omitted" } },
		],
		["no thinking", "claude-opus-5", { reasoning_effort: "none" }, { thinking: { type: "disabled" } }],
		["no thinking where none is the default", "claude-opus-4-7", { reasoning_effort: "none" }, {}],
		[
			"no thinking up front",
			"claude-sonnet-5-5",
			{ thinking: { type: "disabled" } },
			{ thinking: { type: "between_tools" } },
		],
		["nothing said", "claude-opus-5", {}, {}],
	])("%s", (_name, model, request, fields) => {
		const { body, dropped } = translated(request, { model });
		expect({ thinking: body.thinking, output_config: body.output_config }).toEqual(fields as never);
		expect(dropped).toEqual([]);
	});

	test.each<[string, string, JsonObject, JsonObject, string]>([
		["a model that cannot", "claude-3-5-haiku-20241022", { reasoning_effort: "high" }, {}, "reasoning_effort"],
		[
			"a model that always does",
			"claude-opus-5-5",
			{ reasoning_effort: "none" },
			{ output_config: { effort: "low" } },
			"reasoning_effort",
		],
		["no room to think", "claude-sonnet-4-5", { reasoning_effort: "low", max_tokens: 1_024 }, {}, "reasoning_effort"],
		[
			"a budget above the bound",
			"claude-sonnet-4-5",
			{ thinking: enabled(9_000), max_tokens: 5_000 },
			{ thinking: enabled(4_000) },
			"thinking.budget_tokens",
		],
		[
			"a budget below the least",
			"claude-sonnet-4-5",
			{ reasoning: { max_tokens: 100 } },
			{ thinking: enabled(1_024) },
			"reasoning.max_tokens",
		],
		[
			"a word nobody knows",
			"claude-opus-5",
			{ reasoning_effort: "hectic" },
			{ thinking: adaptive },
			"reasoning_effort",
		],
	])("%s is named", (_name, model, request, fields, named) => {
		const { body, dropped } = translated(request, { model });
		expect({ thinking: body.thinking, output_config: body.output_config }).toEqual(fields as never);
		expect(dropped).toEqual([named]);
	});

	test("never thinks with more than was reserved for the answer", () => {
		const { body } = translated({ reasoning_effort: "high" }, { outputTokensMax: 2_000 });
		expect(body).toMatchObject({ max_tokens: 2_000, thinking: enabled(1_600) });
	});

	const tools = [{ type: "function", function: { name: "f" } }];

	test("a forced tool comes before thinking", () => {
		const request = { tools, tool_choice: "required", reasoning_effort: "low" };
		const old = translated(request);
		expect([old.body.thinking, old.dropped]).toEqual([undefined, ["reasoning_effort"]]);
		expect(translated({ tools, tool_choice: "required" }, { model: "claude-opus-5" })).toMatchObject({
			body: { thinking: { type: "disabled" }, tool_choice: { type: "any" } },
			dropped: [],
		});
	});

	const asked = {
		role: "assistant",
		tool_calls: [{ id: "x", type: "function", function: { name: "f", arguments: "{}" } }],
	};
	const loop = (details?: JsonObject[]) => ({
		tools,
		reasoning_effort: "low",
		messages: [
			{ role: "user", content: "a" },
			{ ...asked, ...(details === undefined ? {} : { reasoning_details: details, content: "I look" }) },
			{ role: "tool", tool_call_id: "x", content: "1" },
		],
	});
	const seal = { type: "reasoning.text", format: "anthropic-claude-v1", text: "hm", signature: "s1" };

	test("thinking goes back with its seal in front of text and calls", () => {
		const hidden = { type: "reasoning.encrypted", format: "anthropic-claude-v1", data: "xyz" };
		const { body, dropped } = translated(loop([seal, hidden]));
		expect(body.thinking).toEqual(enabled(2_048));
		expect(body.messages).toMatchObject([
			{},
			{
				role: "assistant",
				content: [
					{ type: "thinking", thinking: "hm", signature: "s1" },
					{ type: "redacted_thinking", data: "xyz" },
					{ type: "text", text: "I look" },
					{ type: "tool_use", id: "x" },
				],
			},
			{},
		]);
		expect(dropped).toEqual([]);
	});

	test("an empty thought with a seal goes back as it came", () => {
		const { body } = translated(loop([{ ...seal, text: "" }]), { model: "claude-opus-5" });
		expect(body.messages).toMatchObject([
			{},
			{ content: [{ type: "thinking", thinking: "", signature: "s1" }, {}, {}] },
			{},
		]);
	});

	test.each<[string, JsonObject[] | undefined]>([
		["lost", undefined],
		["another provider's", [{ ...seal, format: "google-gemini-v1" }]],
		["unsigned", [{ ...seal, signature: "" }]],
	])("a tool loop whose thinking is %s goes on without thinking, by name", (_name, details) => {
		const { body, dropped } = translated(loop(details));
		expect(body.thinking).toBeUndefined();
		expect(dropped).toEqual(["reasoning_effort"]);
		expect(JSON.stringify(body.messages)).not.toContain("thinking");
		// Adaptive thinking does not ask for what was thought before.
		expect(translated(loop(details), { model: "claude-opus-4-6" }).dropped).toEqual([]);
	});

	test("thinking lost in an earlier round does no harm", () => {
		const messages = [...loop().messages, { role: "assistant", content: "b" }, { role: "user", content: "c" }];
		expect(translated({ ...loop(), messages }).body.thinking).toEqual(enabled(2_048));
	});

	test("only the first turn of a loop must begin with thinking", () => {
		const messages = [
			...loop([seal]).messages,
			{ role: "assistant", tool_calls: [{ id: "y", type: "function", function: { name: "f", arguments: "{}" } }] },
			{ role: "tool", tool_call_id: "y", content: "2" },
		];
		expect(translated({ ...loop(), messages }).dropped).toEqual([]);
	});

	test("plain reasoning_content is not sent", () => {
		const messages = [
			{ role: "user", content: "a" },
			{ role: "assistant", content: "b", reasoning_content: "secret" },
			{ role: "user", content: "c" },
		];
		expect(JSON.stringify(translated({ messages }).body)).not.toContain("secret");
	});
});

describe("sampling and the rest", () => {
	test.each<[string, string, JsonObject, JsonObject, string[]]>([
		[
			"both, on older models",
			"claude-sonnet-4-20250514",
			{ temperature: 0.5, top_p: 0.9, top_k: 5 },
			{ temperature: 0.5, top_p: 0.9, top_k: 5 },
			[],
		],
		["a temperature above Anthropic's", "claude-sonnet-4-5", { temperature: 1.5 }, { temperature: 1 }, ["temperature"]],
		["one of the two", "claude-sonnet-4-5", { temperature: 0.5, top_p: 0.9 }, { temperature: 0.5 }, ["top_p"]],
		["the one that says something", "claude-sonnet-4-5", { temperature: 1, top_p: 0.9 }, { top_p: 0.9 }, []],
		["a default beside a value", "claude-sonnet-4-5", { temperature: 0.5, top_p: 1 }, { temperature: 0.5 }, []],
		[
			"none on newer models",
			"claude-opus-4-7",
			{ temperature: 0.2, top_p: 0.9, top_k: 5 },
			{},
			["temperature", "top_p", "top_k"],
		],
		["defaults on newer models", "claude-opus-4-7", { temperature: 1, top_p: 1 }, {}, []],
		[
			"beside thinking",
			"claude-sonnet-4-20250514",
			{ temperature: 0.2, top_p: 0.9, top_k: 5, reasoning_effort: "low" },
			{},
			["temperature", "top_p", "top_k"],
		],
		[
			"a high top_p beside thinking",
			"claude-sonnet-4-20250514",
			{ temperature: 1, top_p: 0.97, reasoning_effort: "low" },
			{ top_p: 0.97 },
			[],
		],
	])("%s", (_name, model, request, fields, named) => {
		const { body, dropped } = translated(request, { model });
		const { temperature, top_p: topP, top_k: topK } = body;
		expect({ temperature, top_p: topP, top_k: topK }).toEqual(fields as never);
		expect(dropped).toEqual(named);
	});

	test.each<[JsonObject, JsonObject, string[]]>([
		[{ max_tokens: 7 }, { max_tokens: 7 }, []],
		[{ max_completion_tokens: 7 }, { max_tokens: 7 }, []],
		[{}, { max_tokens: 4_096 }, []],
		[{ stop: "END" }, { stop_sequences: ["END"] }, []],
		[{ stop: ["\n", "END"] }, { stop_sequences: ["END"] }, ["stop"]],
		[{ user: "u_1" }, { metadata: { user_id: "u_1" } }, []],
		[{ user: "eve@example.com", safety_identifier: "h4sh" }, { metadata: { user_id: "h4sh" } }, ["user"]],
		[{ service_tier: "priority" }, { service_tier: "auto" }, []],
		[{ service_tier: "default" }, { service_tier: "standard_only" }, []],
		[{ service_tier: "flex" }, {}, ["service_tier"]],
		[
			{ seed: 1, logit_bias: { 5: 1 }, frequency_penalty: 1, metadata: { a: "b" } },
			{},
			["seed", "logit_bias", "frequency_penalty", "metadata"],
		],
		[{ n: 1, logprobs: false, frequency_penalty: 0, stream_options: { include_usage: true } }, {}, []],
		[{ verbosity: "low", prediction: {}, brand_new: 1 }, {}, ["verbosity", "prediction", "brand_new"]],
	])("%j", (request, fields, named) => {
		const { body, dropped } = translated(request);
		expect(body).toMatchObject(fields);
		expect(dropped).toEqual(named);
		expect(body).not.toHaveProperty("seed");
	});

	test.each<[JsonObject, string]>([
		[{ n: 2 }, "n"],
		[{ logprobs: true }, "logprobs"],
		[{ top_logprobs: 2 }, "logprobs"],
		[{ modalities: ["text", "audio"] }, "modalities"],
	])("%j is refused", (request, param) => {
		expect(() => translated(request)).toThrow(
			expect.objectContaining({ status: 400, param, code: "unsupported_parameter" }),
		);
	});

	test("Vertex says the version in the body and the model elsewhere", () => {
		const asked = { stream: true, model: "claude-sonnet-4@20250514" };
		expect(translated({}, { ...asked, by: anthropicMessagesOnVertex }).body).toEqual({
			anthropic_version: "vertex-2023-10-16",
			max_tokens: 4_096,
			messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
			stream: true,
		});
		expect(translated({}, asked).body).toMatchObject({ model: asked.model, stream: true });
	});

	test("the client's request is not changed", () => {
		const request = Object.freeze({ temperature: 2, tools: [{ type: "function", function: { name: "f" } }] });
		const before = JSON.stringify(request);
		translated(request as never);
		expect(JSON.stringify(request)).toBe(before);
	});
});
