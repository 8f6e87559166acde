import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { chatOf, refusalOf, translate } from "./rig.ts";

describe("fields of a Responses request", () => {
	test("the plainest request is one user message", () => {
		expect(chatOf({ input: "Hi" })).toEqual({ model: "the-model", messages: [{ role: "user", content: "Hi" }] });
	});

	test("a stream is asked for as one", () => {
		expect(translate({}, { stream: true }).body.stream).toBe(true);
	});

	const MAPPED: readonly [string, JsonObject, JsonObject][] = [
		["max_output_tokens", { max_output_tokens: 99 }, { max_completion_tokens: 99 }],
		["temperature and top_p", { temperature: 0.3, top_p: 0.9 }, { temperature: 0.3, top_p: 0.9 }],
		["penalties", { presence_penalty: 1, frequency_penalty: 2 }, { presence_penalty: 1, frequency_penalty: 2 }],
		["reasoning.effort", { reasoning: { effort: "high", summary: "auto" } }, { reasoning_effort: "high" }],
		["reasoning.effort none", { reasoning: { effort: "none" } }, { reasoning_effort: "none" }],
		["a summary alone", { reasoning: { summary: "detailed", generate_summary: "auto" } }, {}],
		[
			"a budget of OpenRouter's",
			{ reasoning: { max_tokens: 2_000, effort: null, exclude: false } },
			{ reasoning: { max_tokens: 2_000, exclude: false } },
		],
		["text.verbosity", { text: { verbosity: "low" } }, { verbosity: "low" }],
		["text.format text", { text: { format: { type: "text" } } }, {}],
		[
			"text.format json_object",
			{ text: { format: { type: "json_object" } } },
			{ response_format: { type: "json_object" } },
		],
		[
			"text.format json_schema",
			{
				text: {
					format: { type: "json_schema", name: "n", schema: { type: "object" }, strict: true, description: null },
				},
			},
			{
				response_format: {
					type: "json_schema",
					json_schema: { name: "n", schema: { type: "object" }, strict: true },
				},
			},
		],
		["top_logprobs", { top_logprobs: 3 }, { logprobs: true, top_logprobs: 3 }],
		["top_logprobs 0", { top_logprobs: 0 }, {}],
		["included logprobs", { include: ["message.output_text.logprobs"] }, { logprobs: true }],
		["user", { user: "u" }, { user: "u" }],
		["safety_identifier", { safety_identifier: "s" }, { safety_identifier: "s" }],
		["prompt_cache_key", { prompt_cache_key: "k" }, { prompt_cache_key: "k" }],
		["service_tier", { service_tier: "flex" }, { service_tier: "flex" }],
		["service_tier auto", { service_tier: "auto" }, {}],
		["chat's own fields", { top_k: 5, seed: 1, stop: ["x"] }, { top_k: 5, seed: 1, stop: ["x"] }],
		["cache_control", { cache_control: { type: "ephemeral" } }, { cache_control: { type: "ephemeral" } }],
		["modalities of pictures", { modalities: ["image", "text"] }, { modalities: ["image", "text"] }],
		[
			"what the gateway or the client keeps",
			{ store: true, metadata: { a: "b" }, previous_response_id: "resp_1", conversation: "conv_1", background: false },
			{},
		],
		["null", { temperature: null, tools: null, reasoning: null, text: null, include: null, instructions: null }, {}],
		["harmless", { truncation: "disabled", stream_options: { include_obfuscation: false }, n: 1 }, {}],
	];
	test.each(MAPPED)("%s", (_, request, expected) => {
		const translation = translate(request);
		const { model: __, messages: ___, ...body } = translation.body;
		expect(body).toEqual(expected);
		expect(translation.dropped).toEqual([]);
	});

	const DROPPED: readonly [JsonObject, string[]][] = [
		[{ truncation: "auto" }, ["truncation"]],
		[{ max_tool_calls: 3 }, ["max_tool_calls"]],
		[{ context_management: [{ type: "compaction" }] }, ["context_management"]],
		[
			{ include: ["file_search_call.results", "web_search_call.action.sources"] },
			["include[].file_search_call.results", "include[].web_search_call.action.sources"],
		],
		[{ include: ["bad\r\nheader"] }, ["include[]"]],
		[{ reasoning: { effort: "low", context: "all_turns", mode: "pro" } }, ["reasoning.context", "reasoning.mode"]],
		[{ text: { shape: "round" } }, ["text.shape"]],
		[{ max_tokens: 5, functions: [{ name: "f" }], something_new: 1 }, ["max_tokens", "functions", "something_new"]],
	];
	test.each(DROPPED)("%j is named", (request, expected) => {
		expect([...translate(request).dropped].sort()).toEqual([...expected].sort());
	});

	const REFUSED: readonly [JsonObject, string, string][] = [
		[{ background: true }, "background", "unsupported_parameter"],
		[{ prompt: { id: "pmpt_1" } }, "prompt", "unsupported_parameter"],
		[{ n: 2 }, "n", "unsupported_parameter"],
		[{ modalities: ["audio"] }, "modalities", "unsupported_parameter"],
	];
	test.each(REFUSED)("%j is refused by name", (request, param, code) => {
		expect(refusalOf(request)).toMatchObject({ status: 400, param, code });
	});

	test("a request without anything to answer is refused", () => {
		expect(refusalOf({ input: [] })).toMatchObject({ param: "input" });
		expect(refusalOf({ input: undefined })).toMatchObject({ param: "input" });
	});

	test("the client's request is not changed", () => {
		const request = {
			model: "alias",
			input: [{ role: "user", content: [{ type: "input_text", text: "a" }] }],
			tools: [{ type: "function", name: "f", parameters: {} }],
			text: { format: { type: "json_schema", name: "n", schema: {} } },
		};
		const before = structuredClone(request);
		translate(request).whole({ choices: [{ message: { content: "x" }, finish_reason: "stop" }] });
		expect(request).toEqual(before);
	});
});
