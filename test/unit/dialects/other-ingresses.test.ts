import { describe, expect, test } from "bun:test";
import { createIngresses } from "../../../src/dialects/registry.ts";
import type { OperationId, RequestBody } from "../../../src/dialects/types.ts";
import { parseJsonBody } from "../../../src/lib/json.ts";
import { parseMultipart } from "../../../src/lib/multipart.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A bound that can be checked by hand: a token a letter. */
const ingresses = createIngresses({ promptTokensUpperBound: (text) => text.length });

const MINIMAL: Readonly<Partial<Record<OperationId, Fields>>> = {
	responses: { model: "m", input: "hi" },
	completions: { model: "m", prompt: "hi" },
	embeddings: { model: "m", input: "hi" },
	moderations: { model: "m", input: "hi" },
	"images.generations": { model: "m", prompt: "a cat" },
	"audio.speech": { model: "m", input: "hi", voice: "alloy" },
};

function body(operation: OperationId, fields: Fields): RequestBody {
	const text = JSON.stringify({ ...MINIMAL[operation], ...fields });
	return { kind: "json", ...parseJsonBody(Buffer.from(text)) };
}
const read = (operation: OperationId, fields: Fields = {}) =>
	ingresses[operation].readEnvelope(body(operation, fields));

describe("a request that is refused, naming the field", () => {
	test.each<[OperationId, string, Fields, string]>([
		["responses", "B57 input null", { input: null }, "input"],
		["responses", "no input at all", { input: undefined }, "input"],
		["responses", "input a number", { input: 1 }, "input"],
		["responses", "an item that is text", { input: ["hi"] }, "input[0]"],
		["responses", "a message without content", { input: [{ role: "user" }] }, "input[0].content"],
		["responses", "previous_response_id a number", { previous_response_id: 1 }, "previous_response_id"],
		["responses", "conversation a number", { conversation: 1 }, "conversation"],
		["responses", "conversation a list", { conversation: ["conv_1"] }, "conversation"],
		["responses", "conversation without an id", { conversation: {} }, "conversation.id"],
		["responses", "conversation with a long id", { conversation: { id: "x".repeat(257) } }, "conversation.id"],
		[
			"responses",
			"conversation beside previous_response_id",
			{ conversation: "conv_1", previous_response_id: "resp_1" },
			"conversation",
		],
		["responses", "max_output_tokens 0", { max_output_tokens: 0 }, "max_output_tokens"],
		["responses", "background text", { background: "yes" }, "background"],
		["responses", "stream_options without stream", { stream_options: {} }, "stream_options"],
		["responses", "tools text", { tools: "web" }, "tools"],
		["responses", "text a string", { text: "json" }, "text"],
		["responses", "base_url", { base_url: "https://evil.example" }, "base_url"],
		[
			"responses",
			"an image inside the network",
			{ input: [{ role: "user", content: [{ type: "input_image", image_url: "http://127.0.0.1/a.png" }] }] },
			"input[0].content[0].image_url",
		],
		[
			"responses",
			"a file inside the network",
			{ input: [{ role: "user", content: [{ type: "input_file", file_url: "file:///etc/passwd" }] }] },
			"input[0].content[0].file_url",
		],
		[
			"responses",
			"a screenshot inside the network",
			{
				input: [
					{
						type: "computer_call_output",
						call_id: "1",
						output: { type: "computer_screenshot", image_url: "http://10.0.0.1/" },
					},
				],
			},
			"input[0].output.image_url",
		],
		["completions", "B56 prompt {}", { prompt: {} }, "prompt"],
		["completions", "no prompt", { prompt: undefined }, "prompt"],
		["completions", "no prompts", { prompt: [] }, "prompt"],
		["completions", "mixed prompts", { prompt: ["a", 1] }, "prompt[1]"],
		["completions", "max_tokens -1", { max_tokens: -1 }, "max_tokens"],
		["completions", "temperature 3", { temperature: 3 }, "temperature"],
		["completions", "n 129", { n: 129 }, "n"],
		["embeddings", "B53 input []", { input: [] }, "input"],
		["embeddings", "B53 input empty", { input: "" }, "input"],
		["embeddings", "B53 an empty text in a list", { input: ["a", ""] }, "input[1]"],
		["embeddings", "B53 2,049 inputs", { input: Array.from({ length: 2_049 }, () => "a") }, "input"],
		["embeddings", "B53 negative tokens", { input: [1, -1] }, "input"],
		["embeddings", "B53 negative tokens in a list", { input: [[1], [-1]] }, "input[1]"],
		["embeddings", "no tokens", { input: [[]] }, "input[0]"],
		["embeddings", "half a token", { input: [1.5] }, "input"],
		["embeddings", "dimensions -1", { dimensions: -1 }, "dimensions"],
		["embeddings", "a format of no kind", { encoding_format: "hex" }, "encoding_format"],
		["moderations", "B54 input missing", { input: undefined }, "input"],
		["moderations", "input empty", { input: [] }, "input"],
		["moderations", "a part of no kind", { input: [{ type: "video" }] }, "input[0].type"],
		[
			"moderations",
			"a private image",
			{ input: [{ type: "image_url", image_url: { url: "http://169.254.169.254/" } }] },
			"input[0].image_url.url",
		],
		["images.generations", "no prompt", { prompt: undefined }, "prompt"],
		["images.generations", "B55 size 0x0", { size: "0x0" }, "size"],
		["images.generations", "B55 n 100", { n: 100 }, "n"],
		["images.generations", "a prompt of 32,001", { prompt: "x".repeat(32_001) }, "prompt"],
		["images.generations", "a format of no kind", { response_format: "png" }, "response_format"],
		["audio.speech", "no input", { input: undefined }, "input"],
		["audio.speech", "4,097 characters", { input: "x".repeat(4_097) }, "input"],
		["audio.speech", "no voice", { voice: undefined }, "voice"],
		["audio.speech", "a voice of no kind", { voice: 3 }, "voice"],
		["audio.speech", "speed 5", { speed: 5 }, "speed"],
	])("%s: %s", (operation, _name, fields, param) => {
		expect(() => read(operation, fields)).toThrow(
			expect.objectContaining({ status: 400, type: "invalid_request_error", param }),
		);
	});

	test.each(Object.keys(MINIMAL).filter((operation) => operation !== "moderations"))("%s without a model", (name) => {
		expect(() => read(name as OperationId, { model: undefined })).toThrow(
			expect.objectContaining({ status: 400, param: "model" }),
		);
	});
});

describe("an envelope", () => {
	test("of Responses tells what pins and bounds it", () => {
		const fields = {
			input: [
				{ role: "developer", content: "Be brief." },
				{
					type: "message",
					role: "user",
					content: [
						{ type: "input_text", text: "What is this?" },
						{ type: "input_image", image_url: "https://example.com/a.png" },
					],
				},
				{ type: "an_item_of_tomorrow", anything: [1] },
				{ type: "item_reference", id: "msg_1" },
			],
			instructions: "Be kind.",
			previous_response_id: "resp_1",
			max_output_tokens: 16,
			stream: true,
			tools: [{ type: "web_search" }],
			text: { format: { type: "json_schema", name: "s", schema: {} } },
			store: false,
			background: false,
		};
		expect(read("responses", fields)).toMatchObject({
			stream: true,
			includeUsage: false,
			maxOutputTokens: 16,
			maxOutputField: "max_output_tokens",
			choices: 1,
			needs: { tools: true, images: true, audio: false, jsonSchema: true },
			generates: true,
			promptImages: 1,
			previousResponseId: "resp_1",
		});
		expect(ingresses.responses.promptText(body("responses", fields))).toEqual({
			messages: [
				{ role: "system", text: "Be kind." },
				{ role: "developer", text: "Be brief." },
				{ role: "user", text: "What is this?" },
				{ role: "assistant", text: "" },
				{ role: "assistant", text: "" },
			],
			tools: { count: 1, required: 0 },
			json: true,
		});
	});

	test("of Responses may have its prompt elsewhere", () => {
		expect(read("responses", { input: undefined, previous_response_id: "resp_1" }).previousResponseId).toBe("resp_1");
		expect(read("responses", { input: undefined, prompt: { id: "pmpt_1" } }).previousResponseId).toBeUndefined();
		for (const conversation of ["conv_1", { id: "conv_1" }]) {
			expect(read("responses", { input: undefined, conversation, previous_response_id: null })).toMatchObject({
				conversationId: "conv_1",
				previousResponseId: undefined,
			});
		}
	});

	test.each<[Fields, number]>([
		[{}, 1],
		[{ n: 3 }, 3],
		[{ prompt: ["a", "b"], n: 2 }, 4],
		[{ prompt: ["a", "b"], n: 2, best_of: 5 }, 10],
		[{ prompt: [[1, 2], [3]] }, 2],
		[{ prompt: [1, 2, 3] }, 1],
	])("of completions counts every answer that is generated: %p", (fields, choices) => {
		expect(read("completions", fields)).toMatchObject({ choices, generates: true });
	});

	test("of token prompts counts the tokens, exactly", () => {
		expect(read("completions", { prompt: [[1, 2], [3]] }).promptTokensMax).toBe(3);
		expect(read("completions", { prompt: [1, 2, 3], suffix: "abcd" }).promptTokensMax).toBe(7);
		expect(read("embeddings", { input: [5, 6, 7, 8] })).toMatchObject({ promptTokensMax: 4, generates: false });
	});

	test("of completions allows what scores a prompt: echo without an answer", () => {
		expect(read("completions", { echo: true, max_tokens: 0, logprobs: 1 })).toMatchObject({ maxOutputTokens: 0 });
	});

	test("of moderations falls back to OpenAI's own default model", () => {
		expect(read("moderations", { model: undefined }).model).toBe("omni-moderation-latest");
		const image = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
		const fields = { input: [{ type: "text", text: "a" }, image] };
		expect(read("moderations", fields)).toMatchObject({ promptImages: 1, needs: { images: true } });
		expect(ingresses.moderations.promptText(body("moderations", fields)).messages).toEqual([
			{ role: "user", text: "a" },
		]);
	});

	test("of images counts the images", () => {
		expect(read("images.generations", { n: 4, size: "1024x1536", stream: true })).toMatchObject({
			choices: 4,
			quantities: { images: 4 },
			stream: true,
			generates: false,
		});
		expect(read("images.generations", { size: "auto", n: null }).quantities).toEqual({ images: 1 });
	});

	test("of speech counts the characters as a reader does", () => {
		expect(read("audio.speech", { input: "a🦊b", voice: { id: "voice_1" }, stream_format: "sse" })).toMatchObject({
			quantities: { characters: 3 },
			stream: true,
		});
		expect(read("audio.speech", { input: "🦊".repeat(4_096) }).quantities).toEqual({ characters: 4_096 });
	});
});

describe("a form", () => {
	const file = new File([new Uint8Array(3_200)], "../../a.mp3", { type: "audio/mpeg" });

	async function readForm(operation: OperationId, ...fields: readonly (readonly [string, string | File])[]) {
		const data = new FormData();
		for (const [name, value] of fields) {
			data.append(name, value);
		}
		const request = new Request("http://localhost/", { method: "POST", body: data });
		// Read first: Bun sets this header lazily and forgets it with the body.
		const contentType = request.headers.get("content-type") ?? "";
		const form = parseMultipart(new Uint8Array(await request.arrayBuffer()), contentType);
		return ingresses[operation].readEnvelope({ kind: "multipart", form });
	}

	test("to transcribe is read", async () => {
		const fields = [
			["model", "whisper-1"],
			["file", file],
			["prompt", "abcd"],
			["stream", "true"],
			["temperature", "0.5"],
			["timestamp_granularities[]", "word"],
			["timestamp_granularities[]", "segment"],
			["language", ""],
		] as const;
		expect(await readForm("audio.transcriptions", ...fields)).toMatchObject({
			model: "whisper-1",
			stream: true,
			promptTokensMax: 4 + 20,
			generates: false,
		});
	});

	test.each<[OperationId, string, readonly (readonly [string, string | File])[], string]>([
		["audio.transcriptions", "no file", [["model", "m"]], "file"],
		[
			"audio.transcriptions",
			"two files",
			[
				["model", "m"],
				["file", file],
				["file", file],
			],
			"file",
		],
		[
			"audio.transcriptions",
			"an empty file",
			[
				["model", "m"],
				["file", new File([], "a.mp3")],
			],
			"file",
		],
		["audio.transcriptions", "no model", [["file", file]], "model"],
		[
			"audio.transcriptions",
			"two models",
			[
				["model", "a"],
				["model", "b"],
				["file", file],
			],
			"model",
		],
		[
			"audio.transcriptions",
			"stream maybe",
			[
				["model", "m"],
				["file", file],
				["stream", "maybe"],
			],
			"stream",
		],
		[
			"audio.transcriptions",
			"temperature hot",
			[
				["model", "m"],
				["file", file],
				["temperature", "hot"],
			],
			"temperature",
		],
		[
			"audio.translations",
			"api_base",
			[
				["model", "m"],
				["file", file],
				["api_base", "https://evil.example"],
			],
			"api_base",
		],
		[
			"images.edits",
			"no image",
			[
				["model", "m"],
				["prompt", "p"],
			],
			"image",
		],
		[
			"images.edits",
			"17 images",
			[["model", "m"], ["prompt", "p"], ...Array.from({ length: 17 }, () => ["image[]", file] as const)],
			"image",
		],
		[
			"images.edits",
			"an empty image",
			[
				["model", "m"],
				["prompt", "p"],
				["image", new File([], "a.png")],
			],
			"image",
		],
		[
			"images.edits",
			"n 100",
			[
				["model", "m"],
				["prompt", "p"],
				["image", file],
				["n", "100"],
			],
			"n",
		],
		[
			"images.edits",
			"no prompt",
			[
				["model", "m"],
				["image", file],
			],
			"prompt",
		],
	])("to %s with %s is refused", async (operation, _name, fields, param) => {
		await expect(readForm(operation, ...fields)).rejects.toMatchObject({ status: 400, param });
	});

	test("to edit images is read", async () => {
		const fields = [
			["model", "gpt-image-1"],
			["prompt", "A hat"],
			["image[]", file],
			["image[]", file],
			["mask", file],
			["n", "2"],
			["size", "1024x1024"],
		] as const;
		expect(await readForm("images.edits", ...fields)).toMatchObject({
			choices: 2,
			quantities: { images: 2 },
			promptImages: 3,
			promptTokensMax: 15_005,
		});
	});
});
