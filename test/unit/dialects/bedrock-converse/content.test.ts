import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { at, CLAUDE_45, calling, LLAMA, NOVA, PROFILE, refusal, translate } from "./harness.ts";

const parts = (...content: JsonObject[]): JsonObject => ({ messages: [{ role: "user", content }] });
const sent = (...content: JsonObject[]) => at(translate(parts(...content)).body, "messages", 0, "content");
const text: JsonObject = { type: "text", text: "t" };

describe("media", () => {
	test.each([
		["data:image/png;base64,AA==", "png"],
		["data:image/jpg;base64,AA==", "jpeg"],
		["data:image/webp;base64,AA==", "webp"],
		["data:;base64,/9j/4AAQ", "jpeg"],
		["data:application/octet-stream;base64,R0lGODdh", "gif"],
		["data:image/png;base64,/9j/4AAQ", "jpeg"],
	])("a picture as %s", (url, format) => {
		expect(sent({ type: "image_url", image_url: { url } })).toEqual([
			{ image: { format, source: { bytes: url.slice(url.indexOf(",") + 1) } } },
		]);
	});

	test.each([
		["an address of the web", { type: "image_url", image_url: { url: "https://example.com/a.png" } }, /data URL/],
		["an object in S3", { type: "image_url", image_url: { url: "s3://bucket/a.png" } }, /data URL/],
		["a document in S3", { type: "file", file: { file_url: "s3://bucket/a.pdf" } }, /data URL/],
		["a video in S3", { type: "video_url", video_url: { url: "s3://bucket/v.mp4" } }, /data URL/],
		[
			"an object in S3 in Bedrock's own words",
			{
				type: "document",
				document: { format: "pdf", name: "a", source: { s3Location: { uri: "s3://bucket/a.pdf" } } },
			},
			/base64/,
		],
		["a file kept elsewhere", { type: "file", file: { file_id: "file-1", filename: "a.pdf" } }, /keeps no files/],
		["a format of no model", { type: "image_url", image_url: { url: "data:image/tiff;base64,AA==" } }, /png, jpeg/],
		[
			"an archive",
			{ type: "file", file: { filename: "a.zip", file_data: "data:application/zip;base64,AA==" } },
			/pdf, csv/,
		],
		["a part nobody knows", { type: "hologram", hologram: 1 }, /'hologram'/],
		["Anthropic's call inside the content", { type: "tool_use", id: "1", name: "f", input: {} }, /'tool_use'/],
	])("refuses %s, and says what to do", (_, part, message) => {
		const refused = refusal(() => translate(parts(text, part)));
		expect(refused).toMatchObject({ status: 400, param: "messages[0].content[1]", code: "unsupported_content" });
		expect(refused?.message).toMatch(message);
	});

	test("names a wish for detail", () => {
		const picture = (detail: string) =>
			parts({ type: "image_url", image_url: { url: "data:image/png;base64,AA==", detail } });
		expect(translate(picture("high")).dropped).toEqual(["messages[].content[].image_url.detail"]);
		expect(translate(picture("auto")).dropped).toEqual([]);
	});

	test.each([
		[
			{ type: "input_audio", input_audio: { data: "AA==", format: "mp3" } },
			{ audio: { format: "mp3", source: { bytes: "AA==" } } },
		],
		[
			{ type: "input_audio", input_audio: { data: "AA==", format: "wav" } },
			{ audio: { format: "wav", source: { bytes: "AA==" } } },
		],
		[
			{ type: "video_url", video_url: { url: "data:video/3gpp;base64,AA==" } },
			{ video: { format: "three_gp", source: { bytes: "AA==" } } },
		],
		[
			{ type: "video_url", video_url: { url: "data:video/quicktime;base64,AA==" } },
			{ video: { format: "mov", source: { bytes: "AA==" } } },
		],
		[
			{ type: "file", file: { filename: "p.png", file_data: "data:image/png;base64,AA==" } },
			{ image: { format: "png", source: { bytes: "AA==" } } },
		],
	])("sound, video and pictures sent as files: %#", (part, block) => {
		expect(sent(part)).toEqual([block]);
	});
});

describe("documents", () => {
	const file = (filename: string, data: string): JsonObject => ({ type: "file", file: { filename, file_data: data } });

	test.each([
		["a.pdf", "data:application/pdf;base64,AA==", "pdf"],
		["a.csv", "data:text/csv;base64,AA==", "csv"],
		["a.doc", "data:application/msword;base64,AA==", "doc"],
		["a.docx", "AA==", "docx"],
		["a.xls", "AA==", "xls"],
		["a.xlsx", "data:application/octet-stream;base64,AA==", "xlsx"],
		["a.html", "data:text/html;base64,AA==", "html"],
		["a.txt", "data:text/plain;charset=utf-8;base64,AA==", "txt"],
		["a.md", "AA==", "md"],
		["a.json", "data:application/json;base64,AA==", "txt"],
		["a.py", "data:text/x-python;base64,AA==", "txt"],
	])("%s as %s is a %s", (name, data, format) => {
		expect(at(sent(text, file(name, data)), 1, "document")).toEqual({ format, name: "a", source: { bytes: "AA==" } });
	});

	test("have names of the letters that Bedrock allows, each once, and words beside them", () => {
		const pdf = "data:application/pdf;base64,AA==";
		const content = sent(
			file("Report_2026 (final)!.v2.pdf", pdf),
			file("Report_2026 (final)!.v2.pdf", pdf),
			file("日本.pdf", pdf),
			{ type: "file", file: { file_data: pdf } },
		) as JsonObject[];
		const names = content.flatMap((block) =>
			block.document === undefined ? [] : [String(at(block, "document", "name"))],
		);
		expect(names).toEqual(["Report 2026 (final) v2", "Report 2026 (final) v2 (2)", "Document", "Document (2)"]);
		expect(names.every((name) => /^[A-Za-z0-9()[\]-]+( [A-Za-z0-9()[\]-]+)*$/.test(name))).toBe(true);
		expect(content.filter((block) => "text" in block).length).toBe(1);
	});

	test("keep to the longest name that Bedrock allows, numbered ones too", () => {
		const pdf = file(`${"n".repeat(300)}.pdf`, "data:application/pdf;base64,AA==");
		const names = [1, 2, 3].map((index) => String(at(sent(text, pdf, pdf, pdf), index, "document", "name")));
		expect(new Set(names).size).toBe(3);
		expect(names.every((name) => name.length <= 200)).toBe(true);
	});

	test("in Anthropic's words keep their title, context and wish for citations", () => {
		expect(
			sent(text, {
				type: "document",
				source: { type: "text", media_type: "text/plain", data: "Grüße" },
				title: "Greeting",
				context: "A letter.",
				citations: { enabled: true },
			}),
		).toEqual([
			{ text: "t" },
			{
				document: {
					format: "txt",
					name: "Greeting",
					source: { bytes: Buffer.from("Grüße").toString("base64") },
					context: "A letter.",
					citations: { enabled: true },
				},
			},
		]);
	});
});

describe("parts of Bedrock and others", () => {
	test.each([
		[
			{ type: "guardContent", guardContent: { text: { text: "x", qualifiers: ["query"] } } },
			{ guardContent: { text: { text: "x", qualifiers: ["query"] } } },
		],
		[{ type: "guarded_text", text: "x" }, { guardContent: { text: { text: "x" } } }],
		[
			{
				type: "search_result",
				source: "https://e.com",
				title: "T",
				content: [{ type: "text", text: "x" }],
				citations: { enabled: true },
			},
			{ searchResult: { source: "https://e.com", title: "T", content: [{ text: "x" }], citations: { enabled: true } } },
		],
		[
			{ type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } },
			{ image: { format: "png", source: { bytes: "AA==" } } },
		],
	])("%j", (part, block) => {
		expect(sent(part)).toEqual([block] as never);
	});

	test("media in the system prompt and in an assistant's message are refused", () => {
		const image = { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } };
		const user = { role: "user", content: "a" };
		for (const messages of [
			[{ role: "system", content: [image] }, user],
			[user, { role: "assistant", content: [image] }],
		]) {
			expect(refusal(() => translate({ messages }))).toMatchObject({ code: "unsupported_content" });
		}
	});

	test("sound in a tool's result is refused", () => {
		const messages = [
			{ role: "user", content: "a" },
			{ role: "assistant", tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }] },
			{
				role: "tool",
				tool_call_id: "1",
				content: [{ type: "input_audio", input_audio: { data: "AA==", format: "wav" } }],
			},
		];
		expect(refusal(() => translate({ messages }))).toMatchObject({
			param: "messages[2].content[0]",
			code: "unsupported_content",
		});
	});

	test("a data URL that cannot be read is the client's mistake", () => {
		const refused = refusal(() => translate(parts({ type: "image_url", image_url: { url: "data:text/plain,100%" } })));
		expect(refused).toMatchObject({ status: 400, param: "messages[0].content[0]" });
	});
});

describe("cache points", () => {
	const mark = (ttl?: string): JsonObject => ({
		cache_control: { type: "ephemeral", ...(ttl === undefined ? {} : { ttl }) },
	});
	const point = (ttl?: string): JsonObject => ({
		cachePoint: { type: "default", ...(ttl === undefined ? {} : { ttl }) },
	});
	const request: JsonObject = {
		messages: [
			{ role: "system", content: [{ type: "text", text: "s", ...mark("1h") }] },
			{ role: "user", content: [{ type: "text", text: "a", ...mark() }, text] },
			{ role: "assistant", content: "b", ...mark("5m") },
			{ role: "user", content: "c" },
		],
		tools: [{ ...calling("f"), ...mark() }],
	};

	test("stand after what they close", () => {
		const { body, dropped } = translate(request, { model: CLAUDE_45 });
		expect(body.system).toEqual([{ text: "s" }, point("1h")]);
		expect(at(body, "messages", 0, "content")).toEqual([{ text: "a" }, point(), { text: "t" }]);
		expect(at(body, "messages", 1, "content")).toEqual([{ text: "b" }, point()]);
		expect(at(body, "toolConfig", "tools", 1)).toEqual(point());
		expect(dropped).toEqual([]);
	});

	test("of an hour are of five minutes, by name, for models that know no hour", () => {
		const { body, dropped } = translate(request, { model: "anthropic.claude-3-7-sonnet-20250219-v1:0" });
		expect(body.system).toEqual([{ text: "s" }, point()]);
		expect(dropped).toEqual(["messages[].content[].cache_control.ttl"]);
	});

	test("do not stand in Nova's tools or beside its tool results", () => {
		const { body, dropped } = translate(
			{
				...request,
				messages: [
					...(request.messages as JsonObject[]),
					{ role: "assistant", tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }] },
					{ role: "tool", tool_call_id: "1", content: [{ type: "text", text: "x", ...mark() }] },
				],
			},
			{ model: NOVA },
		);
		expect(body.system).toEqual([{ text: "s" }, point()]);
		expect(JSON.stringify(body.toolConfig)).not.toContain("cachePoint");
		expect(at(body, "messages", 0, "content", 1)).toEqual(point());
		expect(dropped).toEqual([
			"tools[].cache_control",
			"messages[].content[].cache_control.ttl",
			"messages[].content[].cache_control",
		]);
	});

	test("are left out by name where a model knows none, and passed on where the model is unknown", () => {
		expect(translate(request, { model: LLAMA }).dropped).toEqual([
			"tools[].cache_control",
			"messages[].content[].cache_control",
			"messages[].cache_control",
		]);
		expect(JSON.stringify(translate(request, { model: LLAMA }).body)).not.toContain("cachePoint");
		expect(translate(request, { model: PROFILE }).body.system).toEqual([{ text: "s" }, point("1h")]);
		expect(translate(request, { model: "newmaker.model-1" }).body.system).toEqual([{ text: "s" }]);
	});

	test("are four at most: the oldest turns lose theirs", () => {
		const { body, dropped } = translate({
			...request,
			messages: [
				...(request.messages as JsonObject[]),
				{ role: "assistant", content: "d", ...mark() },
				{ role: "user", content: "e", ...mark() },
			],
		});
		const counted = JSON.stringify(body).split("cachePoint").length - 1;
		expect(counted).toBe(4);
		expect(at(body, "messages", 0, "content")).toEqual([{ text: "a" }, { text: "t" }]);
		expect(at(body, "messages", 4, "content")).toEqual([{ text: "e" }, point()]);
		expect(dropped).toEqual(["messages[].content[].cache_control", "messages[].cache_control"]);
	});
});
