import { describe, expect, test } from "bun:test";
import { createIngresses } from "../../../src/dialects/registry.ts";
import type { Envelope } from "../../../src/dialects/types.ts";
import { parseJsonBody } from "../../../src/lib/json.ts";
import type { PromptView } from "../../../src/lib/prompt-view.ts";
import { promptTokensUpperBound } from "../../../src/metering/tokens.ts";

const { chat } = createIngresses({ promptTokensUpperBound });

type Fields = Readonly<Record<string, unknown>>;

function body(fields: Fields) {
	const whole = { model: "gpt-4o", messages: [{ role: "user", content: "hi" }], ...fields };
	return { kind: "json" as const, ...parseJsonBody(Buffer.from(JSON.stringify(whole))) };
}
const read = (fields: Fields): Envelope => chat.readEnvelope(body(fields));
const textOf = (fields: Fields): PromptView => chat.promptText(body(fields));
const user = (content: unknown) => ({ messages: [{ role: "user", content }] });
const tool = (name: string) => ({ type: "function", function: { name } });

describe("a chat request that is refused, naming the field", () => {
	test.each<[string, Fields, string]>([
		["B24 no model", { model: undefined }, "model"],
		["B25 model null", { model: null }, "model"],
		["B25 model a number", { model: 1 }, "model"],
		["B25 model a list", { model: ["a"] }, "model"],
		["B25 model empty", { model: "" }, "model"],
		["B26 model of 10 KB", { model: "m".repeat(10_240) }, "model"],
		["B31 no messages", { messages: undefined }, "messages"],
		["B31 messages null", { messages: null }, "messages"],
		["B31 messages an object", { messages: {} }, "messages"],
		["B31 messages empty", { messages: [] }, "messages"],
		["B31 messages a string", { messages: "hi" }, "messages"],
		["B21 a million messages", { messages: Array.from({ length: 100_001 }, () => 0) }, "messages"],
		["a message that is text", { messages: ["hi"] }, "messages[0]"],
		["B32 no role", { messages: [{ content: "hi" }] }, "messages[0].role"],
		["B32 role root", { messages: [{ role: "root", content: "hi" }] }, "messages[0].role"],
		["role constructor", { messages: [{ role: "constructor", content: "hi" }] }, "messages[0].role"],
		["B33 content a number", user(1), "messages[0].content"],
		["B33 content a nested list", user([[{ type: "text", text: "hi" }]]), "messages[0].content[0]"],
		["B33 content null", user(null), "messages[0].content"],
		["content an object", user({ type: "text", text: "hi" }), "messages[0].content"],
		["a part that is text", user(["hi"]), "messages[0].content[0]"],
		["a text part without text", user([{ type: "text" }]), "messages[0].content[0].text"],
		["B34 an unknown part", user([{ type: "hologram" }]), "messages[0].content[0].type"],
		["a part without a type", user([{ text: "hi" }]), "messages[0].content[0].type"],
		["an image without a URL", user([{ type: "image_url", image_url: {} }]), "messages[0].content[0].image_url.url"],
		["an image part without image", user([{ type: "image_url" }]), "messages[0].content[0].image_url"],
		["B36 max_tokens -1", { max_tokens: -1 }, "max_tokens"],
		["B36 max_tokens 0", { max_tokens: 0 }, "max_tokens"],
		["B36 max_tokens 1.5", { max_tokens: 1.5 }, "max_tokens"],
		["B36 max_tokens text", { max_tokens: "10" }, "max_tokens"],
		["B36 max_tokens true", { max_tokens: true }, "max_tokens"],
		["B36 max_tokens 2^31", { max_tokens: 2 ** 31 }, "max_tokens"],
		["B36 max_completion_tokens 2^53", { max_completion_tokens: 2 ** 53 }, "max_completion_tokens"],
		["B22 20 digits", { max_tokens: 12345678901234567890n.toString() }, "max_tokens"],
		["B37 two bounds", { max_tokens: 5, max_completion_tokens: 6 }, "max_completion_tokens"],
		["B38 n 0", { n: 0 }, "n"],
		["B38 n -1", { n: -1 }, "n"],
		["B38 n a million", { n: 1e6 }, "n"],
		["B39 temperature -1", { temperature: -1 }, "temperature"],
		["B39 temperature 3", { temperature: 3 }, "temperature"],
		["B39 temperature hot", { temperature: "hot" }, "temperature"],
		["B40 top_p 2", { top_p: 2 }, "top_p"],
		["B41 stream yes", { stream: "yes" }, "stream"],
		["B41 stream 1", { stream: 1 }, "stream"],
		["B42 stream_options without stream", { stream_options: { include_usage: true } }, "stream_options"],
		["stream_options text", { stream: true, stream_options: "yes" }, "stream_options"],
		["include_usage text", { stream: true, stream_options: { include_usage: "yes" } }, "stream_options.include_usage"],
		["B43 five stops", { stop: ["a", "b", "c", "d", "e"] }, "stop"],
		["B43 stops of numbers", { stop: [1] }, "stop"],
		["B44 tools an object", { tools: {} }, "tools"],
		["B44 1,000 tools", { tools: Array.from({ length: 1_000 }, (_, at) => tool(`t${at}`)) }, "tools"],
		["a tool without a name", { tools: [{ type: "function", function: {} }] }, "tools[0].function"],
		["a tool without a type", { tools: [tool("a"), { function: { name: "b" } }] }, "tools[1]"],
		["B45 tool_choice unknown", { tools: [tool("a")], tool_choice: "sometimes" }, "tool_choice"],
		["B45 tool_choice of no kind", { tools: [tool("a")], tool_choice: { type: "any_of" } }, "tool_choice.type"],
		["B46 logit_bias 101", { logit_bias: { 50256: 101 } }, "logit_bias"],
		[
			"B46 logit_bias huge",
			{ logit_bias: Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [at, 1])) },
			"logit_bias",
		],
		["B47 response_format text", { response_format: "json" }, "response_format"],
		["B47 response_format of no kind", { response_format: { type: "yaml" } }, "response_format.type"],
		["a schema that is none", { response_format: { type: "json_schema" } }, "response_format.json_schema"],
		["B48 seed 2^64", { seed: 2 ** 64 }, "seed"],
		["seed 1.5", { seed: 1.5 }, "seed"],
		["B49 user 1 MB", { user: "u".repeat(1_000_000) }, "user"],
		[
			"B50 metadata 1,000 keys",
			{ metadata: Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [at, "x"])) },
			"metadata",
		],
		["metadata of numbers", { metadata: { a: 1 } }, "metadata"],
		["top_logprobs 21", { logprobs: true, top_logprobs: 21 }, "top_logprobs"],
		["function_call unknown", { functions: [{ name: "a" }], function_call: "sometimes" }, "function_call"],
		["modalities text", { modalities: "audio" }, "modalities"],
		...["api_base", "base_url", "api_key", "extra_headers", "extra_body", "custom_host"].map(
			(name): [string, Fields, string] => [`B52 ${name}`, { [name]: "https://evil.example" }, name],
		),
	])("%s", (_name, fields, param) => {
		expect(() => read(fields)).toThrow(
			expect.objectContaining({
				status: 400,
				type: "invalid_request_error",
				param,
				message: expect.stringContaining(param),
			}),
		);
	});

	test("B22 a number beyond all numbers", () => {
		const text = '{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":1e400}';
		const parsed = { kind: "json" as const, ...parseJsonBody(Buffer.from(text)) };
		expect(() => chat.readEnvelope(parsed)).toThrow(expect.objectContaining({ status: 400, param: "max_tokens" }));
	});

	test.each([
		"http://169.254.169.254/latest/meta-data/",
		"http://localhost:8080/",
		"http://[::1]/",
		"http://0x7f000001/",
		"http://10.0.0.1/cat.png",
		"file:///etc/passwd",
		"ftp://example.com/cat.png",
		"gopher://example.com",
		"javascript:alert(1)",
		"not a url",
		"",
	])("B35 an image at %p", (url) => {
		for (const image of [{ url }, url]) {
			expect(() => read(user([{ type: "image_url", image_url: image }]))).toThrow(
				expect.objectContaining({ status: 400, param: expect.stringContaining("messages[0].content[0].image_url") }),
			);
		}
	});

	test.each([
		["a file by address", { type: "file", file: { file_data: "file:///etc/passwd" } }],
		["a sound by address", { type: "input_audio", input_audio: { data: "http://127.0.0.1/a.wav", format: "wav" } }],
		["a video", { type: "video_url", video_url: { url: "http://192.168.0.1/v.mp4" } }],
		["a document", { type: "document_url", document_url: "ftp://example.com/a.pdf" }],
		["frames of a video", { type: "video", video: ["https://example.com/1.png", "http://10.0.0.1/2.png"] }],
		["a source", { type: "image", source: { type: "url", url: "http://metadata.google.internal/" } }],
	])("B35 %s on a private address", (_name, part) => {
		expect(() => read(user([part]))).toThrow(expect.objectContaining({ status: 400, code: "invalid_url" }));
	});
});

describe("a chat request that is accepted", () => {
	const PNG = "data:image/png;base64,iVBORw0KGgo=";

	test.each<[string, Fields]>([
		["B51 unknown fields", { brand_new: { a: [1] }, "x-y": null, top_k: 5, min_p: 0.1 }],
		[
			"B36 null is absent",
			{
				max_tokens: null,
				temperature: null,
				n: null,
				stop: null,
				tools: null,
				stream: null,
				user: null,
				response_format: null,
				logit_bias: null,
				seed: null,
				metadata: null,
				stream_options: null,
				tool_choice: null,
			},
		],
		["the largest bound", { max_completion_tokens: 2 ** 31 - 1 }],
		["equal bounds", { max_tokens: 5, max_completion_tokens: 5 }],
		[
			"the edges of ranges",
			{ temperature: 2, top_p: 0, presence_penalty: -2, frequency_penalty: 2, n: 128, seed: -(2 ** 63) },
		],
		["four stops", { stop: ["a", "b", "c", "d"] }],
		["one stop", { stop: "a" }],
		["512 tools", { tools: Array.from({ length: 512 }, (_, at) => tool(`t${at}`)) }],
		["B44 a cyclic schema", { tools: [{ type: "function", function: { name: "a", parameters: { $ref: "#" } } }] }],
		[
			"a custom tool",
			{ tools: [{ type: "custom", custom: { name: "a" } }], tool_choice: { type: "custom", custom: { name: "a" } } },
		],
		[
			"a vendor's tool",
			{ tools: [{ type: "builtin_function", function: { name: "$web_search" } }, { type: "web_search" }] },
		],
		[
			"allowed tools",
			{ tools: [tool("a")], tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [] } } },
		],
		["Mistral's any", { tools: [tool("a")], tool_choice: "any" }],
		["JSON mode", { response_format: { type: "json_object" } }],
		[
			"every role",
			{
				messages: [
					{ role: "system", content: "a" },
					{ role: "developer", content: [{ type: "text", text: "b" }] },
					{ role: "user", name: "n", content: "c" },
					{
						role: "assistant",
						content: null,
						tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }],
					},
					{ role: "tool", tool_call_id: "1", content: "d" },
					{ role: "assistant", function_call: { name: "f", arguments: "{}" } },
					{ role: "function", name: "f", content: null },
					{
						role: "assistant",
						content: [
							{ type: "refusal", refusal: "no" },
							{ type: "thinking", thinking: [] },
						],
					},
				],
			},
		],
		["an image by data", user([{ type: "image_url", image_url: { url: PNG, detail: "low" } }])],
		["an image by address", user([{ type: "image_url", image_url: { url: "https://example.com/a.png" } }])],
		["Mistral's flat image", user([{ type: "image_url", image_url: "https://example.com/a.png" }])],
		["a file by id", user([{ type: "file", file: { file_id: "file-1" } }])],
		[
			"a file by data",
			user([{ type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AAAA" } }]),
		],
		["a reference", user([{ type: "reference", reference_ids: [1] }])],
		["a prediction", { prediction: { type: "content", content: "x" } }],
		["a web search", { web_search_options: {} }],
		["an effort of tomorrow", { reasoning_effort: "ultra", service_tier: "turbo", verbosity: "chatty" }],
	])("%s", (_name, fields) => {
		expect(read(fields).model).toBe("gpt-4o");
	});

	test.each(["../", "%00", "a\r\nb", "🦊", "\u202Eevil", "openai/../x"])(
		"B29 and B30 the name %p is only a name",
		(model) => {
			expect(read({ model }).model).toBe(model);
		},
	);
});

describe("the envelope of a chat request", () => {
	test("says what the request asks for", () => {
		expect(
			read({
				stream: true,
				stream_options: { include_usage: true },
				max_tokens: 7,
				n: 3,
				tools: [tool("a")],
				response_format: { type: "json_schema", json_schema: { name: "s", schema: {} } },
				modalities: ["text", "audio"],
			}),
		).toMatchObject({
			stream: true,
			includeUsage: true,
			maxOutputTokens: 7,
			maxOutputField: "max_tokens",
			choices: 3,
			needs: { tools: true, images: false, audio: true, jsonSchema: true },
			generates: true,
			previousResponseId: undefined,
		});
	});

	test("is plain for a plain request", () => {
		expect(read({ tools: [], response_format: { type: "json_object" } })).toMatchObject({
			stream: false,
			includeUsage: false,
			maxOutputTokens: undefined,
			maxOutputField: undefined,
			choices: 1,
			needs: { tools: false, images: false, audio: false, jsonSchema: false },
			promptImages: 0,
		});
	});

	test("prefers the newer bound", () => {
		expect(read({ max_tokens: null, max_completion_tokens: 9 })).toMatchObject({
			maxOutputTokens: 9,
			maxOutputField: "max_completion_tokens",
		});
	});

	test("knows images and sounds wherever they stand", () => {
		const sound = { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } };
		const image = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
		expect(read(user([sound])).needs).toMatchObject({ images: false, audio: true });
		expect(read({ messages: [{ role: "tool", tool_call_id: "1", content: [image] }] }).needs.images).toBe(true);
	});
});

describe("the prompt text of a chat request", () => {
	test("is the conversation in order, its texts alone, and what its tools require", () => {
		expect(
			textOf({
				messages: [
					{ role: "system", content: "Be kind." },
					{ role: "user", content: "Plan a trip." },
					{
						role: "assistant",
						content: [
							{ type: "text", text: "Shall" },
							{ type: "text", text: "I?" },
						],
					},
					{
						role: "user",
						content: [
							{ type: "text", text: "Yes," },
							{ type: "image_url", image_url: { url: "https://example.com/a.png" } },
							{ type: "text", text: "do it." },
						],
					},
					{ role: "assistant", content: null, tool_calls: [] },
				],
				tools: [
					tool("a"),
					{ type: "function", function: { name: "b", parameters: { type: "object", required: ["x", "y"] } } },
				],
				functions: [{ name: "c", parameters: { required: ["z"] } }],
				response_format: { type: "json_schema", json_schema: {} },
			}),
		).toEqual({
			messages: [
				{ role: "system", text: "Be kind." },
				{ role: "user", text: "Plan a trip." },
				{ role: "assistant", text: "Shall\nI?" },
				{ role: "user", text: "Yes,\ndo it." },
				{ role: "assistant", text: "" },
			],
			tools: { count: 3, required: 3 },
			json: true,
		});
	});

	test("is bounded: the ends of a long text, the last turns of a long conversation and how it began", () => {
		const long = `begin${"x".repeat(1_000_000)}end`;
		const turns = Array.from({ length: 500 }, (_, turn) => ({
			role: "user",
			content: turn === 250 ? long : `${turn}`,
		}));
		const { messages } = textOf({
			messages: [{ role: "system", content: "Go." }, ...turns, { role: "user", content: long }],
		});
		expect(messages.length).toBeLessThan(20);
		expect(messages[0]).toEqual({ role: "system", text: "Go." });
		expect(messages.at(-2)?.text).toBe("499");
		const text = messages.at(-1)?.text ?? "";
		expect(text.length).toBeLessThanOrEqual(8_192);
		expect(text.startsWith("beginx") && text.endsWith("xend")).toBe(true);
	});
});
