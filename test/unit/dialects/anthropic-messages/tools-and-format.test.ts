import { describe, expect, test } from "bun:test";
import { closeSchema } from "../../../../src/dialects/anthropic-messages/schema.ts";
import { anthropicMessagesOnVertex } from "../../../../src/dialects/anthropic-messages/translator.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { message, saidStreamed, saidWhole, streamed, translated } from "./support.ts";

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tool = (name: string, rest: JsonObject = {}) => ({ type: "function", function: { name, parameters, ...rest } });
const OLD = "claude-sonnet-4-20250514";

describe("tools", () => {
	test("functions, and tools that take nothing", () => {
		const { body, dropped } = translated({
			tools: [tool("f", { description: "d" }), { type: "function", function: { name: "g" } }],
		});
		expect(body.tools).toEqual([
			{ name: "f", description: "d", input_schema: parameters },
			{ name: "g", input_schema: { type: "object", properties: {} } },
		]);
		expect(body.tool_choice).toBeUndefined();
		expect(dropped).toEqual([]);
	});

	test("strict where the model is strict, else named", () => {
		const tools = [tool("f", { strict: true })];
		expect(translated({ tools }).body.tools).toEqual([
			{ name: "f", strict: true, input_schema: { ...parameters, additionalProperties: false } },
		]);
		const old = translated({ tools }, { model: OLD });
		expect(old.body.tools).toEqual([{ name: "f", input_schema: parameters }]);
		expect(old.dropped).toEqual(["tools[].function.strict"]);
		expect(translated({ tools }, { by: anthropicMessagesOnVertex }).dropped).toEqual(["tools[].function.strict"]);
	});

	test.each<[string, JsonObject, JsonObject | undefined]>([
		["auto", { tool_choice: "auto" }, { type: "auto" }],
		["none", { tool_choice: "none" }, { type: "none" }],
		["required", { tool_choice: "required" }, { type: "any" }],
		["named", { tool_choice: { type: "function", function: { name: "f" } } }, { type: "tool", name: "f" }],
		["one at a time", { parallel_tool_calls: false }, { type: "auto", disable_parallel_tool_use: true }],
		[
			"one, and one at a time",
			{ tool_choice: "required", parallel_tool_calls: false },
			{ type: "any", disable_parallel_tool_use: true },
		],
		["nothing said", {}, undefined],
	])("the choice %s", (_name, request, choice) => {
		expect(translated({ tools: [tool("f"), tool("g")], ...request }).body.tool_choice).toEqual(choice as never);
	});

	test("only the allowed tools are offered", () => {
		const { body } = translated({
			tools: [tool("f"), tool("g"), tool("h")],
			tool_choice: {
				type: "allowed_tools",
				allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "g" } }] },
			},
		});
		expect(body).toMatchObject({ tools: [{ name: "g" }], tool_choice: { type: "any" } });
		expect(body.tools).toHaveLength(1);
	});

	test.each(["claude-opus-5-5", "claude-sonnet-5-5-20261001", "claude-fable-5-1"])(
		"%s cannot be made to call a tool: the wish is refused by name",
		(model) => {
			expect(() => translated({ tools: [tool("f")], tool_choice: "required" }, { model })).toThrow(
				expect.objectContaining({ status: 400, param: "tool_choice", code: "unsupported_parameter" }),
			);
		},
	);

	test("a forced tool that does not exist is refused", () => {
		expect(() => translated({ tool_choice: "required" })).toThrow("there is none to call");
	});

	test("vendor tools keep their type, get their name and their header", () => {
		const { body, headers } = translated({
			tools: [
				{ type: "web_search_20250305", name: "web_search", max_uses: 2 },
				{ type: "computer_20250124", display_width_px: 10, display_height_px: 10 },
				{ type: "text_editor_20250728" },
				{ type: "code_execution_20250825" },
				{ type: "computer_toolset_20260801" },
			],
		});
		expect(body.tools).toEqual([
			{ type: "web_search_20250305", name: "web_search", max_uses: 2 },
			{ type: "computer_20250124", name: "computer", display_width_px: 10, display_height_px: 10 },
			{ type: "text_editor_20250728", name: "str_replace_based_edit_tool" },
			{ type: "code_execution_20250825", name: "code_execution" },
			{ type: "computer_toolset_20260801" },
		]);
		expect(headers).toEqual({ "anthropic-beta": "computer-use-2025-01-24,code-execution-2025-08-25" });
		expect(() => translated({ tools: [{ type: "google_search" }] })).toThrow("no tool of the type 'google_search'");
	});

	test("the search of chat and of Responses is Anthropic's web search", () => {
		const place = { type: "approximate", approximate: { city: "Bern", country: "CH" } };
		const { body, dropped } = translated({ web_search_options: { user_location: place, search_context_size: "low" } });
		const search = {
			type: "web_search_20250305",
			name: "web_search",
			user_location: { type: "approximate", city: "Bern", country: "CH" },
		};
		expect(body.tools).toEqual([search]);
		expect(dropped).toEqual(["web_search_options.search_context_size"]);
		const responses = { type: "web_search", filters: { allowed_domains: ["a.b"] }, user_location: place.approximate };
		expect(translated({ tools: [responses] }).body.tools).toEqual([{ ...search, allowed_domains: ["a.b"] }]);
	});

	test("custom tools are functions there and custom here", () => {
		const translation = translated({ tools: [{ type: "custom", custom: { name: "sql", description: "Runs SQL" } }] });
		expect(translation.body.tools).toMatchObject([{ name: "sql", input_schema: { required: ["input"] } }]);
		const block = { type: "tool_use", id: "t1", name: "sql", input: { input: "SELECT 1" } };
		const whole = translation.whole(message([block], { stop_reason: "tool_use" })) ?? {};
		expect(whole).toMatchObject({
			choices: [
				{ message: { tool_calls: [{ id: "t1", type: "custom", custom: { name: "sql", input: "SELECT 1" } }] } },
			],
		});
		const events = streamed(translation, [
			{ type: "message_start", message: message([]) },
			{ type: "content_block_start", index: 0, content_block: { ...block, input: {} } },
			{ type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: '{"input":"SELE' } },
			{ type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: 'CT 1"}' } },
			{ type: "content_block_stop", index: 0 },
			{ type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 9 } },
			{ type: "message_stop" },
		]);
		expect(saidStreamed(events).calls).toEqual(saidWhole(whole).calls as never);
		expect(JSON.stringify(events)).toContain("custom");
	});

	test("old functions are answered in old words, one call at a time", () => {
		const translation = translated({ functions: [{ name: "f", parameters }], function_call: { name: "f" } });
		expect(translation.body.tool_choice).toEqual({ type: "tool", name: "f", disable_parallel_tool_use: true });
		const answer = message([{ type: "tool_use", id: "t", name: "f", input: { a: 1 } }], { stop_reason: "tool_use" });
		expect(translation.whole(answer)).toMatchObject({
			choices: [{ finish_reason: "function_call", message: { function_call: { name: "f", arguments: '{"a":1}' } } }],
		});
	});

	test("a conversation that has called tools names them even when none are offered", () => {
		const messages = [
			{ role: "user", content: "a" },
			{ role: "assistant", tool_calls: [{ id: "x", type: "function", function: { name: "f", arguments: "{}" } }] },
			{ role: "tool", tool_call_id: "x", content: "1" },
		];
		expect(translated({ messages }).body).toMatchObject({
			tools: [{ name: "f", input_schema: { type: "object" } }],
			tool_choice: { type: "none" },
		});
	});

	test("fields of Anthropic's own stand beside OpenAI's; unknown ones are named", () => {
		const { body, dropped } = translated({ tools: [{ ...tool("f"), eager_input_streaming: true, shiny: 1 }] });
		expect(body.tools).toMatchObject([{ name: "f", eager_input_streaming: true }]);
		expect(dropped).toEqual(["tools[].shiny"]);
	});
});

describe("the form of the answer", () => {
	const format = (schema: JsonObject) => ({
		response_format: { type: "json_schema", json_schema: { name: "place", schema, strict: true } },
	});

	test("is a structured output where the model has them", () => {
		const { body, dropped, headers } = translated(format({ ...parameters, additionalProperties: false }));
		expect(body.output_config).toEqual({
			format: { type: "json_schema", schema: { ...parameters, additionalProperties: false } },
		});
		expect(body.tools).toBeUndefined();
		expect([dropped, headers]).toEqual([[], undefined]);
	});

	test("bounds it does not enforce are told in descriptions and named", () => {
		const schema = { type: "object", properties: { age: { type: "integer", minimum: 0, description: "Years." } } };
		const { body, dropped } = translated(format(schema));
		expect(body.output_config).toEqual({
			format: {
				type: "json_schema",
				schema: {
					type: "object",
					properties: { age: { type: "integer", description: "Years. (minimum: 0)" } },
					additionalProperties: false,
				},
			},
		});
		expect(dropped).toEqual(["response_format.json_schema.schema.minimum"]);
	});

	test.each<[string, JsonObject, string | undefined]>([
		["an older model", parameters, OLD],
		[
			"a map",
			{ type: "object", properties: { m: { type: "object", additionalProperties: { type: "number" } } } },
			undefined,
		],
		[
			"a schema that holds itself",
			{
				type: "object",
				properties: { n: { $ref: "#/$defs/n" } },
				$defs: { n: { type: "object", properties: { n: { $ref: "#/$defs/n" } } } },
			},
			undefined,
		],
	])("%s takes the answer by a tool nobody sees", (_name, schema, model) => {
		const { body } = translated(format(schema), model === undefined ? {} : { model });
		expect(body.output_config).toBeUndefined();
		expect(body).toMatchObject({
			tools: [{ name: "json", input_schema: schema }],
			tool_choice: { type: "tool", name: "json", disable_parallel_tool_use: true },
		});
	});

	test("beside the client's tools that tool is one of them", () => {
		const { body } = translated({ tools: [tool("json")], ...format(parameters) }, { model: OLD });
		expect(body).toMatchObject({ tools: [{ name: "json" }, { name: "json_2" }], tool_choice: { type: "any" } });
		const forced = translated({ tools: [tool("f")], tool_choice: "required", ...format(parameters) }, { model: OLD });
		expect(forced.body.tools).toHaveLength(1);
	});

	test("a model that thinks, or cannot be forced, is told to use it", () => {
		const thinks = translated({ reasoning_effort: "low", ...format(parameters) }, { model: OLD });
		expect(thinks.body).toMatchObject({
			tool_choice: { type: "auto" },
			thinking: { type: "enabled" },
			tools: [{ name: "json" }],
		});
		expect(JSON.stringify(thinks.body.system)).toContain("json");
		const unforced = translated(format(parameters), { model: "claude-opus-5-5", by: anthropicMessagesOnVertex });
		expect(unforced.body).toMatchObject({ tool_choice: { type: "auto" }, tools: [{ name: "json" }] });
	});

	test("json_object is an instruction", () => {
		const { body, dropped } = translated({ response_format: { type: "json_object" } });
		expect(JSON.stringify(body.system)).toContain("one JSON object");
		expect(dropped).toEqual([]);
		expect(() => translated({ response_format: { type: "grammar" } })).toThrow("'grammar'");
	});

	const json = { type: "tool_use", id: "t", name: "json", input: { city: "Bern" } };

	test("the tool's input is the text, whole and streamed, and what is said beside it is left out", () => {
		const translation = translated(format(parameters), { model: OLD });
		const whole = saidWhole(
			translation.whole(message([{ type: "text", text: "Here:" }, json], { stop_reason: "tool_use" })) ?? {},
		);
		expect(whole).toMatchObject({ text: '{"city":"Bern"}', calls: [], finish: "stop" });
		const events = streamed(translation, [
			{ type: "message_start", message: message([]) },
			{ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
			{ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Here:" } },
			{ type: "content_block_stop", index: 0 },
			{ type: "content_block_start", index: 1, content_block: { ...json, input: {} } },
			{ type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: '{"city":' } },
			{ type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: '"Bern"}' } },
			{ type: "content_block_stop", index: 1 },
			{ type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 5 } },
			{ type: "message_stop" },
		]);
		expect(saidStreamed(events)).toEqual(whole);
	});

	test("a model that answers in text after all is heard", () => {
		const translation = translated(format(parameters), { model: OLD });
		const whole = saidWhole(translation.whole(message([{ type: "text", text: "No." }])) ?? {});
		expect(whole).toMatchObject({ text: "No.", finish: "stop" });
		const events = streamed(translation, [
			{ type: "message_start", message: message([]) },
			{ type: "content_block_start", index: 0, content_block: { type: "text", text: "No." } },
			{ type: "message_delta", delta: { stop_reason: "end_turn" } },
			{ type: "message_stop" },
		]);
		expect(saidStreamed(events).text).toBe("No.");
	});

	test("a call of the client's own tool is a call", () => {
		const translation = translated({ tools: [tool("f")], ...format(parameters) }, { model: OLD });
		const answer = message([{ type: "tool_use", id: "t", name: "f", input: {} }], { stop_reason: "tool_use" });
		expect(saidWhole(translation.whole(answer) ?? {})).toMatchObject({ calls: [{ name: "f" }], finish: "tool_calls" });
	});
});

describe("closing a schema", () => {
	test.each<[string, JsonObject, boolean]>([
		["plain objects", parameters, true],
		[
			"objects below objects and lists",
			{ type: "object", properties: { l: { type: "array", items: parameters } } },
			true,
		],
		["definitions", { type: "object", properties: { p: { $ref: "#/$defs/p" } }, $defs: { p: parameters } }, true],
		["alternatives", { type: "object", properties: { p: { oneOf: [{ type: "null" }, parameters] } } }, true],
		["an object of any shape", { type: "object", properties: { p: { type: "object" } } }, false],
		["names by a pattern", { type: "object", properties: { p: { patternProperties: { a: {} } } } }, false],
		["a reference elsewhere", { type: "object", properties: { p: { $ref: "https://a/b" } } }, false],
		["a list at the top", { type: "array", items: parameters }, false],
	])("%s", (_name, schema, possible) => {
		const closed = closeSchema(schema);
		expect(closed !== undefined).toBe(possible);
		const objectsOf = (value: unknown): unknown[] =>
			typeof value === "object" && value !== null
				? [...("properties" in value ? [value] : []), ...Object.values(value).flatMap(objectsOf)]
				: [];
		expect(objectsOf(closed?.schema).every((object) => (object as JsonObject).additionalProperties === false)).toBe(
			true,
		);
	});
});
