import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import {
	at,
	CLAUDE_4,
	CLAUDE_5,
	CLAUDE_45,
	calling,
	FABLE,
	GPT_OSS,
	LLAMA,
	MISTRAL,
	NOVA,
	NOVA_2,
	PROFILE,
	play,
	QWEN,
	refusal,
	translate,
} from "./harness.ts";

const F = calling("f", { type: "object", properties: { x: { type: "number" } }, required: ["x"] });
const G = calling("g");
const names = (body: JsonObject) =>
	((at(body, "toolConfig", "tools") ?? []) as JsonObject[]).map((tool) => at(tool, "toolSpec", "name"));

describe("tools", () => {
	test("are specifications with a schema of an object", () => {
		const { body } = translate({
			tools: [
				{ type: "function", function: { name: "f", description: "D", parameters: { properties: { x: {} } } } },
				{ type: "function", function: { name: "g", description: " " } },
			],
		});
		expect(body.toolConfig).toEqual({
			tools: [
				{ toolSpec: { name: "f", description: "D", inputSchema: { json: { type: "object", properties: { x: {} } } } } },
				{ toolSpec: { name: "g", inputSchema: { json: { type: "object", properties: {} } } } },
			],
		});
	});

	test("that take anything else than an object are refused by name", () => {
		const tools = [F, calling("g", { type: "string" })];
		expect(refusal(() => translate({ tools }))).toMatchObject({ status: 400, param: "tools[1].function.parameters" });
	});

	test("of the old kind are answered in the old words", () => {
		const translation = translate({ functions: [{ name: "f", parameters: {} }], function_call: { name: "f" } });
		expect(at(translation.body, "additionalModelRequestFields", "tool_choice")).toEqual({
			type: "tool",
			name: "f",
			disable_parallel_tool_use: true,
		});
		const answer = translation.whole({
			output: { message: { content: [{ toolUse: { toolUseId: "1", name: "f", input: { a: 1 } } }] } },
			stopReason: "tool_use",
		});
		expect(at(answer, "choices", 0)).toMatchObject({
			finish_reason: "function_call",
			message: { function_call: { name: "f", arguments: '{"a":1}' } },
		});
	});

	test.each([
		["dots", "files.read"],
		["128 characters", `mcp__plugin__${"x".repeat(115)}`],
		["letters of the world", "sök"],
	])("of names with %s go under plain ones and come back under their own", (_, name) => {
		const request = {
			tools: [calling(name), F],
			tool_choice: { type: "function", function: { name } },
			messages: [
				{ role: "user", content: "a" },
				{ role: "assistant", tool_calls: [{ id: "1", type: "function", function: { name, arguments: "{}" } }] },
				{ role: "tool", tool_call_id: "1", content: "x" },
			],
		};
		const translation = translate(request);
		const [wire = ""] = names(translation.body);
		expect(wire).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
		expect(at(translation.body, "toolConfig", "toolChoice")).toEqual({ tool: { name: wire } });
		expect(at(translation.body, "messages", 1, "content", 0, "toolUse", "name")).toBe(wire);
		expect(names(translate({ messages: request.messages }).body)).toEqual([wire]);
		const answer = translation.whole({
			output: { message: { content: [{ toolUse: { toolUseId: "2", name: wire, input: {} } }] } },
		});
		expect(at(answer, "choices", 0, "message", "tool_calls", 0, "function", "name")).toBe(name);
		const said = play(translation, [
			["contentBlockStart", { contentBlockIndex: 0, start: { toolUse: { toolUseId: "2", name: wire } } }],
			["messageStop", { stopReason: "tool_use" }],
		]);
		expect(said.calls[0]?.name).toBe(name);
	});

	test("are known where gpt-oss leaves a mark of its own on the name", () => {
		const called = { toolUse: { toolUseId: "1", name: "f<|channel|>commentary", input: {} } };
		const answer = translate({ tools: [F] }, { model: GPT_OSS }).whole({ output: { message: { content: [called] } } });
		expect(at(answer, "choices", 0, "message", "tool_calls", 0, "function", "name")).toBe("f");
	});

	test.each([
		["any, of none", { tool_choice: "required" }, "tool_choice"],
		[
			"any, of none allowed",
			{ tools: [F], tool_choice: { type: "allowed_tools", mode: "required", tools: [] } },
			"tool_choice",
		],
		[
			"one that is not there",
			{ tools: [F], tool_choice: { type: "function", function: { name: "x" } } },
			"tool_choice",
		],
		["an old one that is not there", { functions: [{ name: "f" }], function_call: { name: "x" } }, "function_call"],
	])("a call of %s cannot be demanded", (_, request, param) => {
		expect(refusal(() => translate(request as JsonObject))).toMatchObject({ status: 400, param });
		expect(refusal(() => translate(request as JsonObject, { model: MISTRAL }))).toMatchObject({ status: 400, param });
	});

	test("bind their arguments as long as the grammar of a request has room, by Claude's count", () => {
		const strict = (name: string, parameters: JsonObject): JsonObject => ({
			type: "function",
			function: { name, strict: true, parameters: { type: "object", additionalProperties: false, ...parameters } },
		});
		const unions = (count: number): JsonObject => ({
			properties: Object.fromEntries(
				Array.from({ length: count }, (_, index) => [`p${index}`, { type: ["string", "null"] }]),
			),
			required: Array.from({ length: count }, (_, index) => `p${index}`),
		});
		const optional = (count: number): JsonObject => ({
			properties: Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, { type: "string" }])),
		});
		const binding = (tools: JsonObject[], model: string) =>
			(at(translate({ tools }, { model }).body, "toolConfig", "tools") as JsonObject[]).filter(
				(tool) => at(tool, "toolSpec", "strict") === true,
			).length;
		const many = Array.from({ length: 25 }, (_, index) => strict(`f${index}`, { properties: {} }));
		expect(binding(many, CLAUDE_45)).toBe(20);
		expect(binding(many, QWEN)).toBe(25);
		expect(translate({ tools: many }).dropped).toEqual(["tools[].function.strict"]);
		expect(binding([strict("f", unions(10)), strict("g", unions(10)), strict("h", unions(6))], CLAUDE_45)).toBe(2);
		expect(binding([strict("f", optional(24)), strict("g", optional(1))], CLAUDE_45)).toBe(1);
	});

	test("that take free text are functions on the wire and themselves to the client, whole and streamed", () => {
		const translation = translate({
			tools: [{ type: "custom", custom: { name: "sql", description: "Runs SQL", format: { type: "text" } } }],
			messages: [
				{ role: "user", content: "a" },
				{ role: "assistant", tool_calls: [{ id: "1", type: "custom", custom: { name: "sql", input: "SELECT 1" } }] },
				{ role: "tool", tool_call_id: "1", content: "1" },
			],
		});
		expect(at(translation.body, "messages", 1, "content", 0, "toolUse", "input")).toEqual({ input: "SELECT 1" });
		expect(at(translation.body, "toolConfig", "tools", 0, "toolSpec", "inputSchema", "json", "required")).toEqual([
			"input",
		]);
		const answer = translation.whole({
			output: { message: { content: [{ toolUse: { toolUseId: "2", name: "sql", input: { input: "SELECT 2" } } }] } },
			stopReason: "tool_use",
		});
		expect(at(answer, "choices", 0, "message", "tool_calls")).toEqual([
			{ id: "2", type: "custom", custom: { name: "sql", input: "SELECT 2" } },
		]);
		const said = play(translation, [
			["contentBlockStart", { contentBlockIndex: 0, start: { toolUse: { toolUseId: "2", name: "sql" } } }],
			["contentBlockDelta", { contentBlockIndex: 0, delta: { toolUse: { input: '{"input":"SEL' } } }],
			["contentBlockDelta", { contentBlockIndex: 0, delta: { toolUse: { input: 'ECT 2"}' } } }],
			["contentBlockStop", { contentBlockIndex: 0 }],
			["messageStop", { stopReason: "tool_use" }],
		]);
		expect(said.calls).toEqual([{ id: "2", name: "sql", arguments: "SELECT 2" }]);
	});

	test.each([
		[CLAUDE_45, true, []],
		[CLAUDE_5, undefined, ["tools[].function.strict"]],
		[NOVA, undefined, ["tools[].function.strict"]],
	])("bind their arguments where %s can", (model, strict, left) => {
		const tools = [
			{
				type: "function",
				function: {
					name: "f",
					strict: true,
					parameters: { type: "object", properties: {}, additionalProperties: false },
				},
			},
		];
		const { body, dropped } = translate({ tools }, { model });
		expect(at(body, "toolConfig", "tools", 0, "toolSpec", "strict")).toBe(strict as boolean);
		expect(dropped).toEqual(left);
	});

	test.each<[string, JsonObject, JsonObject]>([
		[NOVA_2, { type: "nova_grounding" }, { toolConfig: { tools: [{ systemTool: { name: "nova_grounding" } }] } }],
		[
			PROFILE,
			{ type: "systemTool", systemTool: { name: "x" } },
			{ toolConfig: { tools: [{ systemTool: { name: "x" } }] } },
		],
		[
			CLAUDE_45,
			{ type: "computer_20250124", name: "computer", display_width_px: 1 },
			{
				additionalModelRequestFields: {
					tools: [{ type: "computer_20250124", name: "computer", display_width_px: 1 }],
					anthropic_beta: ["computer-use-2025-01-24"],
				},
			},
		],
	])("of the maker of %s go to it as they are", (model, tool, expected) => {
		expect(translate({ tools: [tool] }, { model }).body).toMatchObject(expected);
	});

	test("of nobody at Bedrock are refused by name", () => {
		expect(refusal(() => translate({ tools: [F, { type: "web_search_20250305", name: "web_search" }] }))).toMatchObject(
			{
				param: "tools[1].type",
				code: "unsupported_parameter",
			},
		);
	});
});

describe("the choice of a tool", () => {
	const named = { type: "function", function: { name: "g" } };

	test.each<[string, string, unknown, JsonObject | undefined, unknown[]]>([
		["auto", CLAUDE_45, "auto", undefined, ["f", "g"]],
		["required", CLAUDE_45, "required", { any: {} }, ["f", "g"]],
		["any, as Mistral says it", CLAUDE_45, "any", { any: {} }, ["f", "g"]],
		["a name", NOVA, named, { tool: { name: "g" } }, ["f", "g"]],
		["a name, for models that know any only: the one tool", MISTRAL, named, { any: {} }, ["g"]],
		["none", CLAUDE_45, "none", undefined, []],
		[
			"some of them",
			CLAUDE_45,
			{ type: "allowed_tools", allowed_tools: { mode: "auto", tools: [named] } },
			undefined,
			["g"],
		],
		[
			"one of some",
			CLAUDE_45,
			{ type: "allowed_tools", allowed_tools: { mode: "required", tools: [named] } },
			{ any: {} },
			["g"],
		],
	])("%s", (_, model, choice, expected, sent) => {
		const { body, dropped } = translate({ tools: [F, G], tool_choice: choice as string }, { model });
		expect(at(body, "toolConfig", "toolChoice")).toEqual(expected as JsonObject);
		expect(names(body)).toEqual(sent as string[]);
		expect(dropped).toEqual([]);
	});

	test.each([LLAMA, FABLE, "cohere.command-r-v1:0"])("cannot be forced on %s, which is said", (model) => {
		for (const tool_choice of ["required", named]) {
			expect(refusal(() => translate({ tools: [F, G], tool_choice: tool_choice as string }, { model }))).toMatchObject({
				status: 400,
				param: "tool_choice",
				code: "unsupported_parameter",
			});
		}
	});

	const history: JsonObject[] = [
		{ role: "user", content: "a" },
		{ role: "assistant", tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }] },
		{ role: "tool", tool_call_id: "1", content: "x" },
	];

	test("of none keeps the tools of a conversation that has called some, and tells the model", () => {
		const { body, dropped } = translate({ messages: history, tools: [F, G], tool_choice: "none" });
		expect(names(body)).toEqual(["f", "g"]);
		expect(at(body, "toolConfig", "toolChoice")).toBeUndefined();
		expect(JSON.stringify(body.system)).toContain("do not call any tool");
		expect(dropped).toEqual(["tool_choice"]);
	});

	test("is none without tools, and Bedrock still gets those that the conversation called", () => {
		const { body, dropped } = translate({ messages: history });
		expect(names(body)).toEqual(["f"]);
		expect(JSON.stringify(body.system)).toContain("do not call any tool");
		expect(dropped).toEqual([]);
	});

	test.each<[string, unknown, JsonObject]>([
		["auto", undefined, { type: "auto", disable_parallel_tool_use: true }],
		["required", "required", { type: "any", disable_parallel_tool_use: true }],
		["a name", named, { type: "tool", name: "g", disable_parallel_tool_use: true }],
	])("one at a time: %s", (_, choice, expected) => {
		const request = { tools: [F, G], tool_choice: choice as string, parallel_tool_calls: false };
		const { body, dropped } = translate(request);
		expect(body.additionalModelRequestFields).toEqual({ tool_choice: expected });
		expect(at(body, "toolConfig", "toolChoice")).toBeUndefined();
		expect(dropped).toEqual([]);
		expect(translate(request, { model: NOVA }).dropped).toEqual(["parallel_tool_calls"]);
	});
});

describe("an answer that keeps to a schema", () => {
	const schema: JsonObject = {
		type: "object",
		properties: { a: { type: "string" }, b: { type: "array", items: { type: "object", properties: {} } } },
		required: ["a"],
	};
	const closed: JsonObject = {
		...schema,
		properties: {
			a: { type: "string" },
			b: { type: "array", items: { type: "object", properties: {}, additionalProperties: false } },
		},
		additionalProperties: false,
	};
	const format = (given: JsonObject): JsonObject => ({
		response_format: { type: "json_schema", json_schema: { name: "n", description: "d", schema: given, strict: true } },
	});

	test.each([CLAUDE_45, FABLE, QWEN, "openai.gpt-oss-20b-1:0", "mistral.ministral-3-8b-instruct"])(
		"is bound by the grammar of %s",
		(model) => {
			const { body, dropped } = translate(format(schema), { model });
			expect(at(body, "outputConfig", "textFormat", "type")).toBe("json_schema");
			const { schema: sent, ...rest } = at(body, "outputConfig", "textFormat", "structure", "jsonSchema") as JsonObject;
			expect(JSON.parse(String(sent))).toEqual(closed);
			expect(rest).toEqual({ name: "n", description: "d" });
			expect(body.toolConfig).toBeUndefined();
			expect(dropped).toEqual([]);
		},
	);

	test.each<[string, JsonObject]>([
		["open objects", { type: "object", additionalProperties: { type: "string" } }],
		["bounds", { type: "object", properties: { a: { type: "number", minimum: 1 } } }],
		[
			"recursion",
			{
				type: "object",
				properties: { a: { $ref: "#/$defs/n" } },
				$defs: { n: { type: "object", properties: { n: { $ref: "#/$defs/n" } } } },
			},
		],
		[
			"a reference to another place than a definition",
			{
				type: "object",
				properties: { n: { type: "object", properties: { n: { $ref: "#/properties/n" } } } },
			},
		],
		[
			"more choices of type than fit",
			{
				type: "object",
				properties: {
					l: { type: "array", items: { anyOf: Array.from({ length: 17 }, () => ({ type: ["string", "null"] })) } },
				},
			},
		],
	])("goes by a tool where the grammar cannot say it: %s", (_, given) => {
		const { body, dropped } = translate(format(given));
		expect(body.outputConfig).toBeUndefined();
		expect(at(body, "toolConfig", "tools", 0, "toolSpec")).toEqual({
			name: "json",
			description: "d",
			inputSchema: { json: given },
		});
		expect(at(body, "toolConfig", "toolChoice")).toEqual({ any: {} });
		expect(dropped).toEqual([]);
	});

	test("goes by a tool that is described even where the client left that empty", () => {
		const json_schema = { name: "n", description: " ", schema };
		const { body } = translate({ response_format: { type: "json_schema", json_schema } }, { model: NOVA });
		expect(at(body, "toolConfig", "tools", 0, "toolSpec", "description")).toBe("Respond with a JSON object.");
	});

	test("goes by a tool beside the client's own, under a name that is free", () => {
		const { body } = translate({ ...format(schema), tools: [calling("json")] }, { model: NOVA });
		expect(names(body)).toEqual(["json", "json_answer"]);
		expect(at(body, "toolConfig", "toolChoice")).toEqual({ any: {} });
	});

	test("leaves the client's tools out where they may not be called, and itself where one of them must", () => {
		const none = translate({ ...format(schema), tools: [F], tool_choice: "none" }, { model: NOVA });
		expect(names(none.body)).toEqual(["json"]);
		const one = translate(
			{ ...format(schema), tools: [F], tool_choice: { type: "function", function: { name: "f" } } },
			{ model: NOVA },
		);
		expect(names(one.body)).toEqual(["f"]);
	});

	test.each<[string, JsonObject]>([
		[LLAMA, schema],
		[NOVA, { type: "array", items: {} }],
	])("is asked for in words, by name, where %s can be bound by nothing", (model, given) => {
		const { body, dropped } = translate(format(given), { model });
		expect(String(at(body, "system", 0, "text"))).toContain(JSON.stringify(given));
		expect(dropped).toEqual(["response_format"]);
	});

	test("of any JSON object is asked for in words", () => {
		const { body, dropped } = translate({ response_format: { type: "json_object" } });
		expect(String(at(body, "system", 0, "text"))).toContain("JSON object");
		expect(dropped).toEqual([]);
	});

	const byTool = () => translate({ ...format(schema), tools: [F] }, { model: CLAUDE_4 });

	test("is text with the finish of one, whatever the model says around it", () => {
		const answer = byTool().whole({
			output: {
				message: { content: [{ text: "Here:" }, { toolUse: { toolUseId: "1", name: "json", input: { a: "x" } } }] },
			},
			stopReason: "tool_use",
		});
		expect(at(answer, "choices", 0)).toMatchObject({ finish_reason: "stop", message: { content: '{"a":"x"}' } });
		expect(at(answer, "choices", 0, "message", "tool_calls")).toBeUndefined();
		const said = play(byTool(), [
			["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Here:" } }],
			["contentBlockStart", { contentBlockIndex: 1, start: { toolUse: { toolUseId: "1", name: "json" } } }],
			["contentBlockDelta", { contentBlockIndex: 1, delta: { toolUse: { input: '{"a":' } } }],
			["contentBlockDelta", { contentBlockIndex: 1, delta: { toolUse: { input: '"x"}' } } }],
			["contentBlockStop", { contentBlockIndex: 1 }],
			["contentBlockStart", { contentBlockIndex: 2, start: { toolUse: { toolUseId: "2", name: "json" } } }],
			["contentBlockDelta", { contentBlockIndex: 2, delta: { toolUse: { input: '{"a":"y"}' } } }],
			["messageStop", { stopReason: "tool_use" }],
		]);
		expect(said).toMatchObject({ text: '{"a":"x"}', calls: [], finishes: ["stop"] });
	});

	test("gives way to a call of the client's tool", () => {
		const said = play(byTool(), [
			["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Let me see." } }],
			["contentBlockStart", { contentBlockIndex: 1, start: { toolUse: { toolUseId: "1", name: "f" } } }],
			["contentBlockDelta", { contentBlockIndex: 1, delta: { toolUse: { input: '{"x":1}' } } }],
			["messageStop", { stopReason: "tool_use" }],
		]);
		expect(said).toMatchObject({
			text: "Let me see.",
			calls: [{ id: "1", name: "f", arguments: '{"x":1}' }],
			finishes: ["tool_calls"],
		});
	});
});
