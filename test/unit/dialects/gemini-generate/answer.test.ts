import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { FLASH_3, FLASH_25, HELLO, list, obj, translate } from "./support.ts";

function whole(answer: JsonObject, request: JsonObject = {}, model = FLASH_3): JsonObject {
	return obj(translate({ ...HELLO, ...request }, model).whole(answer));
}

function answerOf(parts: JsonObject[], fields: JsonObject = {}): JsonObject {
	return { candidates: [{ content: { role: "model", parts }, finishReason: "STOP", index: 0, ...fields }] };
}

function choiceOf(answer: JsonObject, request: JsonObject = {}): JsonObject {
	return obj(list(whole(answer, request).choices)[0]);
}

function messageOf(parts: JsonObject[], fields: JsonObject = {}, request: JsonObject = {}): JsonObject {
	return obj(choiceOf(answerOf(parts, fields), request).message);
}

describe("what a candidate says", () => {
	test("text parts are joined with nothing between; thinking is apart", () => {
		expect(messageOf([{ text: "a" }, { text: "think", thought: true }, { text: "b" }])).toMatchObject({
			role: "assistant",
			content: "ab",
			refusal: null,
			reasoning_content: "think",
			reasoning_details: [{ type: "reasoning.text", text: "think", format: "google-gemini-v1" }],
		});
	});

	test("calls have the provider's id, or one of our own; without arguments they have {}", () => {
		const parts = [
			{ functionCall: { id: "g1", name: "a", args: { x: [1] } }, thoughtSignature: "S" },
			{ functionCall: { name: "b" } },
			{ functionCall: { id: "g1", name: "c", args: null } },
		];
		const choice = choiceOf(answerOf(parts));
		expect(choice.finish_reason).toBe("tool_calls");
		expect(obj(choice.message)).toMatchObject({
			content: null,
			tool_calls: [
				{
					id: "g1",
					type: "function",
					function: { name: "a", arguments: '{"x":[1]}' },
					extra_content: { google: { thought_signature: "S" } },
				},
				{ id: "call_a1_1", function: { name: "b", arguments: "{}" } },
				{ id: "call_a1_2", function: { name: "c", arguments: "{}" } },
			],
			reasoning_details: [{ type: "reasoning.encrypted", data: "S", id: "g1" }],
		});
	});

	test("words beside a call in one part are not lost, nor are arguments that are no object", () => {
		const parts = [
			{ text: "Let me see", functionCall: { name: "a", args: { x: 1 } } },
			{ text: "Hm", thought: true, functionCall: { name: "b", args: '{"y":2}' }, thoughtSignature: "S" },
			{ functionCall: { name: "c", args: [1] } },
		];
		const message = messageOf(parts);
		expect(message).toMatchObject({ content: "Let me see", reasoning_content: "Hm" });
		expect(list(message.tool_calls).map((call) => obj(call.function).arguments)).toEqual(['{"x":1}', '{"y":2}', "[1]"]);
		expect(message.reasoning_details).toMatchObject([
			{ type: "reasoning.text", text: "Hm" },
			{ type: "reasoning.encrypted", data: "S", id: "call_a1_1" },
		]);
	});

	test("a call in pieces is whole in a whole answer", () => {
		const parts = [
			{ functionCall: { name: "f", willContinue: true } },
			{ functionCall: { partialArgs: [{ jsonPath: "$.a", stringValue: "x" }], willContinue: true } },
			{ functionCall: {} },
		];
		expect(messageOf(parts).tool_calls).toMatchObject([{ function: { name: "f", arguments: '{"a":"x"}' } }]);
	});

	test("a custom tool's call holds the text, and the old words are answered in kind", () => {
		const tools = [{ type: "custom", custom: { name: "sql" } }];
		const parts = [{ functionCall: { name: "sql", args: { input: "select 1" } } }];
		expect(messageOf(parts, {}, { tools }).tool_calls).toEqual([
			{ id: "call_a1_0", type: "custom", custom: { name: "sql", input: "select 1" } },
		]);
		const functions = [{ name: "f" }];
		const choice = choiceOf(answerOf([{ functionCall: { name: "f", args: { a: 1 } } }]), { functions });
		expect(choice).toMatchObject({
			finish_reason: "function_call",
			message: { function_call: { name: "f", arguments: '{"a":1}' } },
		});
	});

	test("images, with their signatures, and files by address", () => {
		const parts = [
			{ text: "Here" },
			{ inlineData: { mimeType: "image/png", data: "AAAA" }, thoughtSignature: "I" },
			{ fileData: { fileUri: "gs://bucket/a.png" } },
		];
		expect(messageOf(parts)).toMatchObject({
			content: "Here",
			images: [
				{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
				{ type: "image_url", image_url: { url: "gs://bucket/a.png" } },
			],
			reasoning_details: [{ type: "reasoning.encrypted", data: "I", id: "image_0" }],
		});
	});

	test("images of the thinking are no part of the answer", () => {
		expect(messageOf([{ inlineData: { mimeType: "image/png", data: "AAAA" }, thought: true }]).images).toBeUndefined();
	});

	test("sound is one piece, however many it came in", () => {
		const piece = (bytes: string, text: string) => ({
			inlineData: { mimeType: "audio/L16;rate=24000", data: Buffer.from(bytes).toString("base64") },
			audioTranscription: { text },
		});
		expect(messageOf([piece("a", "Hi "), piece("bcd", "you")]).audio).toEqual({
			id: "audio_a1",
			data: Buffer.from("abcd").toString("base64"),
			transcript: "Hi you",
			expires_at: 1_800_000_000,
		});
	});

	test("records of Google's tools are kept for the next turn and are not text", () => {
		const code = { executableCode: { language: "PYTHON", code: "print(1)" } };
		const message = messageOf([code, { codeExecutionResult: { outcome: "OUTCOME_OK", output: "1" } }, { text: "1" }]);
		expect(message.content).toBe("1");
		const details = list(message.reasoning_details);
		expect(details).toHaveLength(2);
		expect(JSON.parse(Buffer.from(String(details[0]?.data), "base64").toString())).toEqual(code);
	});

	test("parts unknown here lose nothing of the rest", () => {
		const parts = [{ text: "a" }, { hologram: { x: 1 } }, {}, { text: "b" }, { functionCall: { args: {} } }];
		expect(messageOf(parts).content).toBe("ab");
	});

	test("several candidates, in order", () => {
		const answer = {
			candidates: [
				{ index: 1, content: { parts: [{ functionCall: { name: "f" } }] }, finishReason: "STOP" },
				{ content: { parts: [{ text: "zero" }] }, finishReason: "MAX_TOKENS", index: 0 },
			],
		};
		expect(whole(answer).choices).toMatchObject([
			{ index: 0, finish_reason: "length", message: { content: "zero" } },
			{ index: 1, finish_reason: "tool_calls", message: { tool_calls: [{ id: "call_a1_1_0" }] } },
		]);
	});

	test("logprobs", () => {
		const logprobsResult = {
			chosenCandidates: [{ token: "é", tokenId: 5, logProbability: -0.5 }, { token: "x" }],
			topCandidates: [
				{
					candidates: [
						{ token: "é", logProbability: -0.5 },
						{ token: "e", logProbability: -2 },
					],
				},
			],
		};
		expect(choiceOf(answerOf([{ text: "éx" }], { logprobsResult })).logprobs).toEqual({
			content: [
				{
					token: "é",
					logprob: -0.5,
					bytes: [195, 169],
					top_logprobs: [
						{ token: "é", logprob: -0.5, bytes: [195, 169] },
						{ token: "e", logprob: -2, bytes: [101] },
					],
				},
				{ token: "x", logprob: 0, bytes: [120], top_logprobs: [] },
			],
			refusal: null,
		});
	});
});

describe("why it ended", () => {
	const text = [{ text: "x" }];
	const call = [{ functionCall: { name: "f" } }];
	const rules: readonly (readonly [string, JsonObject[], string])[] = [
		["STOP", text, "stop"],
		["STOP", [], "stop"],
		["STOP", call, "tool_calls"],
		["MAX_TOKENS", text, "length"],
		["MAX_TOKENS", call, "length"],
		["CONTINUATION", text, "length"],
		["SAFETY", text, "content_filter"],
		["RECITATION", [], "content_filter"],
		["BLOCKLIST", [], "content_filter"],
		["PROHIBITED_CONTENT", [], "content_filter"],
		["SPII", [], "content_filter"],
		["IMAGE_SAFETY", [], "content_filter"],
		["IMAGE_PROHIBITED_CONTENT", [], "content_filter"],
		["IMAGE_RECITATION", [], "content_filter"],
		["LANGUAGE", [], "content_filter"],
		["MODEL_ARMOR", [], "content_filter"],
		["SAFETY", call, "content_filter"],
		["OTHER", text, "stop"],
		["NO_IMAGE", text, "stop"],
		["SOMETHING_NEW", text, "stop"],
		["SOMETHING_NEW", call, "tool_calls"],
		["FINISH_REASON_UNSPECIFIED", text, "stop"],
	];
	test.each(rules)("%s with %j", (finishReason, parts, expected) => {
		expect(choiceOf(answerOf(parts, { finishReason })).finish_reason).toBe(expected);
	});

	test.each([
		["MALFORMED_FUNCTION_CALL", []],
		["MALFORMED_FUNCTION_CALL", text],
		["MALFORMED_FUNCTION_CALL", call],
		["MALFORMED_RESPONSE", []],
		["UNEXPECTED_TOOL_CALL", []],
		["TOO_MANY_TOOL_CALLS", text],
		["MISSING_THOUGHT_SIGNATURE", []],
		["OTHER", []],
		["NO_IMAGE", []],
		["IMAGE_OTHER", []],
		["SOMETHING_NEW", []],
		["SOMETHING_NEW", [{ text: "Hm", thought: true }]],
	] as const)("%s with %j is a failure that another attempt may make good", (finishReason, parts) => {
		expect(whole(answerOf([...parts], { finishReason }))).toEqual({
			error: {
				message: `The model's answer failed: ${finishReason}.`,
				type: "upstream_error",
				param: null,
				code: finishReason,
				status: 502,
				kind: "generation_failed",
			},
		});
	});

	test("a failure has Google's words, and one candidate's is the answer's", () => {
		const failed = { finishReason: "MALFORMED_FUNCTION_CALL", finishMessage: "Malformed function call: f(" };
		expect(whole(answerOf([], failed))).toMatchObject({ error: { message: "Malformed function call: f(" } });
		const good = { content: { parts: [{ text: "a" }] }, finishReason: "STOP" };
		expect(whole({ candidates: [good, { index: 1, ...failed }] }).error).toBeDefined();
	});

	test("an answer that says neither words nor why is a failure, unless the prompt was refused", () => {
		expect(whole({ candidates: [{}] }).error).toBeDefined();
		const refused = whole({ candidates: [{}], promptFeedback: { blockReason: "SAFETY" } });
		expect(refused.choices).toMatchObject([{ finish_reason: "content_filter" }]);
		expect(translate(HELLO).whole({ promptFeedback: { blockReason: "BLOCK_REASON_UNSPECIFIED" } })).toBeUndefined();
	});

	test("a candidate without content", () => {
		const answer = { candidates: [{ finishReason: "RECITATION", index: 0 }] };
		expect(choiceOf(answer)).toMatchObject({ finish_reason: "content_filter", message: { content: "" } });
	});

	test("a prompt that was refused is an answer without words", () => {
		const answer = {
			promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
			usageMetadata: { promptTokenCount: 7, totalTokenCount: 7 },
			modelVersion: "gemini-x",
		};
		expect(whole(answer)).toMatchObject({
			id: "chatcmpl-a1",
			model: "gemini-x",
			choices: [{ index: 0, finish_reason: "content_filter", message: { content: "", refusal: null } }],
			usage: { prompt_tokens: 7, completion_tokens: 0, total_tokens: 7 },
		});
	});

	test("neither a candidate nor a reason is no answer", () => {
		const translation = translate(HELLO);
		expect(translation.whole({})).toBeUndefined();
		expect(translation.whole({ candidates: [], usageMetadata: { promptTokenCount: 1 } })).toBeUndefined();
		expect(translation.whole({ hello: "world" })).toBeUndefined();
	});

	test("a failure inside a success", () => {
		const error = { code: 503, message: "Overloaded", status: "UNAVAILABLE" };
		expect(whole({ error })).toEqual({
			error: { message: "Overloaded", type: "service_unavailable", param: null, code: "UNAVAILABLE", status: 503 },
		});
	});
});

describe("sources", () => {
	const web = (uri: string, title?: string) => ({ web: { uri, ...(title === undefined ? {} : { title }) } });

	test("bytes become positions in the text, once for each source", () => {
		const text = "Größe: 3 m. 😀 Ende.";
		const start = Buffer.byteLength("Größe: 3 m. ");
		const groundingMetadata = {
			groundingChunks: [web("https://a.org/1", "A"), web("https://b.org/2")],
			groundingSupports: [
				{ segment: { endIndex: Buffer.byteLength("Größe: 3 m."), text: "Größe: 3 m." }, groundingChunkIndices: [0, 1] },
				{ segment: { startIndex: start, endIndex: Buffer.byteLength(text) }, groundingChunkIndices: [1, 9] },
			],
		};
		const annotations = list(messageOf([{ text }], { groundingMetadata }).annotations);
		expect(annotations).toEqual([
			{ type: "url_citation", url_citation: { url: "https://a.org/1", title: "A", start_index: 0, end_index: 11 } },
			{
				type: "url_citation",
				url_citation: { url: "https://b.org/2", title: "https://b.org/2", start_index: 0, end_index: 11 },
			},
			{
				type: "url_citation",
				url_citation: { url: "https://b.org/2", title: "https://b.org/2", start_index: 12, end_index: text.length },
			},
		]);
	});

	test("a segment counts from its own part", () => {
		const groundingMetadata = {
			groundingChunks: [web("https://a.org")],
			groundingSupports: [{ segment: { partIndex: 1, startIndex: 0, endIndex: 2 }, groundingChunkIndices: [0] }],
		};
		const [annotation] = list(messageOf([{ text: "one " }, { text: "two" }], { groundingMetadata }).annotations);
		expect(annotation?.url_citation).toMatchObject({ start_index: 4, end_index: 6 });
	});

	test("the segment's own text settles a count that is off", () => {
		const groundingMetadata = {
			groundingChunks: [web("https://a.org")],
			groundingSupports: [{ segment: { startIndex: 0, endIndex: 3, text: "two" }, groundingChunkIndices: [0] }],
		};
		const [annotation] = list(messageOf([{ text: "one " }, { text: "two" }], { groundingMetadata }).annotations);
		expect(annotation?.url_citation).toMatchObject({ start_index: 4, end_index: 7 });
	});

	test("a place within a character is its beginning", () => {
		const spanOf = (segment: JsonObject) => {
			const groundingMetadata = {
				groundingChunks: [{ web: { uri: "https://a.org" } }],
				groundingSupports: [{ segment, groundingChunkIndices: [0] }],
			};
			const [note] = list(messageOf([{ text: "a😀é" }], { groundingMetadata }).annotations);
			const { start_index, end_index } = obj(note?.url_citation);
			return [start_index, end_index];
		};
		expect([1, 2, 3, 4, 5, 6, 7, 8].map((endIndex) => spanOf({ endIndex }))).toEqual(
			[1, 1, 1, 1, 3, 3, 4, 4].map((end) => [0, end]),
		);
		expect(spanOf({ startIndex: 3, endIndex: 5 })).toEqual([1, 3]);
	});

	test("sources without an address keep the provider's fields", () => {
		const retrievedContext = { title: "Doc", text: "…", fileSearchStore: "fileSearchStores/a" };
		const groundingMetadata = {
			groundingChunks: [{ retrievedContext }],
			groundingSupports: [{ segment: { endIndex: 3 }, groundingChunkIndices: [0] }],
		};
		expect(messageOf([{ text: "abcdef" }], { groundingMetadata }).citations).toEqual([
			{ ...retrievedContext, start_index: 0, end_index: 3 },
		]);
	});

	test("sources that support nothing in particular support the whole", () => {
		const groundingMetadata = { groundingChunks: [{ maps: { uri: "https://maps.google.com/?cid=1", title: "Cafe" } }] };
		expect(messageOf([{ text: "abc" }], { groundingMetadata }).annotations).toEqual([
			{
				type: "url_citation",
				url_citation: { url: "https://maps.google.com/?cid=1", title: "Cafe", start_index: 0, end_index: 3 },
			},
		]);
	});

	test("segments that name no source leave the sources to the whole", () => {
		const groundingMetadata = {
			groundingChunks: [{ web: { uri: "https://a.org" } }],
			groundingSupports: [{ segment: { endIndex: 2, text: "ab" } }, { segment: {}, groundingChunkIndices: [7] }],
		};
		expect(messageOf([{ text: "abc" }], { groundingMetadata }).annotations).toMatchObject([
			{ url_citation: { url: "https://a.org", start_index: 0, end_index: 3 } },
		]);
	});

	test("recitations, under both of their names", () => {
		const sources = [
			{ startIndex: 1, endIndex: 3, uri: "https://a.org", license: "MIT" },
			{ endIndex: 2, title: "Book" },
		];
		for (const citationMetadata of [{ citations: sources }, { citationSources: sources }]) {
			const message = messageOf([{ text: "abcd" }], { citationMetadata });
			expect(message.annotations).toMatchObject([
				{ url_citation: { url: "https://a.org", start_index: 1, end_index: 3 } },
			]);
			expect(message.citations).toEqual([{ title: "Book", start_index: 0, end_index: 2 }]);
		}
	});
});

describe("usage", () => {
	const usageOf = (usageMetadata: JsonObject, fields: JsonObject = {}, model = FLASH_3) =>
		whole({ ...answerOf([{ text: "x" }], fields), usageMetadata }, {}, model).usage;

	test("every bucket", () => {
		const usageMetadata = {
			promptTokenCount: 100,
			toolUsePromptTokenCount: 20,
			cachedContentTokenCount: 40,
			candidatesTokenCount: 10,
			thoughtsTokenCount: 5,
			totalTokenCount: 135,
			promptTokensDetails: [
				{ modality: "TEXT", tokenCount: 50 },
				{ modality: "AUDIO", tokenCount: 30 },
				{ modality: "IMAGE", tokenCount: 20 },
			],
			cacheTokensDetails: [{ modality: "AUDIO", tokenCount: 10 }],
			candidatesTokensDetails: [
				{ modality: "IMAGE", tokenCount: 3 },
				{ modality: "AUDIO", tokenCount: 4 },
			],
		};
		expect(usageOf(usageMetadata)).toEqual({
			prompt_tokens: 120,
			completion_tokens: 15,
			total_tokens: 135,
			prompt_tokens_details: { cached_tokens: 40, audio_tokens: 20, image_tokens: 20 },
			completion_tokens_details: { reasoning_tokens: 5, audio_tokens: 4, image_tokens: 3 },
		});
	});

	test("searches are billed one by one since Gemini 3, and once a prompt before", () => {
		const fields = { groundingMetadata: { webSearchQueries: ["a", "b"] } };
		const counts = { promptTokenCount: 1, candidatesTokenCount: 1 };
		expect(usageOf(counts, fields)).toMatchObject({ server_tool_use: { web_search_requests: 2 } });
		expect(usageOf(counts, fields, FLASH_25)).toMatchObject({ server_tool_use: { web_search_requests: 1 } });
	});

	test.each([[{}], [{ trafficType: "ON_DEMAND" }], [{ promptTokenCount: -1 }], [{ promptTokenCount: "many" }]])(
		"%j counts nothing",
		(usageMetadata) => {
			expect(usageOf(usageMetadata)).toBeUndefined();
		},
	);

	test("the tier that served", () => {
		const counts = { promptTokenCount: 1, candidatesTokenCount: 1, trafficType: "ON_DEMAND_PRIORITY" };
		expect(whole({ ...answerOf([{ text: "x" }]), usageMetadata: counts }).service_tier).toBe("priority");
	});
});
