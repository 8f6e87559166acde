import { describe, expect, test } from "bun:test";
import { closeSchema } from "../../../../src/dialects/anthropic-messages/schema.ts";
import { anthropicMessagesOnVertex } from "../../../../src/dialects/anthropic-messages/translator.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { message, objects, saidStreamed, saidWhole, streamed, translated } from "./support.ts";

const user = (content: JsonValue) => ({ role: "user", content });
const assistant = (content: JsonValue, rest: JsonObject = {}) => ({ role: "assistant", content, ...rest });
const call = (id: string, name = "f") => ({ id, type: "function", function: { name, arguments: "{}" } });
const result = (id: string, content: JsonValue) => ({ role: "tool", tool_call_id: id, content });
const said = (text: string) => ({ type: "text", text });
const mark = { type: "ephemeral" };

function blocksOf(messages: JsonObject[], model = "claude-opus-5"): JsonObject[] {
	return objects(translated({ messages }, { model }).body.messages).flatMap(({ content }) => objects(content));
}

describe("ids of calls", () => {
	test("that a client counts anew in each turn are told apart, results with their calls", () => {
		const blocks = blocksOf([
			user("a"),
			assistant(null, { tool_calls: [call("call_0")] }),
			result("call_0", "1"),
			assistant(null, { tool_calls: [call("call_0"), call("call_0")] }),
			result("call_0", "2"),
			result("call_0", "3"),
		]);
		const ids = blocks.flatMap(({ id }) => (typeof id === "string" ? [id] : []));
		expect(ids[0]).toBe("call_0");
		expect(new Set(ids).size).toBe(3);
		expect(blocks.flatMap(({ tool_use_id: id, content }) => (id === undefined ? [] : [[id, content]]))).toEqual(
			ids.map((id, index) => [id, String(index + 1)]),
		);
	});

	test("whose result was cut out do not get the result of another turn", () => {
		const blocks = blocksOf([
			user("a"),
			assistant(null, { tool_calls: [call("call_0")] }),
			user("never mind"),
			assistant(null, { tool_calls: [call("call_0")] }),
			result("call_0", "1"),
		]);
		expect(blocks.at(-1)?.tool_use_id).toBe(blocks.at(-2)?.id ?? "");
		expect(blocks.at(-2)?.id).not.toBe("call_0");
	});

	test("a call kept both as a part and as a call is one", () => {
		const part = { type: "tool_use", id: "t", name: "f", input: {} };
		const blocks = blocksOf([user("a"), assistant([said("b"), part], { tool_calls: [call("t")] }), result("t", "1")]);
		expect(blocks.filter(({ type }) => type === "tool_use")).toEqual([part]);
	});
});

describe("a user who says nothing", () => {
	test.each<[string, JsonObject[]]>([
		["beside instructions", [{ role: "system", content: "S" }, user("")]],
		["at the end of a conversation", [user("a"), assistant("b"), user(" ")]],
		["in the middle of one", [user("a"), assistant("b"), user([]), assistant("c"), user("d")]],
	])("still has a turn: %s", (_name, messages) => {
		const turns = objects(translated({ messages }, { model: "claude-opus-5" }).body.messages);
		expect(turns.map(({ role }) => role)).toEqual(turns.map((_turn, at) => (at % 2 === 0 ? "user" : "assistant")));
		expect(turns.at(-1)?.role).toBe("user");
		expect(turns.every(({ content }) => objects(content).length > 0)).toBe(true);
		expect(JSON.stringify(turns)).toContain('"text":"."');
	});
});

describe("content", () => {
	const image = (url: string) => ({ type: "image_url", image_url: { url } });

	test.each<[string, JsonObject[], string, boolean]>([
		[
			"an image among instructions",
			[{ role: "system", content: [image("https://a.test/b.png")] }, user("a")],
			"",
			false,
		],
		["an address, on Vertex", [user([image("https://a.test/b.png")])], "fetches no images", true],
		[
			"sound that begins as WebP does",
			[user([{ type: "file", file: { file_data: "data:audio/wav;base64,UklGRqDdX9hXQVZFZm10IBAA" } }])],
			"not 'audio/wav'",
			false,
		],
	])("%s is refused under its place", (_name, messages, words, onVertex) => {
		const ask = () => translated({ messages }, onVertex ? { by: anthropicMessagesOnVertex } : {});
		expect(ask).toThrow(words);
		expect(ask).toThrow(
			expect.objectContaining({ status: 400, param: "messages[0].content[0]", code: "unsupported_content" }),
		);
	});

	test("a picture that says it is another is still told by its bytes", () => {
		const webp = "UklGRttVX4lXRUJQVlA4IBAA";
		const { body } = translated({ messages: [user([image(`data:image/png;base64,${webp}`)])] });
		expect(body.messages).toMatchObject([{ content: [{ source: { media_type: "image/webp" } }] }]);
	});
});

describe("cache marks", () => {
	test("of an empty text go to the block before it, or are named", () => {
		const { body, dropped } = translated({
			messages: [
				{ role: "system", content: [said("S"), { ...said(""), cache_control: mark }] },
				user([{ ...said(" "), cache_control: mark }, said("a")]),
				{ ...assistant(""), cache_control: mark },
			],
		});
		expect(body.system).toEqual([{ ...said("S"), cache_control: mark }]);
		expect(body.messages).toEqual([{ role: "user", content: [said("a")] }]);
		expect(dropped).toEqual(["messages[].content[].cache_control", "messages[].cache_control"]);
	});

	test("of the request are Anthropic's own, and take one of four places; Vertex has none", () => {
		const content = ["a", "b", "c", "d"].map((letter) => ({ ...said(letter), cache_control: mark }));
		const request = { cache_control: { type: "ephemeral", ttl: "1h" }, messages: [user(content)] };
		const { body, dropped } = translated(request);
		expect(body.cache_control).toEqual({ type: "ephemeral", ttl: "1h" });
		expect(JSON.stringify(body).match(/cache_control/g)).toHaveLength(4);
		expect(dropped).toEqual(["messages[].cache_control"]);
		const vertex = translated(request, { by: anthropicMessagesOnVertex });
		expect(vertex.body.cache_control).toBeUndefined();
		expect(vertex.dropped).toEqual(["cache_control"]);
	});

	test("of custom tools are kept", () => {
		const { body } = translated({ tools: [{ type: "custom", custom: { name: "c" }, cache_control: mark }] });
		expect(body.tools).toMatchObject([{ name: "c", cache_control: mark }]);
	});
});

describe("names of tools", () => {
	const name = "files.read all";
	const request = {
		tools: [{ type: "function", function: { name } }],
		tool_choice: { type: "function", function: { name } },
		messages: [user("a"), assistant(null, { tool_calls: [call("t", name)] }), result("t", "1")],
	};

	test("that Anthropic would refuse are changed wherever they stand, and back in the answer", () => {
		const translation = translated(request);
		const { tools, tool_choice: choice, messages } = translation.body;
		const wire = String(objects(tools)[0]?.name);
		expect(wire).toMatch(/^[a-zA-Z0-9_-]{1,128}$/);
		expect(choice).toMatchObject({ name: wire });
		expect(messages).toMatchObject([{}, { content: [{ name: wire }] }, {}]);
		const block = { type: "tool_use", id: "t2", name: wire, input: {} };
		const whole = saidWhole(translation.whole(message([block], { stop_reason: "tool_use" })) ?? {});
		const events = streamed(translation, [
			{ type: "message_start", message: message([]) },
			{ type: "content_block_start", index: 0, content_block: block },
			{ type: "message_stop" },
		]);
		expect([whole.calls[0]?.name, saidStreamed(events).calls[0]?.name]).toEqual([name, name]);
	});

	test("that OpenAI takes stay as they are", () => {
		const long = "a-_9".repeat(32);
		const { body } = translated({ tools: [{ type: "function", function: { name: long } }] });
		expect(body.tools).toMatchObject([{ name: long }]);
	});

	test("a tool that must be called and is not there is refused under its field", () => {
		const asked = { ...request, tool_choice: { type: "function", function: { name: "g" } } };
		expect(() => translated(asked)).toThrow(expect.objectContaining({ status: 400, param: "tool_choice" }));
	});
});

describe("grammars", () => {
	const text = { type: "string" };
	const orNull = { type: ["string", "null"] };
	const schemaOf = (count: number, value: JsonObject, required = true): JsonObject => {
		const names = Array.from({ length: count }, (_none, index) => `p${index}`);
		const properties = Object.fromEntries(names.map((name) => [name, value]));
		return { type: "object", properties, required: required ? names : [], additionalProperties: false };
	};
	const strict = (name: string, parameters: JsonObject) => ({
		type: "function",
		function: { name, strict: true, parameters },
	});
	const format = (schema: JsonObject) => ({
		response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } },
	});
	const strictOnes = (tools: JsonValue | undefined) =>
		objects(tools).flatMap((tool) => (tool.strict ? [tool.name] : []));

	test("no more than twenty tools are strict", () => {
		const tools = Array.from({ length: 22 }, (_none, index) => strict(`t${index}`, schemaOf(1, text)));
		const { body, dropped } = translated({ tools });
		expect([objects(body.tools).length, strictOnes(body.tools).length]).toEqual([22, 20]);
		expect(dropped).toEqual(["tools[].function.strict"]);
	});

	test("what the answer takes of their room is not there for the tools", () => {
		const tools = [strict("f", schemaOf(10, orNull)), strict("g", schemaOf(4, orNull))];
		const { body, dropped } = translated({ tools, ...format(schemaOf(10, orNull)) });
		expect(body.output_config).toBeDefined();
		expect(strictOnes(body.tools)).toEqual(["g"]);
		expect(dropped).toEqual(["tools[].function.strict"]);
	});

	test.each<[string, JsonObject]>([
		["too many values of more than one type", schemaOf(17, orNull)],
		["too many values that may be missing", schemaOf(25, text, false)],
	])("an answer with %s is taken by a tool", (_name, schema) => {
		const { body, dropped } = translated(format(schema));
		expect(body.output_config).toBeUndefined();
		expect(body).toMatchObject({ tools: [{ name: "json", input_schema: schema }], tool_choice: { name: "json" } });
		expect(dropped).toEqual(["response_format.json_schema.strict"]);
	});

	test("a schema that is nothing but a reference is the schema it refers to", () => {
		const place = { type: "object", properties: { city: { $ref: "#/definitions/city" } }, required: ["city"] };
		const schema = { $ref: "#/definitions/place", definitions: { place, city: text } };
		const { body } = translated(format(schema));
		expect(body.output_config).toMatchObject({
			format: { schema: { ...place, additionalProperties: false, definitions: { city: text } } },
		});
		const tool = translated({ tools: [strict("f", schema)] }).body.tools;
		expect(tool).toMatchObject([{ strict: true, input_schema: { type: "object", required: ["city"] } }]);
	});

	test("a schema that is a choice of several is told in words, as no tool takes it", () => {
		const schema = { anyOf: [schemaOf(1, text), schemaOf(2, text)] };
		const { body, dropped } = translated(format(schema), { model: "claude-sonnet-4-20250514" });
		expect(body.tools).toBeUndefined();
		expect(JSON.stringify(body.system)).toContain("anyOf");
		expect(dropped).toEqual(["response_format.json_schema.strict"]);
	});

	test.each<[string, JsonObject, JsonObject | undefined]>([
		[
			"one schema in allOf is that schema",
			{ allOf: [{ $ref: "#/$defs/a" }], description: "d" },
			{ $ref: "#/$defs/a", description: "d" },
		],
		["several in allOf cannot be closed", { allOf: [schemaOf(1, text), schemaOf(2, text)] }, undefined],
		[
			"a choice of objects is not closed itself",
			{ type: "object", anyOf: [schemaOf(1, text)] },
			{ anyOf: [schemaOf(1, text)] },
		],
		["properties beside a choice cannot be closed", { ...schemaOf(1, text), anyOf: [schemaOf(2, text)] }, undefined],
		["an object that says it is open stays open", { ...schemaOf(1, text), additionalProperties: true }, undefined],
	])("%s", (_name, value, expected) => {
		const $defs = { a: schemaOf(1, text) };
		const closed = closeSchema({ type: "object", properties: { p: value }, $defs });
		expect(objects([closed?.schema.properties ?? null])[0]?.p).toEqual(expected as never);
	});

	test("a model that does not think, wished for or not, is made to use the tool", () => {
		const { body, dropped } = translated(
			{ reasoning_effort: "high", ...format(schemaOf(1, text)) },
			{ model: "claude-3-5-sonnet-20241022" },
		);
		expect(body.tool_choice).toMatchObject({ type: "tool", name: "json" });
		expect(dropped).toContain("reasoning_effort");
	});
});

describe("thinking that is tied to what was before it", () => {
	const thought = { type: "reasoning.text", format: "anthropic-claude-v1", text: "hm", signature: "s" };
	const messages = [user("a"), assistant("b", { reasoning_details: [thought] }), user("c")];
	const dropping = { block_binding: { prefix_mismatch_behavior: "drop_block" } };

	test.each<[string, JsonObject, JsonObject]>([
		["claude-opus-5-5", {}, { type: "adaptive", ...dropping }],
		["claude-fable-5-1", { reasoning_effort: "low" }, { type: "adaptive", display: "summarized", ...dropping }],
		["claude-sonnet-6", {}, { type: "adaptive", ...dropping }],
		["claude-sonnet-5-5", { reasoning_effort: "none" }, { type: "between_tools" }],
	])("is left out by %s where that has changed", (model, request, thinking) => {
		const { body, headers } = translated({ messages, ...request }, { model });
		expect(body.thinking).toEqual(thinking);
		expect(JSON.stringify(body.messages)).toContain('"signature":"s"');
		expect(headers).toEqual(
			"block_binding" in thinking ? { "anthropic-beta": "thinking-binding-controls-2026-08-01" } : undefined,
		);
	});

	test.each<[string, JsonObject[]]>([
		["claude-opus-5", messages],
		["claude-newest", messages],
		["claude-opus-5-5", [user("a")]],
	])("is nothing to say to %s where it does not matter", (model, asked) => {
		const { body, headers } = translated({ messages: asked }, { model });
		expect([body.thinking, headers]).toEqual([undefined, undefined]);
	});

	test("is not sent where thinking is switched off", () => {
		const { body } = translated({ messages, reasoning_effort: "none" }, { model: "claude-haiku-5-5" });
		expect(body.thinking).toEqual({ type: "disabled" });
		expect(JSON.stringify(body.messages)).not.toContain("thinking");
	});
});
