import { describe, expect, test } from "bun:test";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { contentsOf, FLASH_3, FLASH_25, list, obj, translate } from "./support.ts";

const PNG = "iVBORw0KGgoAAAANSUhEUg==";
const PDF = "JVBERi0xLjQK";

function userParts(content: JsonValue, on: "gemini" | "vertex" = "gemini"): JsonValue | undefined {
	return list(contentsOf([{ role: "user", content }], FLASH_3, on))[0]?.parts;
}

function call(id: string, name: string, args = "{}"): JsonObject {
	return { id, type: "function", function: { name, arguments: args } };
}

describe("roles", () => {
	test("leading instructions are the system instruction, in order", () => {
		const { body } = translate({
			messages: [
				{ role: "system", content: "One" },
				{ role: "developer", content: [{ type: "text", text: "Two" }] },
				{ role: "user", content: "Hi" },
			],
		});
		expect(body.systemInstruction).toEqual({ parts: [{ text: "One" }, { text: "Two" }] });
		expect(body.contents).toEqual([{ role: "user", parts: [{ text: "Hi" }] }]);
	});

	test("a later instruction keeps its place", () => {
		const { body } = translate({
			messages: [
				{ role: "user", content: "A" },
				{ role: "assistant", content: "B" },
				{ role: "system", content: "From now on: C" },
				{ role: "user", content: "D" },
			],
		});
		expect(body.systemInstruction).toBeUndefined();
		expect(body.contents).toEqual([
			{ role: "user", parts: [{ text: "A" }] },
			{ role: "model", parts: [{ text: "B" }] },
			{ role: "user", parts: [{ text: "From now on: C" }, { text: "D" }] },
		]);
	});

	test("instructions alone are said by the user", () => {
		const { body } = translate({ messages: [{ role: "system", content: "Write a poem." }] });
		expect(body).toEqual({ contents: [{ role: "user", parts: [{ text: "Write a poem." }] }] });
	});

	test.each([
		["nobody said anything", [{ role: "user", content: "" }]],
		[
			"there are only empty messages",
			[
				{ role: "system", content: "" },
				{ role: "user", content: [] },
			],
		],
		["there are no messages", []],
	])("where %s the model is given an opening, since it takes nothing only", (_what, messages) => {
		expect(translate({ messages }).body).toEqual({ contents: [{ role: "user", parts: [{ text: "." }] }] });
	});

	test("a conversation that the model began is given an opening", () => {
		const greeting = [
			{ role: "system", content: "Be kind." },
			{ role: "assistant", content: "Hi, how can I help?" },
			{ role: "user", content: "x" },
		];
		expect(translate({ messages: greeting }).body).toEqual({
			systemInstruction: { parts: [{ text: "Be kind." }] },
			contents: [
				{ role: "user", parts: [{ text: "." }] },
				{ role: "model", parts: [{ text: "Hi, how can I help?" }] },
				{ role: "user", parts: [{ text: "x" }] },
			],
		});
	});

	test("a model without instructions is told them by the user", () => {
		const messages = [
			{ role: "system", content: "Be brief." },
			{ role: "user", content: "Hi" },
			{ role: "assistant", content: "Yo" },
		];
		expect(translate({ messages }, "gemma-3-27b-it").body).toEqual({
			contents: [
				{ role: "user", parts: [{ text: "Be brief." }, { text: "Hi" }] },
				{ role: "model", parts: [{ text: "Yo" }] },
			],
		});
	});

	test.each([FLASH_25, "gemma-3-27b-it"])("the user speaks first, even where an assistant began (%s)", (model) => {
		const messages = [
			{ role: "assistant", content: "Welcome!" },
			{ role: "user", content: "Hi" },
		];
		expect(translate({ messages }, model).body.contents).toEqual([
			{ role: "user", parts: [{ text: "." }] },
			{ role: "model", parts: [{ text: "Welcome!" }] },
			{ role: "user", parts: [{ text: "Hi" }] },
		]);
	});

	test("neighbours of one role are one content, empty messages none", () => {
		const messages = [
			{ role: "user", content: "1" },
			{ role: "user", content: "" },
			{ role: "user", content: "2" },
			{ role: "assistant", content: null },
			{ role: "assistant", content: "3" },
			{ role: "assistant", content: "4" },
		];
		expect(contentsOf(messages)).toEqual([
			{ role: "user", parts: [{ text: "1" }, { text: "2" }] },
			{ role: "model", parts: [{ text: "3" }, { text: "4" }] },
		]);
	});

	test("names, cache marks, spoken turns and records of other providers are named", () => {
		const { dropped } = translate({
			messages: [
				{ role: "user", name: "Ann", content: "x", cache_control: { type: "ephemeral" } },
				{ role: "assistant", audio: { id: "audio_1" }, content: [{ type: "server_tool_use", id: "s" }] },
				{ role: "user", content: [{ type: "text", text: "y", cache_control: { type: "ephemeral" } }] },
			],
		});
		expect([...dropped].sort()).toEqual([
			"messages[].audio",
			"messages[].cache_control",
			"messages[].content[].cache_control",
			"messages[].content[].server_tool_use",
			"messages[].name",
		]);
	});

	test("a refusal is what the model said", () => {
		const messages = [
			{ role: "user", content: "x" },
			{ role: "assistant", content: null, refusal: "No." },
		];
		expect(list(contentsOf(messages))[1]).toEqual({ role: "model", parts: [{ text: "No." }] });
	});
});

describe("media", () => {
	const image = (url: string) => [{ type: "image_url", image_url: { url } }];
	const file = (fields: JsonObject) => [{ type: "file", file: fields }];
	const rules: readonly (readonly [string, JsonValue, JsonObject])[] = [
		["an image as data", image(`data:image/png;base64,${PNG}`), { inlineData: { mimeType: "image/png", data: PNG } }],
		["a misspelt kind", image("data:image/jpg;base64,AAAA"), { inlineData: { mimeType: "image/jpeg", data: "AAAA" } }],
		["an image without a kind", image(`data:;base64,${PNG}`), { inlineData: { mimeType: "image/png", data: PNG } }],
		[
			"an image by address",
			image("https://e.org/a/cat.WEBP?x=1"),
			{ fileData: { fileUri: "https://e.org/a/cat.WEBP?x=1", mimeType: "image/webp" } },
		],
		[
			"an image by an address that tells nothing",
			image("https://e.org/cat"),
			{ fileData: { fileUri: "https://e.org/cat", mimeType: "image/jpeg" } },
		],
		["a document", file({ file_data: PDF }), { inlineData: { mimeType: "application/pdf", data: PDF } }],
		[
			"a document with its kind",
			file({ file_data: "data:text/csv;base64,QQ==" }),
			{ inlineData: { mimeType: "text/csv", data: "QQ==" } },
		],
		[
			"a document by address",
			file({ file_url: "https://e.org/a.pdf" }),
			{ fileData: { fileUri: "https://e.org/a.pdf", mimeType: "application/pdf" } },
		],
		[
			"wav",
			[{ type: "input_audio", input_audio: { data: "QQ==", format: "wav" } }],
			{ inlineData: { mimeType: "audio/wav", data: "QQ==" } },
		],
		[
			"mp3",
			[{ type: "input_audio", input_audio: { data: "QQ==", format: "mp3" } }],
			{ inlineData: { mimeType: "audio/mp3", data: "QQ==" } },
		],
		[
			"a film",
			[{ type: "video_url", video_url: { url: "data:video/mp4;base64,QQ==" } }],
			{ inlineData: { mimeType: "video/mp4", data: "QQ==" } },
		],
	];
	test.each(rules)("%s", (_name, content, expected) => {
		expect(userParts(content)).toEqual([expected]);
		expect(userParts(content, "vertex")).toEqual([expected]);
	});

	test.each([
		["gemini", "https://www.youtube.com/watch?v=1", { fileUri: "https://www.youtube.com/watch?v=1" }],
		["vertex", "https://youtu.be/1", { fileUri: "https://youtu.be/1", mimeType: "video/mp4" }],
	] as const)("a film of YouTube's on %s", (on, url, fileData) => {
		expect(userParts([{ type: "video_url", video_url: { url } }], on)).toEqual([{ fileData }]);
	});

	test.each([
		["gemini", "files/abc", { fileUri: "https://generativelanguage.googleapis.com/v1beta/files/abc" }],
		[
			"gemini",
			"https://generativelanguage.googleapis.com/v1beta/files/abc",
			{ fileUri: "https://generativelanguage.googleapis.com/v1beta/files/abc" },
		],
		["vertex", "gs://bucket/a.pdf", { fileUri: "gs://bucket/a.pdf", mimeType: "application/pdf" }],
	] as const)("a kept file on %s: %s", (on, id, fileData) => {
		expect(userParts([{ type: "file", file: { file_id: id } }], on)).toEqual([{ fileData }]);
	});

	test("the detail of an image and the name of a file are named", () => {
		const { dropped } = translate({
			messages: [
				{
					role: "user",
					content: [
						{ type: "image_url", image_url: { url: "https://e.org/a.png", detail: "low" } },
						{ type: "image_url", image_url: { url: "https://e.org/a.png", detail: "auto" } },
						{ type: "file", file: { file_data: PDF, filename: "a.pdf" } },
					],
				},
			],
		});
		expect(dropped).toEqual(["messages[].content[].image_url.detail", "messages[].content[].file.filename"]);
	});
});

describe("tool calls and results", () => {
	const asked = { role: "user", content: "Do" };
	const calls = { role: "assistant", content: null, tool_calls: [call("b", "two", '{"x":1}'), call("a", "one", "")] };

	test("results follow the order of the calls in one content, with their names and ids", () => {
		const contents = list(
			contentsOf(
				[
					asked,
					calls,
					{ role: "tool", tool_call_id: "a", content: "plain" },
					{ role: "tool", tool_call_id: "b", content: '{"ok":true}' },
					{ role: "user", content: "And?" },
				],
				FLASH_25,
			),
		);
		expect(contents.slice(1)).toEqual([
			{
				role: "model",
				parts: [
					{ functionCall: { id: "b", name: "two", args: { x: 1 } } },
					{ functionCall: { id: "a", name: "one", args: {} } },
				],
			},
			{
				role: "user",
				parts: [
					{ functionResponse: { id: "b", name: "two", response: { ok: true } } },
					{ functionResponse: { id: "a", name: "one", response: { result: "plain" } } },
					{ text: "And?" },
				],
			},
		]);
	});

	const responses: readonly (readonly [string, JsonObject, JsonObject])[] = [
		["words", { content: "40 C" }, { result: "40 C" }],
		["an object", { content: ' {"a":[1]}' }, { a: [1] }],
		["a list", { content: "[1,2]" }, { result: "[1,2]" }],
		["a number", { content: "5" }, { result: "5" }],
		["words that begin with a brace", { content: "{not json" }, { result: "{not json" }],
		["nothing", { content: "" }, { result: "" }],
		[
			"text parts",
			{
				content: [
					{ type: "text", text: "a" },
					{ type: "text", text: "b" },
				],
			},
			{ result: "ab" },
		],
		["an error", { content: "No such city", is_error: true }, { error: "No such city" }],
		["what Gemini would take for a reference", { content: '{"$ref":"#/a"}' }, { result: '{"$ref":"#/a"}' }],
	];
	test.each(responses)("a result of %s", (_name, message, response) => {
		const messages = [asked, calls, { role: "tool", tool_call_id: "b", ...message }];
		const parts = list(list(contentsOf(messages))[2]?.parts);
		expect(obj(parts[0]?.functionResponse).response).toEqual(response);
	});

	test("an image in a result is inside for Gemini 3 and beside for older ones", () => {
		const content = [
			{ type: "text", text: "Here" },
			{ type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
		];
		const messages = [asked, calls, { role: "tool", tool_call_id: "b", content }];
		const media = { inlineData: { mimeType: "image/png", data: PNG } };
		const response = { id: "b", name: "two", response: { result: "Here" } };
		expect(list(contentsOf(messages, FLASH_3))[2]?.parts).toEqual([
			{ functionResponse: { ...response, parts: [media] } },
		]);
		expect(list(contentsOf(messages, FLASH_25))[2]?.parts).toEqual([{ functionResponse: response }, media]);
	});

	test("an image by address in a result is inside on Vertex only", () => {
		const content = [{ type: "image_url", image_url: { url: "https://e.org/a.png" } }];
		const messages = [asked, calls, { role: "tool", tool_call_id: "b", content }];
		const media = { fileData: { fileUri: "https://e.org/a.png", mimeType: "image/png" } };
		expect(list(contentsOf(messages, FLASH_3))[2]?.parts).toHaveLength(2);
		expect(list(contentsOf(messages, FLASH_3, "vertex"))[2]?.parts).toEqual([
			{ functionResponse: { name: "two", response: { result: "" }, parts: [media] } },
		]);
	});

	test("ids that come again belong to the latest call", () => {
		const messages = [
			asked,
			{ role: "assistant", tool_calls: [call("0", "first")] },
			{ role: "tool", tool_call_id: "0", content: "1" },
			{ role: "assistant", tool_calls: [call("0", "second")] },
			{ role: "tool", tool_call_id: "0", content: "2" },
		];
		const names = list(contentsOf(messages)).flatMap(({ parts }) =>
			list(parts).flatMap((part) => (part.functionResponse === undefined ? [] : [obj(part.functionResponse).name])),
		);
		expect(names).toEqual(["first", "second"]);
	});

	test("Vertex is told no ids, which it refuses", () => {
		const messages = [asked, calls, { role: "tool", tool_call_id: "b", content: "x" }];
		expect(JSON.stringify(contentsOf(messages, FLASH_25, "vertex"))).not.toContain('"id"');
		expect(JSON.stringify(contentsOf(messages, FLASH_3, "vertex"))).not.toContain('"id"');
		expect(JSON.stringify(contentsOf(messages, FLASH_3))).toContain('"id":"b"');
	});

	test("the old words for functions", () => {
		const messages = [
			asked,
			{ role: "assistant", content: null, function_call: { name: "f", arguments: '{"a":1}' } },
			{ role: "function", name: "f", content: "done" },
		];
		expect(list(contentsOf(messages, FLASH_25)).slice(1)).toEqual([
			{ role: "model", parts: [{ functionCall: { id: "call_1", name: "f", args: { a: 1 } } }] },
			{ role: "user", parts: [{ functionResponse: { id: "call_1", name: "f", response: { result: "done" } } }] },
		]);
	});

	test("a custom tool's call is a function's with one field; arguments that are no JSON are shown to the model", () => {
		const messages = [
			asked,
			{
				role: "assistant",
				tool_calls: [{ id: "c", type: "custom", custom: { name: "sql", input: "select 1" } }, call("d", "f", "{oops")],
			},
		];
		expect(list(contentsOf(messages, FLASH_25))[1]?.parts).toEqual([
			{ functionCall: { id: "c", name: "sql", args: { input: "select 1" } } },
			{ functionCall: { id: "d", name: "f", args: { INVALID_JSON: "{oops" } } },
		]);
	});
});
