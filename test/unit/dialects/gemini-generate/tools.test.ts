import { describe, expect, test } from "bun:test";
import { geminiSchema, parametersSchema } from "../../../../src/dialects/gemini-generate/schema.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import {
	bodyOf,
	collected,
	droppedOf,
	FLASH_3,
	FLASH_25,
	HELLO,
	list,
	obj,
	sse,
	streamedText,
	translate,
} from "./support.ts";

const PARAMETERS = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const WEATHER = { type: "function", function: { name: "weather", description: "The weather", parameters: PARAMETERS } };
const CLOCK = { type: "function", function: { name: "clock" } };

describe("declarations", () => {
	test("functions in one declaration list, with their JSON schema", () => {
		expect(bodyOf({ tools: [WEATHER, CLOCK] }).tools).toEqual([
			{
				functionDeclarations: [
					{ name: "weather", description: "The weather", parametersJsonSchema: PARAMETERS },
					{ name: "clock" },
				],
			},
		]);
	});

	test("the old words for tools", () => {
		expect(bodyOf({ functions: [WEATHER.function], function_call: { name: "weather" } })).toMatchObject({
			tools: [{ functionDeclarations: [{ name: "weather" }] }],
			toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["weather"] } },
		});
	});

	test("a custom tool is a function with one text", () => {
		const tools = [{ type: "custom", custom: { name: "sql", description: "Runs SQL" } }];
		expect(bodyOf({ tools }).tools).toMatchObject([
			{
				functionDeclarations: [
					{ name: "sql", parametersJsonSchema: { properties: { input: { type: "string" } }, required: ["input"] } },
				],
			},
		]);
	});

	test("strictness and cache marks are named", () => {
		const strict = {
			type: "function",
			function: { ...WEATHER.function, strict: true },
			cache_control: { type: "ephemeral" },
		};
		expect(droppedOf({ tools: [strict] })).toEqual(["tools[].function.strict", "tools[].cache_control"]);
	});
});

describe("names that Gemini does not take", () => {
	const names = ["3d-render", "-x", "mcp/files/read", "größe", `long_${"x".repeat(70)}`, "a b", ""];
	test.each(names)("%j is shown to the model under another, and called by its own", (name) => {
		const tools = [{ type: "function", function: { name } }];
		const call = { id: "c1", type: "function", function: { name, arguments: "{}" } };
		const translation = translate({
			messages: [
				{ role: "user", content: "x" },
				{ role: "assistant", content: null, tool_calls: [call] },
				{ role: "tool", tool_call_id: "c1", content: "ok" },
			],
			tools,
			tool_choice: { type: "function", function: { name } },
		});
		const [declared] = list(obj(list(translation.body.tools)[0]).functionDeclarations);
		const shown = String(declared?.name);
		expect(shown).toMatch(/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/);
		expect(translation.body).toMatchObject({
			toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: [shown] } },
			contents: [
				{ role: "user" },
				{ parts: [{ functionCall: { name: shown } }] },
				{ parts: [{ functionResponse: { name: shown } }] },
			],
		});
		const answer = { candidates: [{ content: { parts: [{ functionCall: { name: shown } }] }, finishReason: "STOP" }] };
		expect(translation.whole(answer)).toMatchObject({
			choices: [{ message: { tool_calls: [{ function: { name } }] } }],
		});
		expect(collected(streamedText(translation, sse([answer]))).choices).toMatchObject([
			{ message: { tool_calls: [{ function: { name } }] } },
		]);
	});

	test("two such names stay two, and a custom tool stays one", () => {
		const long = (end: string) => `${"x".repeat(70)}${end}`;
		const tools = [...["a/b", "a.b", "a:b", long("1"), long("2")].map(functionTool), customTool("2sql")];
		const translation = translate({ ...HELLO, tools });
		const declared = list(obj(list(translation.body.tools)[0]).functionDeclarations).map(({ name }) => String(name));
		expect(new Set(declared).size).toBe(6);
		expect(declared).toContain("a.b");
		const functionCall = { name: declared[5] ?? "", args: { input: "select 1" } };
		expect(translation.whole({ candidates: [{ content: { parts: [{ functionCall }] } }] })).toMatchObject({
			choices: [{ message: { tool_calls: [{ type: "custom", custom: { name: "2sql", input: "select 1" } }] } }],
		});
	});

	test("a list of tools that must be called names them as they are shown", () => {
		const tools = [{ type: "function", function: { name: "2fa" } }];
		const body = bodyOf({
			tools: [...tools, WEATHER],
			tool_choice: { type: "allowed_tools", allowed_tools: { mode: "required", tools } },
		});
		expect(body.toolConfig).toEqual({ functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["_2fa"] } });
	});
});

const functionTool = (name: string) => ({ type: "function", function: { name } });
const customTool = (name: string) => ({ type: "custom", custom: { name } });

describe("tools that Google runs", () => {
	const rules: readonly (readonly [JsonObject, JsonObject])[] = [
		[{ type: "google_search" }, { googleSearch: {} }],
		[
			{ type: "google_search", google_search: { exclude_domains: ["e.org"] } },
			{ googleSearch: { exclude_domains: ["e.org"] } },
		],
		[{ type: "google_search", timeRangeFilter: {} }, { googleSearch: { timeRangeFilter: {} } }],
		[{ google_search: {} }, { googleSearch: {} }],
		[{ codeExecution: {} }, { codeExecution: {} }],
		[{ type: "url_context" }, { urlContext: {} }],
		[{ type: "code_execution" }, { codeExecution: {} }],
		[
			{ type: "file_search", file_search_store_names: ["fileSearchStores/a"] },
			{ fileSearch: { file_search_store_names: ["fileSearchStores/a"] } },
		],
		[{ type: "web_search" }, { googleSearch: {} }],
	];
	test.each(rules)("%j", (tool, expected) => {
		expect(bodyOf({ tools: [tool] })).toMatchObject({ tools: [expected] });
		expect(droppedOf({ tools: [tool] })).toEqual([]);
	});

	test("settings of OpenAI's search are named", () => {
		expect(droppedOf({ tools: [{ type: "web_search", filters: {} }] })).toEqual(["tools[].filters"]);
	});

	test("with functions they must be allowed on the Gemini API, and not on Vertex", () => {
		const fields = { tools: [WEATHER, { type: "google_search" }] };
		expect(bodyOf(fields)).toMatchObject({ toolConfig: { includeServerSideToolInvocations: true } });
		expect(bodyOf(fields, FLASH_3, "vertex").toolConfig).toBeUndefined();
		expect(bodyOf(fields, FLASH_25).toolConfig).toBeUndefined();
	});

	test("no tools at all means none of Google's either", () => {
		const body = bodyOf({ tools: [WEATHER, { type: "google_search" }], tool_choice: "none", web_search_options: {} });
		expect(body.tools).toMatchObject([{ functionDeclarations: [{ name: "weather" }] }]);
		expect(body.toolConfig).toEqual({ functionCallingConfig: { mode: "NONE" } });
	});
});

describe("choices", () => {
	const allowed = (mode: string) => ({
		type: "allowed_tools",
		allowed_tools: { mode, tools: [{ type: "function", function: { name: "clock" } }] },
	});
	const rules: readonly (readonly [JsonValue, JsonObject | undefined, string[]])[] = [
		["auto", { mode: "AUTO" }, ["weather", "clock"]],
		["none", { mode: "NONE" }, ["weather", "clock"]],
		["required", { mode: "ANY" }, ["weather", "clock"]],
		[
			{ type: "function", function: { name: "clock" } },
			{ mode: "ANY", allowedFunctionNames: ["clock"] },
			["weather", "clock"],
		],
		[allowed("auto"), { mode: "AUTO" }, ["clock"]],
		[allowed("required"), { mode: "ANY", allowedFunctionNames: ["clock"] }, ["weather", "clock"]],
	];
	test.each(rules)("%j", (tool_choice, functionCallingConfig, names) => {
		const body = bodyOf({ tools: [WEATHER, CLOCK], tool_choice });
		expect(body.toolConfig).toEqual({ functionCallingConfig });
		expect(body.tools).toMatchObject([{ functionDeclarations: names.map((name) => ({ name })) }]);
	});

	test("unsaid is left to Gemini, and without functions there is nothing to choose", () => {
		expect(bodyOf({ tools: [WEATHER] }).toolConfig).toBeUndefined();
		expect(bodyOf({ tool_choice: "auto" }).toolConfig).toBeUndefined();
		expect(bodyOf({ tools: [{ type: "google_search" }], tool_choice: "auto" }).toolConfig).toBeUndefined();
	});
});

describe("schemas", () => {
	const CITY = { type: "object", properties: { name: { type: "string" } } };
	const rules: readonly (readonly [string, JsonObject, JsonObject])[] = [
		["the dialect is left out", { $schema: "http://x", type: "string" }, { type: "string" }],
		[
			"unions, references and closed objects go through",
			{
				type: "object",
				properties: { a: { anyOf: [{ type: "string" }, { type: "null" }] }, b: { $ref: "#/$defs/City" } },
				additionalProperties: false,
				$defs: { City: CITY },
			},
			{
				type: "object",
				properties: { a: { anyOf: [{ type: "string" }, { type: "null" }] }, b: { $ref: "#/$defs/City" } },
				additionalProperties: false,
				$defs: { City: CITY },
			},
		],
		[
			"a reference with words beside it is written out",
			{ type: "object", properties: { b: { $ref: "#/$defs/City", description: "Where" } }, $defs: { City: CITY } },
			{ type: "object", properties: { b: { ...CITY, description: "Where" } }, $defs: { City: CITY } },
		],
		[
			"a reference as a whole is what it refers to",
			{ $ref: "#/definitions/City", definitions: { City: CITY } },
			{ ...CITY, definitions: { City: CITY } },
		],
		[
			"a reference to itself stays one",
			{
				type: "object",
				properties: { n: { $ref: "#/$defs/N", description: "x" } },
				$defs: { N: { type: "object", properties: { next: { $ref: "#/$defs/N", description: "y" } } } },
			},
			{
				type: "object",
				properties: {
					n: { type: "object", description: "x", properties: { next: { $ref: "#/$defs/N" } } },
				},
				$defs: {
					N: {
						type: "object",
						properties: {
							next: { type: "object", description: "y", properties: { next: { $ref: "#/$defs/N" } } },
						},
					},
				},
			},
		],
		[
			"a reference to elsewhere than $defs is written out",
			{
				type: "object",
				properties: { home: CITY, work: { $ref: "#/properties/home" }, old: { $ref: "#/definitions/Old" } },
				definitions: { Old: { type: "string" } },
			},
			{
				type: "object",
				properties: { home: CITY, work: CITY, old: { type: "string" } },
				definitions: { Old: { type: "string" } },
			},
		],
		[
			"references to the whole and to themselves stay",
			{
				type: "object",
				properties: { children: { type: "array", items: { $ref: "#" } }, n: { $ref: "#/definitions/N" } },
				definitions: { N: { type: "object", properties: { next: { $ref: "#/definitions/N" } } } },
			},
			{
				type: "object",
				properties: {
					children: { type: "array", items: { $ref: "#" } },
					n: { type: "object", properties: { next: { $ref: "#/definitions/N" } } },
				},
				definitions: {
					N: {
						type: "object",
						properties: { next: { type: "object", properties: { next: { $ref: "#/definitions/N" } } } },
					},
				},
			},
		],
		[
			"all of one is that one, with the words beside it",
			{
				type: "object",
				properties: { b: { description: "Where", allOf: [{ $ref: "#/$defs/City" }] }, c: { allOf: [CITY] } },
				$defs: { City: CITY },
			},
			{ type: "object", properties: { b: { ...CITY, description: "Where" }, c: CITY }, $defs: { City: CITY } },
		],
		[
			"all of several, or of one that says otherwise, goes through",
			{ allOf: [CITY, { type: "object" }], properties: { a: { type: "object", allOf: [{ type: "string" }] } } },
			{ allOf: [CITY, { type: "object" }], properties: { a: { type: "object", allOf: [{ type: "string" }] } } },
		],
		["a constant is a list of one", { const: "a" }, { enum: ["a"] }],
		["a constant that is no word stays", { const: true }, { const: true }],
		[
			"open bounds of integers are closed",
			{ type: "integer", exclusiveMinimum: 0, exclusiveMaximum: 10 },
			{ type: "integer", minimum: 1, maximum: 9 },
		],
		["open bounds of numbers stay", { type: "number", exclusiveMinimum: 0 }, { type: "number", exclusiveMinimum: 0 }],
		[
			"a property may be called like a keyword",
			{ type: "object", properties: { const: { type: "string" }, $ref: { type: "string" } } },
			{ type: "object", properties: { const: { type: "string" }, $ref: { type: "string" } } },
		],
	];
	test.each(rules)("%s", (_name, schema, expected) => {
		expect(geminiSchema(schema)).toEqual(expected);
	});

	test.each([
		[undefined],
		[{}],
		[{ type: "object" }],
		[{ type: "object", properties: {}, required: [], additionalProperties: false }],
	])("parameters %j take nothing", (schema) => {
		expect(parametersSchema(schema)).toBeUndefined();
	});

	test.each([
		[{ properties: { a: {} } }],
		[{ type: "object", additionalProperties: { type: "string" } }],
		[{ type: "object", anyOf: [{ required: ["a"] }] }],
	])("parameters %j take something, as an object", (schema: JsonObject) => {
		expect(parametersSchema(schema)).toEqual({ ...schema, type: "object" });
	});

	test("references that multiply do not grow without end", () => {
		const $defs: JsonObject = {};
		for (let level = 0; level < 40; level += 1) {
			const next = { $ref: `#/$defs/L${level + 1}`, description: "x".repeat(100) };
			$defs[`L${level}`] = { type: "object", properties: { a: next, b: next, c: next } };
		}
		$defs.L40 = { type: "string" };
		const schema = { type: "object", properties: { a: { $ref: "#/$defs/L0", description: "x" } }, $defs };
		expect(JSON.stringify(geminiSchema(schema)).length).toBeLessThan(5_000_000);
	});
});
