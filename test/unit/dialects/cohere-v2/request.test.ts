import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../../../src/lib/errors.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { clientEvents, collect, messageOf, objects, translated } from "./harness.ts";

const USER = { role: "user", content: "Hello" };
const WEATHER = { type: "function", function: { name: "weather", parameters: { type: "object", properties: {} } } };
const TIME = { type: "function", function: { name: "time", parameters: { type: "object", properties: {} } } };
const NOTE = { type: "custom", custom: { name: "note", description: "Writes a note" } };
const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const PIXEL = "data:image/png;base64,iVBORw0KGgo=";

const base64 = (text: string) => Buffer.from(text).toString("base64");

function refusal(fields: JsonObject): { status: number; param: string | undefined; code: string | undefined } {
	try {
		translated(fields);
	} catch (error) {
		if (error instanceof GatewayError) {
			return { status: error.status, param: error.param, code: error.code };
		}
		throw error;
	}
	throw new Error("nothing was refused");
}

describe("fields", () => {
	const table: readonly (readonly [sent: JsonObject, body: JsonObject, dropped?: readonly string[]])[] = [
		[
			{ temperature: 0.5, top_p: 0.5, top_k: 40, seed: 7 },
			{ temperature: 0.5, p: 0.5, k: 40, seed: 7 },
		],
		[
			{ top_p: 1, top_k: 900 },
			{ p: 0.99, k: 500 },
		],
		[
			{ top_p: 0, top_k: -1 },
			{ p: 0.01, k: 0 },
		],
		[{ seed: -3 }, {}, ["seed"]],
		[{ temperature: 1.7 }, { temperature: 1 }, ["temperature"]],
		[{ stop: "END" }, { stop_sequences: ["END"] }],
		[
			{ stop: ["a", "b"], max_tokens: 10 },
			{ stop_sequences: ["a", "b"], max_tokens: 10 },
		],
		[{ max_completion_tokens: 20 }, { max_tokens: 20 }],
		[{ frequency_penalty: 0.4 }, { frequency_penalty: 0.4 }],
		[{ presence_penalty: 1.7 }, { presence_penalty: 1 }],
		[{ frequency_penalty: -1 }, {}, ["frequency_penalty"]],
		[{ frequency_penalty: 0, presence_penalty: 0.3 }, { presence_penalty: 0.3 }],
		[{ frequency_penalty: 0.2, presence_penalty: 0.3 }, { frequency_penalty: 0.2 }, ["presence_penalty"]],
		[{ logprobs: true, top_logprobs: 0 }, { logprobs: true }],
		[{ n: 1, user: "me", verbosity: "low" }, {}, ["user", "verbosity"]],
		[{ logit_bias: { 5: 1 }, metadata: { a: "b" }, store: true }, {}, ["logit_bias", "metadata", "store"]],
		[{ parallel_tool_calls: false, service_tier: "flex" }, {}, ["parallel_tool_calls", "service_tier"]],
		[
			{ safety_mode: "STRICT", priority: 3 },
			{ safety_mode: "STRICT", priority: 3 },
		],
		[{ citation_options: { mode: "OFF" } }, { citation_options: { mode: "OFF" } }],
		[
			{ documents: ["one", { id: "d", data: { text: "two" } }] },
			{ documents: ["one", { id: "d", data: { text: "two" } }] },
		],
		[{ made_up: 1 }, {}, ["made_up"]],
		[{ reasoning_effort: "none" }, { thinking: { type: "disabled" } }],
		[{ reasoning_effort: "low" }, { thinking: { type: "enabled", token_budget: 2_048 } }],
		[{ reasoning_effort: "high" }, { thinking: { type: "enabled" } }],
		[{ reasoning: { max_tokens: 300 } }, { thinking: { type: "enabled", token_budget: 300 } }],
		[{ reasoning: { enabled: false } }, { thinking: { type: "disabled" } }],
		[{ thinking: { type: "enabled", budget_tokens: 900 } }, { thinking: { type: "enabled", token_budget: 900 } }],
		[{ thinking: { type: "enabled", token_budget: 50 } }, { thinking: { type: "enabled", token_budget: 50 } }],
		[{ thinking: { type: "disabled" } }, { thinking: { type: "disabled" } }],
		[{ response_format: { type: "text" } }, {}],
		[{ response_format: { type: "json_object" } }, { response_format: { type: "json_object" } }],
		[
			{ response_format: { type: "json_schema", json_schema: { name: "x", schema: SCHEMA, strict: true } } },
			{ response_format: { type: "json_object", json_schema: SCHEMA } },
		],
	];
	test.each(table)("%j", (sent, body, dropped = []) => {
		const translation = translated(sent);
		expect(translation.body).toEqual({ model: "command-a-03-2025", messages: [USER], stream: false, ...body });
		expect(translation.dropped).toEqual(dropped);
	});
});

describe("what Cohere cannot do is refused by name", () => {
	const table: readonly (readonly [sent: JsonObject, param: string, code?: string])[] = [
		[{ n: 2 }, "n"],
		[{ top_logprobs: 3, logprobs: true }, "top_logprobs"],
		[{ modalities: ["text", "audio"] }, "modalities"],
		[{ web_search_options: {} }, "web_search_options"],
		[{ response_format: { type: "grammar" } }, "response_format"],
		[{ response_format: { type: "json_object" }, tools: [WEATHER] }, "response_format"],
		[{ response_format: { type: "json_object" }, documents: ["x"] }, "response_format"],
		[{ tools: [{ type: "web_search_20250305", name: "web" }] }, "tools"],
	];
	test.each(table)("%j", (sent, param) => {
		expect(refusal(sent)).toEqual({ status: 400, param, code: "unsupported_parameter" });
	});

	const parts: readonly (readonly [part: JsonObject])[] = [
		[{ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }],
		[{ type: "video_url", video_url: { url: "https://example.com/a.mp4" } }],
		[{ type: "image_url", image_url: { url: "" }, file_id: "file-1" }],
		[{ type: "file", file: { file_id: "file-1" } }],
		[{ type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0=" } }],
		[{ type: "file", file: { filename: "a.txt", file_data: "data:text/plain;base64,/w==" } }],
		[{ type: "hologram", hologram: {} }],
	];
	test.each(parts)("%j", (part) => {
		const found = refusal({ messages: [{ role: "user", content: [part] }] });
		expect(found).toEqual({ status: 400, param: "messages[0].content[0]", code: "unsupported_content" });
	});

	test("a tool that must be called and is not there", () => {
		const found = refusal({ tools: [WEATHER], tool_choice: { type: "function", function: { name: "nope" } } });
		expect(found).toMatchObject({ status: 400, param: "tool_choice" });
		expect(refusal({ tools: [], tool_choice: "required" })).toMatchObject({ status: 400, param: "tool_choice" });
	});
});

describe("tools", () => {
	const named = (name: string): JsonValue => ({ type: "function", function: { name } });
	const table: readonly (readonly [sent: JsonObject, names: readonly string[], choice: string | undefined])[] = [
		[{ tool_choice: "auto" }, ["weather", "time", "note"], undefined],
		[{}, ["weather", "time", "note"], undefined],
		[{ tool_choice: "required" }, ["weather", "time", "note"], "REQUIRED"],
		[{ tool_choice: "none" }, ["weather", "time", "note"], "NONE"],
		[{ tool_choice: named("time") }, ["time"], "REQUIRED"],
		[
			{ tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [named("weather")] } } },
			["weather"],
			undefined,
		],
		[
			{ tool_choice: { type: "allowed_tools", allowed_tools: { mode: "required", tools: [named("time")] } } },
			["time"],
			"REQUIRED",
		],
	];
	test.each(table)("%j", (sent, names, choice) => {
		const { body } = translated({ tools: [WEATHER, TIME, NOTE], ...sent });
		const functions = objects(body.tools).flatMap((tool) => objects([tool.function]));
		expect(functions.map(({ name }) => name)).toEqual([...names]);
		expect(body.tool_choice).toBe(choice);
		expect(objects(body.tools).every(({ type }) => type === "function")).toBe(true);
	});

	test("strict tools are asked for once for all", () => {
		const strict = { type: "function", function: { name: "a", parameters: SCHEMA, strict: true } };
		expect(translated({ tools: [strict, TIME] }).body.strict_tools).toBe(true);
		expect(translated({ tools: [TIME] }).body.strict_tools).toBeUndefined();
	});

	test("all are strict where one is, unless one has optional parameters only", () => {
		const strict = { type: "function", function: { ...WEATHER.function, strict: true } };
		const optional = {
			type: "function",
			function: { name: "f", parameters: { type: "object", properties: { a: {} } } },
		};
		expect(translated({ tools: [strict, TIME] }).body.strict_tools).toBe(true);
		const translation = translated({ tools: [strict, optional] });
		expect(translation.body.strict_tools).toBeUndefined();
		expect(translation.dropped).toEqual(["tools[].function.strict"]);
	});

	test("one without words and parameters says its name, since Cohere wants something said", () => {
		const [sent] = objects(translated({ tools: [WEATHER] }).body.tools);
		expect(sent?.function).toMatchObject({ name: "weather", description: "weather" });
	});

	test("a function without parameters gets an empty object of them, and a custom tool one text field", () => {
		const bare = { type: "function", function: { name: "now" } };
		const { body } = translated({ tools: [bare, NOTE] });
		expect(objects(body.tools).map((tool) => objects([tool.function])[0]?.parameters)).toEqual([
			{ type: "object", properties: {} },
			{ type: "object", properties: { input: { type: "string" } }, required: ["input"], additionalProperties: false },
		]);
	});

	test("the old functions are tools", () => {
		const { body } = translated({ functions: [WEATHER.function], function_call: { name: "weather" } });
		expect(body).toMatchObject({ tools: [WEATHER], tool_choice: "REQUIRED" });
	});

	test("JSON is possible where tools may not be called, and they are named as left out", () => {
		const translation = translated({
			tools: [WEATHER],
			tool_choice: "none",
			response_format: { type: "json_object" },
		});
		expect(translation.body.tools).toBeUndefined();
		expect(translation.body.response_format).toEqual({ type: "json_object" });
		expect(translation.dropped).toEqual(["tools"]);
	});
});

describe("messages", () => {
	const table: readonly (readonly [sent: JsonObject, message: JsonObject, dropped?: readonly string[]])[] = [
		[
			{ role: "user", content: [{ type: "text", text: "a" }], name: "Ann" },
			{ role: "user", content: "a" },
			["messages[].name"],
		],
		[
			{
				role: "user",
				content: [
					{ type: "text", text: "a", cache_control: { type: "ephemeral" } },
					{ type: "image_url", image_url: { url: PIXEL, detail: "low" } },
					{ type: "image_url", image_url: { url: "https://example.com/a.png" } },
				],
			},
			{
				role: "user",
				content: [
					{ type: "text", text: "a" },
					{ type: "image_url", image_url: { url: PIXEL, detail: "low" } },
					{ type: "image_url", image_url: { url: "https://example.com/a.png" } },
				],
			},
			["messages[].content[].cache_control"],
		],
		[
			{ role: "assistant", content: "Hi", reasoning_content: "greet" },
			{ role: "assistant", content: "Hi" },
			["messages[].reasoning_content"],
		],
		[
			{
				role: "assistant",
				content: "Hi",
				reasoning_details: [
					{ type: "reasoning.text", format: "cohere-v2", text: "greet", index: 0 },
					{ type: "reasoning.text", format: "anthropic-claude-v1", text: "secret", signature: "s", index: 1 },
				],
			},
			{
				role: "assistant",
				content: [
					{ type: "thinking", thinking: "greet" },
					{ type: "text", text: "Hi" },
				],
			},
		],
	];
	test.each(table)("%j", (sent, message, dropped = []) => {
		const translation = translated({ messages: [sent] });
		expect(translation.body.messages).toEqual([message]);
		expect(translation.dropped).toEqual(dropped);
	});

	const rules = { role: "developer", content: "Be brief" };
	const manners = { role: "system", content: "Be kind" };
	const answer = { role: "assistant", content: "Hi" };
	test.each<[string, JsonObject[], JsonObject[]]>([
		["at the start are the system", [rules, USER], [{ role: "system", content: "Be brief" }, USER]],
		[
			"of several messages at the start are one system message, since Cohere takes one",
			[rules, manners, USER],
			[
				{
					role: "system",
					content: [
						{ type: "text", text: "Be brief" },
						{ type: "text", text: "Be kind" },
					],
				},
				USER,
			],
		],
		[
			"later are said by the user, in their place",
			[rules, USER, answer, manners, USER],
			[{ role: "system", content: "Be brief" }, USER, answer, { role: "user", content: "Be kind" }, USER],
		],
		[
			"alone have the last one said by the user",
			[rules, manners],
			[
				{ role: "system", content: "Be brief" },
				{ role: "user", content: "Be kind" },
			],
		],
		["that say nothing are left out", [{ role: "system", content: "" }, USER], [USER]],
	])("instructions %s", (_, messages, expected) => {
		expect(translated({ messages }).body.messages).toEqual(expected);
	});

	test("of nothing to send are refused", () => {
		expect(refusal({ messages: [{ role: "user", content: "" }] })).toMatchObject({ status: 400, param: "messages" });
	});

	test("a result without words is one all the same, and a call of no JSON one of an object", () => {
		const call = { id: "w:1", type: "function", function: { name: "weather", arguments: '{"city":' } };
		const { body } = translated({
			messages: [
				USER,
				{ role: "assistant", content: null, tool_calls: [call] },
				{ role: "tool", tool_call_id: "w:1", content: "" },
			],
		});
		expect(body.messages).toEqual([
			USER,
			{
				role: "assistant",
				tool_calls: [{ ...call, function: { name: "weather", arguments: '{"INVALID_JSON":"{\\"city\\":"}' } }],
			},
			{ role: "tool", tool_call_id: "w:1", content: "(no output)" },
		]);
	});

	test("every call has an id of its own, and its result the same, where a client uses one again", () => {
		const call = { id: "call_0", type: "function", function: { name: "weather", arguments: "{}" } };
		const turn = [
			{ role: "assistant", content: null, tool_calls: [call, call] },
			{ role: "tool", tool_call_id: "call_0", content: "a" },
			{ role: "tool", tool_call_id: "call_0", content: "b" },
		];
		const wire = objects(translated({ messages: [USER, ...turn, ...turn] }).body.messages);
		const asked = wire.flatMap(({ tool_calls: list }) => objects(list).map(({ id }) => id));
		expect(new Set(asked).size).toBe(4);
		expect<unknown>(wire.flatMap(({ tool_call_id: id }) => (id === undefined ? [] : [id]))).toEqual(asked);
	});

	test("names of tools that Cohere does not take are sent as others and come back as they were", () => {
		for (const name of ["get-weather", "2fast", "a.b", "x-1", "x_1"]) {
			const tool = { type: "function", function: { name, parameters: { type: "object", properties: {} } } };
			const call = { id: "w:1", type: "function", function: { name, arguments: "{}" } };
			const translation = translated({
				tools: [tool],
				messages: [
					USER,
					{ role: "assistant", content: null, tool_calls: [call] },
					{ role: "tool", tool_call_id: "w:1", content: "a" },
				],
			});
			const [sent] = objects(translation.body.tools).map((each) => objects([each.function])[0]?.name);
			expect(String(sent)).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
			const [said] = objects(objects(translation.body.messages)[1]?.tool_calls);
			expect(objects([said?.function])[0]?.name).toBe(sent);
			const message = { tool_calls: [{ ...call, function: { name: sent, arguments: "{}" } }] };
			const answered = messageOf(translation.whole({ message, finish_reason: "TOOL_CALL" } as JsonObject));
			expect(objects(answered.tool_calls)).toEqual([call]);
			const events = [
				{ type: "tool-call-start", index: 0, delta: { message: { tool_calls: message.tool_calls[0] } } },
				{ type: "message-end", delta: { finish_reason: "TOOL_CALL" } },
			].map((json) => ({ name: "", data: JSON.stringify(json) }));
			expect(collect(clientEvents(events, translation)).calls[0]?.name).toBe(name);
		}
	});

	const detail = { type: "reasoning.text", format: "cohere-v2", text: "greet", index: 0 };
	const silent: readonly (readonly [sent: JsonObject, dropped?: readonly string[]])[] = [
		[{ content: null }],
		[{ content: "" }],
		[{ content: [{ type: "text", text: "" }] }],
		[{ content: null, reasoning_content: "greet" }, ["messages[].reasoning_content"]],
		[{ content: null, reasoning_content: "greet", reasoning_details: [detail] }, ["messages[].reasoning_details"]],
		[{ content: null, audio: { id: "audio_1" } }, ["messages[].audio"]],
	];
	test.each(silent)("an assistant that neither spoke nor called is left out: %j", (sent, dropped = []) => {
		const translation = translated({ messages: [USER, { role: "assistant", ...sent }, USER] });
		expect(translation.body.messages).toEqual([USER, USER]);
		expect(translation.dropped).toEqual(dropped);
	});

	test("calls and their results, with the plan that led to them", () => {
		const messages = [
			USER,
			{
				role: "assistant",
				content: null,
				reasoning_content: "I will look.",
				tool_calls: [
					{ id: "w:1", type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } },
					{ id: "w:2", type: "function", function: { name: "time", arguments: "" } },
					{ id: "n:1", type: "custom", custom: { name: "note", input: "sun" } },
				],
			},
			{ role: "tool", tool_call_id: "w:1", content: "sunny" },
			{
				role: "tool",
				tool_call_id: "w:2",
				content: [
					{ type: "text", text: "noon" },
					{ type: "file", file: { filename: "t.txt", file_data: base64("12:00") } },
				],
			},
			{
				role: "tool",
				tool_call_id: "n:1",
				content: [{ type: "document", document: { data: { text: "x" }, id: "d" } }],
			},
		];
		expect(translated({ messages, tools: [WEATHER, TIME, NOTE] }).body.messages).toEqual([
			USER,
			{
				role: "assistant",
				tool_plan: "I will look.",
				tool_calls: [
					{ id: "w:1", type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } },
					{ id: "w:2", type: "function", function: { name: "time", arguments: "{}" } },
					{ id: "n:1", type: "function", function: { name: "note", arguments: '{"input":"sun"}' } },
				],
			},
			{ role: "tool", tool_call_id: "w:1", content: "sunny" },
			{
				role: "tool",
				tool_call_id: "w:2",
				content: [
					{ type: "text", text: "noon" },
					{ type: "document", document: { data: { title: "t.txt", text: "12:00" } } },
				],
			},
			{
				role: "tool",
				tool_call_id: "n:1",
				content: [{ type: "document", document: { data: { text: "x" }, id: "d" } }],
			},
		]);
	});

	test("text files of a user go into the documents, after the client's own", () => {
		const content = [
			{ type: "text", text: "Sum up" },
			{ type: "file", file: { filename: "a.md", file_data: `data:text/markdown;base64,${base64("# Ä")}` } },
			{ type: "file", file: { file_data: `data:application/json;base64,${base64("{}")}` } },
			{ type: "document", source: { type: "text", media_type: "text/plain", data: "b" }, title: "B" },
		];
		const { body, dropped } = translated({ messages: [{ role: "user", content }], documents: ["own"] });
		expect(body.messages).toEqual([{ role: "user", content: "Sum up" }]);
		expect(body.documents).toEqual([
			"own",
			{ data: { title: "a.md", text: "# Ä" } },
			{ data: { text: "{}" } },
			{ data: { title: "B", text: "b" } },
		]);
		expect(dropped).toEqual([]);
	});

	test("the request is not changed", () => {
		const request = {
			messages: [{ role: "user", content: [{ type: "text", text: "a" }] }],
			tools: [WEATHER],
			top_p: 1,
		};
		const before = structuredClone(request);
		translated(request);
		expect(request).toEqual(before);
	});
});
