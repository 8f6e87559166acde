import { describe, expect, test } from "bun:test";
import { readChatRequest } from "../../../src/dialects/chat-hub/request.ts";
import { inlineMedia, mediaReferences } from "../../../src/gateway/inline-media.ts";
import type { JsonObject } from "../../../src/lib/json-types.ts";

const ADDRESS = "https://media.example.com/x";
const DATA = "data:image/png;base64,AQID";
const MEDIA = { mediaType: "image/png", bytes: Uint8Array.of(1, 2, 3) };

const user = (...content: JsonObject[]): JsonObject => ({ messages: [{ role: "user", content }] });
const item = (...content: JsonObject[]): JsonObject => ({ input: [{ role: "user", content }] });

/** A request, the field that names the address, and the same request with the file inside. */
const SPELLINGS: readonly (readonly [string, JsonObject, string, JsonObject])[] = [
	[
		"image_url",
		user({ type: "image_url", image_url: { url: ADDRESS, detail: "low" }, cache_control: { type: "ephemeral" } }),
		"messages[0].content[0].image_url.url",
		user({ type: "image_url", image_url: { url: DATA, detail: "low" }, cache_control: { type: "ephemeral" } }),
	],
	[
		"image_url, flat",
		user({ type: "text", text: "?" }, { type: "image_url", image_url: ADDRESS }),
		"messages[0].content[1].image_url",
		user({ type: "text", text: "?" }, { type: "image_url", image_url: DATA }),
	],
	[
		"file",
		user({ type: "file", file: { filename: "a.pdf", file_url: ADDRESS } }),
		"messages[0].content[0].file.file_url",
		user({ type: "file", file: { filename: "a.pdf", file_data: DATA } }),
	],
	[
		"file, flat",
		user({ type: "file", file_url: ADDRESS }),
		"messages[0].content[0].file_url",
		user({ type: "file", file_data: DATA }),
	],
	[
		"document_url",
		user({ type: "document_url", document_url: ADDRESS }),
		"messages[0].content[0].document_url",
		user({ type: "document_url", document_url: DATA }),
	],
	[
		"Anthropic's image",
		user({ type: "image", source: { type: "url", url: ADDRESS } }),
		"messages[0].content[0].source.url",
		user({ type: "image", source: { type: "base64", media_type: "image/png", data: "AQID" } }),
	],
	[
		"Anthropic's document",
		user({ type: "document", title: "A", source: { type: "url", url: ADDRESS } }),
		"messages[0].content[0].source.url",
		user({ type: "document", title: "A", source: { type: "base64", media_type: "image/png", data: "AQID" } }),
	],
	[
		"a tool's result",
		{
			messages: [
				{ role: "user", content: "Look." },
				{ role: "tool", tool_call_id: "call_1", content: [{ type: "image_url", image_url: { url: ADDRESS } }] },
			],
		},
		"messages[1].content[0].image_url.url",
		{
			messages: [
				{ role: "user", content: "Look." },
				{ role: "tool", tool_call_id: "call_1", content: [{ type: "image_url", image_url: { url: DATA } }] },
			],
		},
	],
	[
		"input_image",
		item({ type: "input_image", image_url: ADDRESS, detail: "auto" }),
		"input[0].content[0].image_url",
		item({ type: "input_image", image_url: DATA, detail: "auto" }),
	],
	[
		"input_file",
		item({ type: "input_file", file_url: ADDRESS, filename: "a.pdf" }),
		"input[0].content[0].file_url",
		item({ type: "input_file", filename: "a.pdf", file_data: DATA }),
	],
	[
		"the output of a function",
		{ input: [{ type: "function_call_output", call_id: "c", output: [{ type: "input_image", image_url: ADDRESS }] }] },
		"input[0].output[0].image_url",
		{ input: [{ type: "function_call_output", call_id: "c", output: [{ type: "input_image", image_url: DATA }] }] },
	],
	[
		"a screenshot",
		{ input: [{ type: "computer_call_output", output: { type: "computer_screenshot", image_url: ADDRESS } }] },
		"input[0].output.image_url",
		{ input: [{ type: "computer_call_output", output: { type: "computer_screenshot", image_url: DATA } }] },
	],
];

describe("every spelling of an address", () => {
	test.each(SPELLINGS)("%s", (_spelling, request, param, filled) => {
		const before = JSON.stringify(request);
		expect(mediaReferences(request)).toMatchObject([{ url: ADDRESS, param }]);
		expect(inlineMedia(request, () => MEDIA)).toEqual(filled);
		// The client's own request stays as it came, and a filled one names nothing any more.
		expect(JSON.stringify(request)).toBe(before);
		expect(mediaReferences(filled)).toEqual([]);
	});

	test.each(SPELLINGS.filter(([, request]) => "messages" in request))(
		"%s is read as data by every dialect",
		(_s, request) => {
			const filled = inlineMedia({ model: "m", ...request }, () => MEDIA);
			expect(JSON.stringify(readChatRequest(filled))).not.toContain(ADDRESS);
		},
	);
});

test("what is no address on the web is left to the dialect", () => {
	const parts: JsonObject[] = [
		{ type: "image_url", image_url: { url: DATA } },
		{ type: "image_url", image_url: { url: "s3://bucket/key.png" } },
		{ type: "image_url" },
		{ type: "image_url", image_url: null },
		{ type: "image_url", image_url: { url: 7 } },
		{ type: "image", source: { type: "base64", media_type: "image/png", data: "AQID" } },
		{ type: "image", source: "https://media.example.com/x" },
		{ type: "input_image", file_id: "file-1" },
		{ type: "file", file: { file_id: "file-1" } },
		{ type: "file", file: { file_data: DATA, file_url: ADDRESS } },
		{ type: "text", text: ADDRESS },
		{ type: "video_url", video_url: { url: ADDRESS } },
		{ type: "audio_url", audio_url: { url: ADDRESS } },
		{ type: "sparkle", image_url: ADDRESS },
		{},
	];
	const request = user(...parts);
	expect(mediaReferences(request)).toEqual([]);
	expect(inlineMedia(request, () => MEDIA)).toBe(request);
});

test("requests of any other shape are left alone", () => {
	for (const request of [
		{},
		{ messages: "hello" },
		{ messages: [null, 3, "x", [], { content: null }, { content: "text" }, { content: [null, 1, "x", []] }] },
		{ input: "hello" },
		{ input: { type: "input_image", image_url: ADDRESS } },
		{ tools: [{ type: "image_url", image_url: ADDRESS }] },
	] as JsonObject[]) {
		expect(mediaReferences(request)).toEqual([]);
		expect(inlineMedia(request, () => MEDIA)).toBe(request);
	}
});

test("only what changes is copied, and only what was fetched changes", () => {
	const [kept, named, other] = [
		{ type: "text", text: "?" },
		{ type: "image_url", image_url: { url: ADDRESS } },
		{ type: "image_url", image_url: { url: `${ADDRESS}/other` } },
	];
	const request: JsonObject = {
		messages: [
			{ role: "system", content: "Be brief." },
			{ role: "user", content: [kept, named, other] },
		],
	};
	const filled = inlineMedia(request, ({ url }) => (url === ADDRESS ? MEDIA : undefined));
	const [system, turn] = filled.messages as [JsonObject, { content: JsonObject[] }];
	expect(system).toBe((request.messages as JsonObject[])[0] as JsonObject);
	expect(turn.content[0]).toBe(kept as JsonObject);
	expect(turn.content[1]).toEqual({ type: "image_url", image_url: { url: DATA } });
	expect(turn.content[2]).toBe(other as JsonObject);
});
