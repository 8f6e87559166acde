import { describe, expect, test } from "bun:test";
import { writeChatUsage } from "../../../src/dialects/chat-hub/usage.ts";
import { readerOf } from "../../../src/dialects/registry.ts";
import type { JsonObject } from "../../../src/lib/json-types.ts";
import { NO_USAGE, type Usage } from "../../../src/lib/usage.ts";

const { chat, responses, embeddings, "images.generations": images } = readerOf;
const transcriptions = readerOf["audio.transcriptions"];

describe("the usage of a chat answer", () => {
	test.each<[string, JsonObject, Partial<Usage>]>([
		["plain", { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 }, { input: 5, output: 7 }],
		["U34 zero", { prompt_tokens: 0, completion_tokens: 0 }, {}],
		[
			"OpenAI with everything",
			{
				prompt_tokens: 100,
				completion_tokens: 50,
				total_tokens: 150,
				prompt_tokens_details: { cached_tokens: 40, audio_tokens: 10, cache_write_tokens: 20 },
				completion_tokens_details: { reasoning_tokens: 30, audio_tokens: 5, accepted_prediction_tokens: 1 },
			},
			{ input: 30, cacheRead: 40, cacheWrite: 20, audioInput: 10, output: 15, reasoning: 30, audioOutput: 5 },
		],
		[
			"what translators write",
			writeChatUsage({
				prompt: 100,
				completion: 50,
				cacheRead: 20,
				cacheWrite: 10,
				cacheWriteHour: 30,
				audioInput: 5,
				imageInput: 15,
				reasoning: 12,
				audioOutput: 8,
				imageOutput: 20,
				searches: 3,
			}),
			{
				...{ input: 20, cacheRead: 20, cacheWrite: 10, cacheWriteHour: 30, audioInput: 5, imageInput: 15 },
				...{ output: 10, reasoning: 12, audioOutput: 8, imageOutput: 20, searches: 3 },
			},
		],
		[
			"more of everything than there was",
			{
				prompt_tokens: 10,
				completion_tokens: 10,
				prompt_tokens_details: { cache_write_tokens: 4, cache_write_1h_tokens: 99, image_tokens: 9 },
				completion_tokens_details: { audio_tokens: 4, image_tokens: 99 },
			},
			{ cacheWrite: 4, cacheWriteHour: 6, audioOutput: 4, imageOutput: 6 },
		],
		[
			"Perplexity's searches",
			{ prompt_tokens: 1, completion_tokens: 1, num_search_queries: 7 },
			{ input: 1, output: 1, searches: 7 },
		],
		[
			"searches that are nonsense",
			{ prompt_tokens: 1, completion_tokens: 1, server_tool_use: { web_search_requests: -1 } },
			{ input: 1, output: 1 },
		],
		[
			"DeepSeek's cache",
			{ prompt_tokens: 10, completion_tokens: 1, prompt_cache_hit_tokens: 8, prompt_cache_miss_tokens: 2 },
			{ input: 2, cacheRead: 8, output: 1 },
		],
		[
			"Moonshot's cache",
			{ prompt_tokens: 10, completion_tokens: 1, cached_tokens: 4 },
			{ input: 6, cacheRead: 4, output: 1 },
		],
		[
			"Mistral's cache",
			{ prompt_tokens: 10, completion_tokens: 1, num_cached_tokens: 3 },
			{ input: 7, cacheRead: 3, output: 1 },
		],
		[
			"a stated zero against another name",
			{ prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 0 }, cached_tokens: 4 },
			{ input: 10, output: 1 },
		],
		[
			"Vercel's cache writes",
			{ prompt_tokens: 10, completion_tokens: 1, cache_creation_input_tokens: 6 },
			{ input: 4, cacheWrite: 6, output: 1 },
		],
		[
			"more cached than there was",
			{ prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 64, audio_tokens: 9 } },
			{ cacheRead: 10, output: 1 },
		],
		[
			"xAI: reasoning beside the completion",
			{
				prompt_tokens: 12,
				completion_tokens: 2,
				total_tokens: 334,
				completion_tokens_details: { reasoning_tokens: 320 },
			},
			{ input: 12, output: 2, reasoning: 320 },
		],
		[
			"xAI: less reasoning than completion, beside it by the total",
			{
				prompt_tokens: 10,
				completion_tokens: 50,
				total_tokens: 80,
				completion_tokens_details: { reasoning_tokens: 20 },
			},
			{ input: 10, output: 50, reasoning: 20 },
		],
		[
			"more reasoning than completion, and no total to tell",
			{ prompt_tokens: 9, completion_tokens: 2, completion_tokens_details: { reasoning_tokens: 25 } },
			{ input: 9, output: 2, reasoning: 25 },
		],
		[
			"Gemini: thinking in the total alone",
			{ prompt_tokens: 9, completion_tokens: 2, total_tokens: 111 },
			{ input: 9, output: 2, reasoning: 100 },
		],
		[
			"details that are null or nonsense",
			{
				prompt_tokens: 5,
				completion_tokens: 6,
				prompt_tokens_details: null,
				completion_tokens_details: { reasoning_tokens: "4" },
			},
			{ input: 5, output: 6 },
		],
	])("%s", (_name, usage, buckets) => {
		expect(chat.usage({ usage })).toEqual({ ...NO_USAGE, ...buckets });
	});

	test.each<[string, JsonObject]>([
		["absent", {}],
		["null", { usage: null }],
		["text", { usage: "12" }],
		["a list", { usage: [] }],
		["empty", { usage: {} }],
		["text counts", { usage: { prompt_tokens: "5", completion_tokens: "6" } }],
		["one text count", { usage: { prompt_tokens: 5, completion_tokens: "6" } }],
		["a negative count", { usage: { prompt_tokens: -5, completion_tokens: 6 } }],
		["null counts", { usage: { prompt_tokens: null, completion_tokens: null } }],
		["half a token", { usage: { prompt_tokens: 1.5, completion_tokens: 1 } }],
		["beyond all numbers", JSON.parse('{"usage":{"prompt_tokens":1e999,"completion_tokens":1}}')],
	])("U34 is unknown when it is %s", (_name, answer) => {
		expect(chat.usage(answer)).toBeUndefined();
	});
});

describe("the usage of other answers", () => {
	test("Responses", () => {
		const usage = {
			input_tokens: 30,
			input_tokens_details: { cached_tokens: 10 },
			output_tokens: 20,
			output_tokens_details: { reasoning_tokens: 15 },
			total_tokens: 50,
		};
		expect(responses.usage({ usage })).toEqual({ ...NO_USAGE, input: 20, cacheRead: 10, output: 5, reasoning: 15 });
	});

	test("embeddings generate nothing", () => {
		expect(embeddings.usage({ usage: { prompt_tokens: 4, total_tokens: 4, completion_tokens: 9 } })).toEqual({
			...NO_USAGE,
			input: 4,
		});
		expect(embeddings.usage({ usage: { total_tokens: 4 } })).toBeUndefined();
	});

	test("images count images, with tokens or without", () => {
		const usage = {
			input_tokens: 10,
			output_tokens: 4_160,
			total_tokens: 4_170,
			input_tokens_details: { text_tokens: 10, image_tokens: 0 },
		};
		expect(images.usage({ data: [{}, {}], usage })).toEqual({ ...NO_USAGE, input: 10, imageOutput: 4_160, images: 2 });
		expect(images.usage({ data: [{}] })).toEqual({ ...NO_USAGE, images: 1 });
		expect(images.usage({})).toBeUndefined();
	});

	test("images count the tokens of pictures in and of words out apart", () => {
		const usage = {
			input_tokens: 50,
			input_tokens_details: { text_tokens: 10, image_tokens: 40 },
			output_tokens: 1_000,
			output_tokens_details: { text_tokens: 200, image_tokens: 800 },
			total_tokens: 1_050,
		};
		const buckets = { input: 10, imageInput: 40, output: 200, imageOutput: 800 };
		expect(images.usage({ data: [{}], usage })).toEqual({ ...NO_USAGE, ...buckets, images: 1 });
	});

	test("Responses tell their searches beside the usage, or by the calls they hold", () => {
		const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
		const output = [
			{ type: "web_search_call", action: { type: "search", query: "q" } },
			{ type: "web_search_call", action: { type: "open_page", url: "https://example.com" } },
			{ type: "web_search_call" },
			{ type: "message", content: [] },
		];
		const searches = (answer: JsonObject) => responses.usage({ usage, ...answer })?.searches;
		expect(searches({ output })).toBe(2);
		expect(searches({ output, tool_usage: { web_search: { num_requests: 1 } } })).toBe(1);
		expect(searches({ output, tool_usage: { web_search: { num_requests: 0 } } })).toBe(0);
		expect(searches({ output: [] })).toBe(0);
		const xai = { ...usage, server_side_tool_usage_details: { web_search_calls: 2, x_search_calls: 1 } };
		expect(searches({ usage: xai, output: [] })).toBe(3);
	});

	test("embeddings tell the tokens of images apart", () => {
		const usage = { prompt_tokens: 20, prompt_tokens_details: { image_tokens: 15 }, total_tokens: 20 };
		expect(embeddings.usage({ usage })).toEqual({ ...NO_USAGE, input: 5, imageInput: 15 });
	});

	test("transcriptions count tokens or seconds", () => {
		const tokens = {
			type: "tokens",
			input_tokens: 14,
			input_token_details: { text_tokens: 4, audio_tokens: 10 },
			output_tokens: 45,
			total_tokens: 59,
		};
		expect(transcriptions.usage({ text: "a", usage: tokens })).toEqual({
			...NO_USAGE,
			input: 4,
			audioInput: 10,
			output: 45,
		});
		expect(transcriptions.usage({ usage: { type: "duration", seconds: 6.2 } })).toEqual({ ...NO_USAGE, seconds: 7 });
		expect(transcriptions.usage({ duration: 36.7 })).toEqual({ ...NO_USAGE, seconds: 37 });
		expect(transcriptions.usage({ text: "a" })).toBeUndefined();
		expect(transcriptions.usage({ usage: { type: "duration", seconds: -1 } })).toBeUndefined();
	});

	test("moderations are free and uncounted", () => {
		expect(readerOf.moderations.usage({ results: [] })).toBeUndefined();
	});
});

describe("an estimate of what was seen", () => {
	test.each<[string, JsonObject, number]>([
		["text", { choices: [{ message: { content: "abcdefgh" } }, { message: { content: "abcd" } }] }, 3],
		["Chinese", { choices: [{ message: { content: "你好世界" } }] }, 4],
		["Greek", { choices: [{ message: { content: "αβγδ" } }] }, 2],
		[
			"a tool call, its id aside",
			{
				choices: [
					{
						message: {
							content: null,
							tool_calls: [
								{ id: "call_0123456789", type: "function", function: { name: "add", arguments: '{"a":1}xx' } },
							],
						},
					},
				],
			},
			3,
		],
		["nothing", { choices: [{ message: { content: "" } }] }, 0],
		["no answer", {}, 0],
	])("counts %s", (_name, answer, tokens) => {
		expect(chat.outputTokensSeen(answer)).toBe(tokens);
	});

	test("counts what a response holds", () => {
		const output = [
			{ type: "reasoning", summary: [{ type: "summary_text", text: "abcd" }] },
			{ type: "message", content: [{ type: "output_text", text: "abcdefgh" }] },
			{ type: "function_call", name: "f", arguments: "{}x" },
		];
		expect(responses.outputTokensSeen({ output })).toBe(4);
	});
});

describe("a fault inside a success", () => {
	test.each<[string, JsonObject, object]>([
		[
			"an object",
			{ error: { message: "m", type: "server_error", code: null } },
			{ status: 500, message: "m", type: "server_error" },
		],
		["text", { error: "overloaded" }, { status: 500, message: "overloaded" }],
		["a status in code", { error: { message: "m", code: 429 } }, { status: 429, code: "429" }],
		["a word for a limit", { error: { message: "m", type: "requests", code: "rate_limit_exceeded" } }, { status: 429 }],
		["Anthropic's word", { type: "error", error: { type: "overloaded_error", message: "m" } }, { status: 529 }],
		["vLLM's own shape", { object: "error", message: "m", code: 400 }, { status: 400, message: "m" }],
		["no words at all", { error: {} }, { status: 500, message: "The provider gave no reason." }],
	])("is told by %s", (_name, answer, fault) => {
		expect(chat.fault(answer)).toMatchObject(fault);
	});

	test("is not an error of null", () => {
		expect(chat.fault({ error: null, choices: [] })).toBeUndefined();
		expect(responses.fault({ error: null, status: "completed" })).toBeUndefined();
		expect(responses.fault({ status: "failed", error: null })).toMatchObject({ status: 500 });
	});
});
