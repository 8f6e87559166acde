import { describe, expect, test } from "bun:test";
import { anthropicMessagesOnVertex } from "../../../../src/dialects/anthropic-messages/translator.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { translated } from "./support.ts";

const user = (content: JsonValue) => ({ role: "user", content });
const assistant = (content: JsonValue, rest: JsonObject = {}) => ({ role: "assistant", content, ...rest });
const call = (id: string, args = "{}") => ({ id, type: "function", function: { name: "f", arguments: args } });
const result = (id: string, content: JsonValue, rest: JsonObject = {}) => ({
	role: "tool",
	tool_call_id: id,
	content,
	...rest,
});
const said = (text: string) => ({ type: "text", text });

function wire(messages: JsonObject[], model?: string) {
	return translated({ messages }, model === undefined ? {} : { model });
}

describe("the order of a conversation", () => {
	test("instructions at the start become the system prompt, block by block", () => {
		const { body, dropped } = wire([
			{ role: "system", content: "One" },
			{ role: "developer", content: [said("Two"), said("Three")] },
			user("Hi"),
		]);
		expect(body.system).toEqual([said("One"), said("Two"), said("Three")]);
		expect(body.messages).toEqual([{ role: "user", content: [said("Hi")] }]);
		expect(dropped).toEqual([]);
	});

	test("instructions alone are said by the user", () => {
		expect(
			wire([
				{ role: "system", content: "A" },
				{ role: "system", content: "B" },
			]).body,
		).toMatchObject({
			system: [said("A")],
			messages: [{ role: "user", content: [said("B")] }],
		});
	});

	test("turns of one role become one turn", () => {
		const { body } = wire([user("a"), user("b"), assistant("c"), assistant("d"), user("e")]);
		expect(body.messages).toEqual([
			{ role: "user", content: [said("a"), said("b")] },
			{ role: "assistant", content: [said("c"), said("d")] },
			{ role: "user", content: [said("e")] },
		]);
	});

	test("results of one round stand together in front of what the user says beside them", () => {
		const { body } = wire([
			user("go"),
			assistant(null, { tool_calls: [call("a"), call("b", '{"x":1}')] }),
			result("a", "1"),
			user("hurry"),
			result("b", "2"),
		]);
		expect(body.messages).toEqual([
			{ role: "user", content: [said("go")] },
			{
				role: "assistant",
				content: [
					{ type: "tool_use", id: "a", name: "f", input: {} },
					{ type: "tool_use", id: "b", name: "f", input: { x: 1 } },
				],
			},
			{
				role: "user",
				content: [
					{ type: "tool_result", tool_use_id: "a", content: "1" },
					{ type: "tool_result", tool_use_id: "b", content: "2" },
					said("hurry"),
				],
			},
		]);
	});

	test("a later instruction keeps its place: as a system turn where model and place allow it, else in the user's voice", () => {
		const later = { role: "developer", content: "Be brief" };
		const roles = (messages: JsonObject[], model: string) =>
			(wire(messages, model).body.messages as JsonObject[]).map(({ role }) => role);
		const fits = [user("a"), assistant("b"), user("c"), later];
		expect(roles(fits, "claude-opus-5")).toEqual(["user", "assistant", "user", "system"]);
		expect(roles(fits, "claude-opus-4-8")).toEqual(["user", "assistant", "user", "system"]);
		expect(roles(fits, "claude-sonnet-4-6")).toEqual(["user", "assistant", "user"]);
		expect(roles([user("a"), assistant("b"), later, user("c")], "claude-opus-5")).toEqual([
			"user",
			"assistant",
			"user",
		]);
		expect(wire([user("a"), assistant("b"), later, user("c")], "claude-opus-5").body.messages).toContainEqual({
			role: "user",
			content: [said("Be brief"), said("c")],
		});
		const onVertex = translated({ messages: fits }, { model: "claude-opus-5", by: anthropicMessagesOnVertex });
		expect(onVertex.body.messages).toHaveLength(3);
	});

	test("an instruction between a call and its result does not part them", () => {
		const messages = [
			user("a"),
			assistant(null, { tool_calls: [call("x")] }),
			{ role: "system", content: "s" },
			result("x", "1"),
		];
		expect(wire(messages, "claude-opus-5").body.messages).toHaveLength(3);
		expect(wire(messages, "claude-opus-5").body.messages).toContainEqual({
			role: "user",
			content: [{ type: "tool_result", tool_use_id: "x", content: "1" }, said("s")],
		});
	});

	test("a conversation that an assistant began gets a word of the user in front", () => {
		expect(wire([assistant("Welcome"), user("Hi")]).body.messages).toMatchObject([
			{ role: "user" },
			{ role: "assistant" },
			{ role: "user" },
		]);
	});

	test("no text without a letter is sent", () => {
		const { body } = wire([
			{ role: "system", content: " " },
			user([said(""), said("Hi"), said(" \n")]),
			assistant("", { tool_calls: [call("a")] }),
			result("a", ""),
		]);
		expect(body.system).toBeUndefined();
		expect(body.messages).toEqual([
			{ role: "user", content: [said("Hi")] },
			{ role: "assistant", content: [{ type: "tool_use", id: "a", name: "f", input: {} }] },
			{ role: "user", content: [{ type: "tool_result", tool_use_id: "a" }] },
		]);
		expect(() => wire([user("  ")])).toThrow("holds no text");
	});

	test("the beginning of an answer loses its white space at the end; newer models refuse it by name", () => {
		expect(wire([user("a"), assistant("Sure: \n")]).body.messages).toMatchObject([{}, { content: [said("Sure:")] }]);
		expect(() => wire([user("a"), assistant("Sure")], "claude-opus-4-6")).toThrow("does not go on with an answer");
	});

	test("ids of other providers are made plain, the same for call and result", () => {
		const { body } = wire([
			user("a"),
			assistant(null, { tool_calls: [call("functions.f:0")] }),
			result("functions.f:0", "1"),
		]);
		const [, asked, answered] = body.messages as { content: JsonObject[] }[];
		expect(asked?.content[0]?.id).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
		expect(answered?.content[0]?.tool_use_id).toBe(asked?.content[0]?.id ?? "");
	});

	test("the old words for functions become calls and results", () => {
		const { body } = wire([
			user("a"),
			assistant(null, { function_call: { name: "f", arguments: '{"x":1}' } }),
			{ role: "function", name: "f", content: "42" },
		]);
		expect(body.messages).toEqual([
			{ role: "user", content: [said("a")] },
			{ role: "assistant", content: [{ type: "tool_use", id: "call_1", name: "f", input: { x: 1 } }] },
			{ role: "user", content: [{ type: "tool_result", tool_use_id: "call_1", content: "42" }] },
		]);
	});

	test("names of speakers are left out by name", () => {
		expect(wire([{ ...user("a"), name: "Eve" }]).dropped).toEqual(["messages[].name"]);
	});
});

describe("content", () => {
	const PNG = "iVBORw0KGgoAAAANSUhEUg==";
	const PDF = Buffer.from("%PDF-1.4").toString("base64");
	const file = (data: string, filename?: string) => ({
		type: "file",
		file: { file_data: data, ...(filename === undefined ? {} : { filename }) },
	});

	test.each<[string, JsonObject, JsonObject]>([
		[
			"an image by its address",
			{ type: "image_url", image_url: { url: "https://example.com/a.png" } },
			{ type: "image", source: { type: "url", url: "https://example.com/a.png" } },
		],
		[
			"an image in the request",
			{ type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
			{ type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
		],
		[
			"an image that says it is another",
			{ type: "image_url", image_url: { url: `data:image/jpg;base64,${PNG}` } },
			{ type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
		],
		[
			"a PDF",
			file(`data:application/pdf;base64,${PDF}`, "a.pdf"),
			{ type: "document", source: { type: "base64", media_type: "application/pdf", data: PDF }, title: "a.pdf" },
		],
		[
			"a PDF without a type",
			file(PDF),
			{ type: "document", source: { type: "base64", media_type: "application/pdf", data: PDF } },
		],
		[
			"a text",
			file(`data:text/markdown;base64,${Buffer.from("# é").toString("base64")}`, "a.md"),
			{ type: "document", source: { type: "text", media_type: "text/plain", data: "# é" }, title: "a.md" },
		],
		[
			"an image sent as a file",
			file(`data:image/png;base64,${PNG}`, "a.png"),
			{ type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
		],
		[
			"a document by its address",
			{ type: "document_url", document_url: "https://example.com/a.pdf" },
			{ type: "document", source: { type: "url", url: "https://example.com/a.pdf" } },
		],
		[
			"a block of Anthropic's own",
			{ type: "search_result", source: "https://a", title: "t", content: [{ type: "text", text: "x" }] },
			{ type: "search_result", source: "https://a", title: "t", content: [{ type: "text", text: "x" }] },
		],
	])("%s is given to the model", (_name, part, block) => {
		const { body } = wire([user([part])]);
		expect(body.messages).toEqual([{ role: "user", content: [block] }]);
	});

	test("files kept at Anthropic are named by their id, with the header that allows it, and not on Vertex", () => {
		const messages = [user([{ type: "file", file: { file_id: "file_1" } }])];
		const { body, headers } = wire(messages);
		expect(body.messages).toMatchObject([
			{ content: [{ type: "document", source: { type: "file", file_id: "file_1" } }] },
		]);
		expect(headers).toEqual({ "anthropic-beta": "files-api-2025-04-14" });
		expect(() => translated({ messages }, { by: anthropicMessagesOnVertex })).toThrow("keeps no files");
	});

	test.each<[string, JsonObject]>([
		["sound", { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }],
		["video", { type: "video_url", video_url: { url: "https://example.com/a.mp4" } }],
		["a drawing no model sees", { type: "image_url", image_url: { url: "data:image/svg+xml;base64,PHN2Zz4=" } }],
		["a text processor's file", file("UEsDBA==", "a.docx")],
		["a part nobody knows", { type: "hologram" }],
	])("%s is refused under its place", (_name, part) => {
		expect(() => wire([user([said("a"), part])])).toThrow(
			expect.objectContaining({ status: 400, param: "messages[0].content[1]", code: "unsupported_content" }),
		);
	});

	test("the wish for detail is left out by name", () => {
		const part = { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "high" } };
		expect(wire([user([part])]).dropped).toEqual(["messages[].content[].image_url.detail"]);
	});

	test("results may hold images, and failures say so", () => {
		const image = { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } };
		const { body } = wire([
			user("a"),
			assistant(null, { tool_calls: [call("a")] }),
			result("a", [said("seen"), image], { is_error: true }),
		]);
		expect(body.messages).toMatchObject([
			{},
			{},
			{
				content: [
					{
						type: "tool_result",
						is_error: true,
						content: [said("seen"), { type: "image", source: { media_type: "image/png" } }],
					},
				],
			},
		]);
	});
});

describe("cache marks", () => {
	const mark = { type: "ephemeral" };
	const hour = { type: "ephemeral", ttl: "1h" };

	test("stand where the client set them; a message's mark stands on its last block", () => {
		const { body, dropped, headers } = translated({
			messages: [
				{ role: "system", content: [{ ...said("s"), cache_control: hour }] },
				{ ...user([said("a"), said("b")]), cache_control: mark },
				assistant(null, { tool_calls: [call("x")], cache_control: mark }),
				result("x", [{ ...said("r"), cache_control: mark }]),
			],
		});
		expect(body.system).toEqual([{ ...said("s"), cache_control: hour }]);
		expect(body.messages).toEqual([
			{ role: "user", content: [said("a"), { ...said("b"), cache_control: mark }] },
			{ role: "assistant", content: [{ type: "tool_use", id: "x", name: "f", input: {}, cache_control: mark }] },
			{ role: "user", content: [{ type: "tool_result", tool_use_id: "x", content: "r", cache_control: mark }] },
		]);
		expect(dropped).toEqual([]);
		expect(headers).toBeUndefined();
	});

	test("of more than four the last are kept, the others named", () => {
		const tool = { type: "function", function: { name: "f", parameters: { type: "object" } }, cache_control: mark };
		const request = {
			tools: [tool],
			messages: [
				{ role: "system", content: [{ ...said("s"), cache_control: mark }] },
				user(["a", "b", "c", "d"].map((letter) => ({ ...said(letter), cache_control: mark }))),
			],
		};
		const { body, dropped } = translated(request);
		expect(JSON.stringify(body).match(/cache_control/g)).toHaveLength(4);
		expect(dropped).toEqual(["tools[].cache_control", "messages[].cache_control"]);
		expect(JSON.stringify(request).match(/cache_control/g)).toHaveLength(6);
	});
});
