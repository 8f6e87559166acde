import { describe, expect, test } from "bun:test";
import { readTokenUsage } from "../../../../src/dialects/token-usage.ts";
import { isJsonObject, type JsonObject } from "../../../../src/lib/json-types.ts";
import { schemaFaults } from "../../../support/openai-schema.ts";
import { message, saidStreamed, saidWhole, streamed, translated } from "./support.ts";

const text = (words: string, citations?: JsonObject[]) => ({
	type: "text",
	text: words,
	...(citations ? { citations } : {}),
});
const call = (id: string, input: JsonObject = {}) => ({ type: "tool_use", id, name: "f", input });

/** The same message as a stream: each block in pieces of three characters. */
function asEvents(answer: JsonObject): JsonObject[] {
	const { content, stop_reason: reason, stop_details: details, usage, ...rest } = answer;
	const pieces = (words: string) => words.match(/[\s\S]{1,3}/g) ?? [];
	const blocks = (Array.isArray(content) ? content : []).filter(isJsonObject);
	const events = blocks.flatMap((block, index): JsonObject[] => {
		const delta = (fields: JsonObject) => ({ type: "content_block_delta", index, delta: fields });
		const start = (fields: JsonObject) => ({
			type: "content_block_start",
			index,
			content_block: { ...block, ...fields },
		});
		const stop = { type: "content_block_stop", index };
		const { text: words, thinking, signature, input, citations } = block;
		if (block.type === "text") {
			return [
				start({ text: "", citations: [] }),
				...(Array.isArray(citations) ? citations : []).map((citation) => delta({ type: "citations_delta", citation })),
				...pieces(String(words)).map((piece) => delta({ type: "text_delta", text: piece })),
				stop,
			];
		}
		if (block.type === "thinking") {
			return [
				start({ thinking: "", signature: "" }),
				...pieces(String(thinking)).map((piece) => delta({ type: "thinking_delta", thinking: piece })),
				delta({ type: "signature_delta", signature }),
				stop,
			];
		}
		if (block.type === "tool_use") {
			const json = JSON.stringify(input) === "{}" ? [""] : pieces(JSON.stringify(input));
			return [
				start({ input: {} }),
				...json.map((piece) => delta({ type: "input_json_delta", partial_json: piece })),
				stop,
			];
		}
		return [start({}), stop];
	});
	return [
		{ type: "message_start", message: { ...rest, content: [], stop_reason: null, usage } },
		{ type: "ping" },
		...events,
		{ type: "message_delta", delta: { stop_reason: reason, stop_details: details }, usage },
		{ type: "message_stop" },
	];
}

/** What an answer says, checked to be the same whole and streamed, and to be OpenAI's. */
function said(answer: JsonObject, request: JsonObject = {}) {
	const translation = translated(request);
	const whole = translation.whole(answer) ?? {};
	expect(schemaFaults("CreateChatCompletionResponse", whole)).toEqual([]);
	const events = streamed(translation, asEvents(answer));
	expect(events.at(-1)?.data).toBe("[DONE]");
	for (const { json } of events) {
		expect(json === undefined ? [] : schemaFaults("CreateChatCompletionStreamResponse", json)).toEqual([]);
	}
	const result = saidWhole(whole);
	expect(saidStreamed(events)).toEqual(result);
	return result;
}

describe("an answer", () => {
	test("says its text, joined with nothing between", () => {
		expect(said(message([text("Hel"), text("lo")]))).toMatchObject({ id: "msg_1", text: "Hello", finish: "stop" });
	});

	test("shows tool calls in order, and {} where nothing is given", () => {
		const answer = message([text("I look. "), call("a", { x: [1, "é"] }), call("b")], { stop_reason: "tool_use" });
		expect(said(answer)).toMatchObject({
			text: "I look. ",
			finish: "tool_calls",
			calls: [
				{ id: "a", name: "f", arguments: '{"x":[1,"é"]}' },
				{ id: "b", name: "f", arguments: "{}" },
			],
		});
	});

	test("shows thinking and gives its seals along", () => {
		const answer = message([
			{ type: "thinking", thinking: "One. ", signature: "s1" },
			{ type: "redacted_thinking", data: "xyz" },
			text("A"),
			{ type: "thinking", thinking: "Two.", signature: "s2" },
			{ type: "thinking", thinking: "", signature: "s3" },
			call("a"),
		]);
		expect(said(answer)).toMatchObject({
			text: "A",
			reasoning: "One. Two.",
			details: [
				{ type: "reasoning.text", format: "anthropic-claude-v1", text: "One. ", signature: "s1", index: 0 },
				{ type: "reasoning.encrypted", data: "xyz", index: 1 },
				{ type: "reasoning.text", text: "Two.", signature: "s2", index: 2 },
				{ type: "reasoning.text", text: "", signature: "s3", index: 3 },
			],
		});
	});

	test("keeps thinking to itself where the client asked for that", () => {
		const answer = message([{ type: "thinking", thinking: "psst", signature: "s" }, text("A")]);
		expect(said(answer, { reasoning: { effort: "low", exclude: true } })).toMatchObject({
			text: "A",
			reasoning: "",
			details: [],
		});
	});

	test("names its sources and where in the text they count", () => {
		const web = {
			type: "web_search_result_location",
			url: "https://a.b",
			title: "T",
			cited_text: "c",
			encrypted_index: "e",
		};
		const page = {
			type: "page_location",
			document_index: 0,
			start_page_number: 1,
			end_page_number: 2,
			cited_text: "p",
		};
		expect(said(message([text("See: "), text("it is so", [web, page]), text(".")]))).toMatchObject({
			text: "See: it is so.",
			annotations: [
				{ type: "url_citation", url_citation: { url: "https://a.b", title: "T", start_index: 5, end_index: 13 } },
			],
			citations: [{ ...page, start_index: 5, end_index: 13 }],
		});
	});

	test("loses nothing to the provider's own tools and to blocks unknown yet", () => {
		const answer = message([
			{ type: "server_tool_use", id: "s", name: "web_search", input: { query: "q" } },
			{ type: "web_search_tool_result", tool_use_id: "s", content: [{ type: "web_search_result", url: "u" }] },
			{ type: "mcp_tool_use", id: "m", name: "n", server_name: "x", input: {} },
			{ type: "mcp_tool_result", tool_use_id: "m", content: [{ type: "text", text: "inner" }] },
			{ type: "fallback", from: { model: "a" }, to: { model: "b" } },
			{ type: "hologram", data: { deep: [1] } },
			text("A"),
			{ type: "text_of_tomorrow", text: "B" },
		]);
		const translation = translated({});
		expect(saidWhole(translation.whole(answer) ?? {})).toMatchObject({ text: "AB", calls: [], finish: "stop" });
		expect(saidStreamed(streamed(translation, asEvents(answer)))).toMatchObject({
			text: "AB",
			calls: [],
			finish: "stop",
		});
	});

	test.each<[string, JsonObject[], string]>([
		["end_turn", [text("a")], "stop"],
		["stop_sequence", [text("a")], "stop"],
		["pause_turn", [text("a")], "stop"],
		["max_tokens", [text("a")], "length"],
		["max_tokens", [call("a")], "length"],
		["model_context_window_exceeded", [text("a")], "length"],
		["tool_use", [call("a")], "tool_calls"],
		["refusal", [], "content_filter"],
		["something_new", [text("a")], "stop"],
		["something_new", [call("a")], "tool_calls"],
	])("that stopped for %s with %j ends with %s", (reason, content, finish) => {
		expect(said(message(content, { stop_reason: reason })).finish).toBe(finish);
	});

	test("tells why it refuses", () => {
		const details = { type: "refusal", category: "cyber", explanation: "Not this." };
		expect(said(message([], { stop_reason: "refusal", stop_details: details })).refusal).toBe("Not this.");
	});

	test("that is none is none, and an error is an error", () => {
		expect(translated({}).whole({ hello: "world" })).toBeUndefined();
		expect(translated({}).whole({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } })).toEqual(
			{
				error: { message: "Overloaded", type: "overloaded_error", param: null, code: null, status: 529 },
			},
		);
	});

	test("without id and model takes the gateway's", () => {
		const { id: _id, model: _model, ...answer } = message([text("a")]);
		expect(translated({}).whole(answer)).toMatchObject({
			id: "chatcmpl-a1",
			model: "claude-sonnet-4-5",
			created: 1_700_000_000,
		});
	});
});

describe("usage", () => {
	test("fills every bucket of the ledger", () => {
		const usage = {
			input_tokens: 10,
			cache_creation_input_tokens: 30,
			cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 },
			cache_read_input_tokens: 40,
			output_tokens: 50,
			output_tokens_details: { thinking_tokens: 15 },
			server_tool_use: { web_search_requests: 2 },
			service_tier: "standard",
		};
		const answer = translated({}).whole(message([text("a")], { usage })) ?? {};
		expect(answer.service_tier).toBe("default");
		expect(answer.usage).toMatchObject({
			prompt_tokens: 80,
			completion_tokens: 50,
			total_tokens: 130,
			prompt_tokens_details: { cached_tokens: 40, cache_write_tokens: 20, cache_write_1h_tokens: 10 },
			completion_tokens_details: { reasoning_tokens: 15 },
			server_tool_use: { web_search_requests: 2 },
		});
		expect(readTokenUsage(answer.usage)).toMatchObject({
			input: 10,
			cacheRead: 40,
			cacheWrite: 20,
			output: 35,
			reasoning: 15,
		});
	});

	test("of a stream is the last word said on each count", () => {
		const events = streamed(translated({}), [
			{
				type: "message_start",
				message: message([], {
					usage: {
						input_tokens: 2,
						cache_creation_input_tokens: 30,
						cache_read_input_tokens: 5,
						cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 },
						output_tokens: 1,
					},
				}),
			},
			{ type: "message_delta", delta: {}, usage: { output_tokens: 5 } },
			{
				type: "message_delta",
				delta: { stop_reason: "end_turn" },
				usage: { input_tokens: 6, cache_creation_input_tokens: 35, cache_read_input_tokens: null, output_tokens: 9 },
			},
			{ type: "message_stop" },
		]);
		expect(saidStreamed(events).usage).toMatchObject({
			prompt_tokens: 46,
			completion_tokens: 9,
			prompt_tokens_details: { cache_write_tokens: 25, cache_write_1h_tokens: 10 },
		});
	});

	test("that is half missing is not made up", () => {
		expect(translated({}).whole(message([text("a")], { usage: { input_tokens: 1 } }))).not.toHaveProperty("usage");
		expect(translated({}).whole(message([text("a")], { usage: "lots" }))).not.toHaveProperty("usage");
	});
});

describe("a failure", () => {
	const failure = (type: string, words: string) => ({
		type: "error",
		error: { type, message: words },
		request_id: "req_1",
	});

	test.each<[string, string, number | undefined, number, string | undefined]>([
		["invalid_request_error", "messages: required", 400, 400, undefined],
		[
			"invalid_request_error",
			"prompt is too long: 3333404 tokens > 200000 maximum",
			400,
			400,
			"context_length_exceeded",
		],
		[
			"invalid_request_error",
			"input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
			400,
			400,
			"context_length_exceeded",
		],
		[
			"invalid_request_error",
			"Your credit balance is too low to access the Anthropic API.",
			400,
			429,
			"insufficient_quota",
		],
		["invalid_request_error", "You have reached your specified API usage limits.", 400, 429, "insufficient_quota"],
		["billing_error", "Check your payment details.", 402, 429, "insufficient_quota"],
		["authentication_error", "invalid x-api-key", 401, 401, "invalid_api_key"],
		["permission_error", "no", 403, 403, undefined],
		["not_found_error", "model: claude-9", 404, 404, "model_not_found"],
		["request_too_large", "Request exceeds the maximum size", 413, 413, "request_too_large"],
		["rate_limit_error", "slow down", 429, 429, "rate_limit_exceeded"],
		["api_error", "Internal server error", 500, 500, undefined],
		["overloaded_error", "Overloaded", 529, 529, undefined],
		["overloaded_error", "Overloaded", undefined, 529, undefined],
		["request_too_large", "too large", undefined, 413, "request_too_large"],
		["timeout_error", "late", undefined, 504, undefined],
		["error_of_tomorrow", "?", undefined, 500, undefined],
	])("%s (%s) with status %p", (type, words, status, expected, code) => {
		const fault = translated({}).readFault(failure(type, words), status);
		expect(fault).toEqual({ status: expected, type, code, message: words });
	});

	test("of Google's own making keeps its words", () => {
		const body = { error: { code: 429, message: "Quota exceeded", status: "RESOURCE_EXHAUSTED" } };
		expect(translated({}).readFault(body, 429)).toMatchObject({
			status: 429,
			type: "resource_exhausted",
			message: "Quota exceeded",
		});
	});

	test("in a stream is its last word", () => {
		const events = streamed(translated({}), [
			{ type: "message_start", message: message([]) },
			{ type: "content_block_start", index: 0, content_block: text("a") },
			failure("overloaded_error", "Overloaded"),
			{ type: "message_stop" },
		]);
		expect(JSON.parse(events.at(-1)?.data ?? "")).toEqual({
			error: { message: "Overloaded", type: "overloaded_error", param: null, code: null, status: 529 },
		});
		expect(saidStreamed(events.slice(0, -1))).toMatchObject({ text: "a", finish: undefined });
	});
});

describe("a stream", () => {
	const begin = { type: "message_start", message: message([]) };
	const end = [
		{ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 3 } },
		{ type: "message_stop" },
	];
	const block = (fields: JsonObject, index = 0) => ({ type: "content_block_start", index, content_block: fields });
	const delta = (fields: JsonObject, index = 0) => ({ type: "content_block_delta", index, delta: fields });

	test("that was cut does not end as if it were finished", () => {
		for (const cut of [[], [begin], [begin, block(text("a"))], [begin, block(text("a")), ...end.slice(0, 1)]]) {
			const events = streamed(translated({}), cut);
			expect(events.map(({ data }) => data)).not.toContain("[DONE]");
			expect(JSON.stringify(events)).not.toContain('finish_reason":"');
		}
	});

	test("shows that it begins, and says nothing for pings, unknown events and unknown deltas", () => {
		const stream = translated({}).openStream();
		const step = (event: JsonObject) => stream.step({ name: "", data: JSON.stringify(event) });
		expect(step(begin)).toHaveLength(1);
		expect(step({ type: "ping" })).toEqual([]);
		expect(step({ type: "event_of_tomorrow", index: 0 })).toEqual([]);
		expect(step(block({ type: "text", text: "" }))).toEqual([]);
		expect(step(delta({ type: "delta_of_tomorrow", text: "?" }))).toEqual([]);
		expect(step(delta({ type: "text_delta" }))).toEqual([]);
		expect(step({ type: "content_block_delta" })).toEqual([]);
		expect(stream.step({ name: "ping", data: "{}" })).toEqual([]);
		expect(stream.step({ name: "", data: "{" })).toBe("malformed");
		expect(stream.step({ name: "", data: "[1]" })).toBe("malformed");
		expect(step(delta({ type: "text_delta", text: "still here" }))).toHaveLength(1);
	});

	test("is read by the name of its events where they do not say their type", () => {
		const stream = translated({}).openStream();
		stream.step({ name: "message_start", data: JSON.stringify({ message: message([]) }) });
		stream.step({
			name: "content_block_delta",
			data: JSON.stringify({ index: 0, delta: { type: "text_delta", text: "a" } }),
		});
		expect(stream.step({ name: "message_stop", data: "{}" }).at(-1)).toEqual({ name: "", data: "[DONE]" });
	});

	test("with input in the start of a call does not lose it", () => {
		const events = streamed(translated({}), [
			begin,
			block(call("a", { x: 1 })),
			{ type: "content_block_stop", index: 0 },
			block(call("b", { y: 2 }), 1),
			...end,
		]);
		expect(saidStreamed(events).calls.map((made) => made.arguments)).toEqual(['{"x":1}', '{"y":2}']);
	});

	test("with blocks in the start of the message does not lose them", () => {
		const start = {
			type: "message_start",
			message: message([text("a"), call("t", { x: 1 })], { stop_reason: "tool_use" }),
		};
		expect(saidStreamed(streamed(translated({}), [start, { type: "message_stop" }]))).toMatchObject({
			text: "a",
			calls: [{ id: "t", arguments: '{"x":1}' }],
			finish: "tool_calls",
		});
	});

	test("with the same start twice goes on; with another message in its middle it fails", () => {
		const other = { type: "message_start", message: message([], { id: "msg_2" }) };
		const words = [block({ type: "text", text: "" }), delta({ type: "text_delta", text: "a" })];
		expect(
			saidStreamed(
				streamed(translated({}), [begin, ...words, begin, delta({ type: "text_delta", text: "b" }), ...end]),
			),
		).toMatchObject({ text: "ab", finish: "stop" });
		expect(saidStreamed(streamed(translated({}), [begin, other, ...words, ...end]))).toMatchObject({
			id: "msg_1",
			text: "a",
		});
		const failed = streamed(translated({}), [begin, ...words, other, ...end]);
		expect(JSON.parse(failed.at(-1)?.data ?? "")).toMatchObject({ error: { status: 502, code: "spliced_stream" } });
	});

	test("says nothing after its end", () => {
		const stream = translated({}).openStream();
		for (const event of [begin, ...end]) {
			stream.step({ name: "", data: JSON.stringify(event) });
		}
		expect(stream.step({ name: "", data: JSON.stringify(begin) })).toEqual([]);
		expect(stream.step({ name: "", data: "not JSON" })).toEqual([]);
		expect(stream.end()).toEqual([]);
	});

	test("with blocks that overlap tells each call its own arguments", () => {
		const fragment = (json: string, index: number) => delta({ type: "input_json_delta", partial_json: json }, index);
		const events = streamed(translated({}), [
			begin,
			block(call("a"), 0),
			block(call("b"), 1),
			fragment('{"x"', 0),
			fragment('{"y":2}', 1),
			fragment(":1}", 0),
			...end,
		]);
		expect(saidStreamed(events).calls).toEqual([
			{ id: "a", name: "f", arguments: '{"x":1}' },
			{ id: "b", name: "f", arguments: '{"y":2}' },
		]);
	});

	test("tells the tier on its chunks", () => {
		const start = {
			type: "message_start",
			message: message([], { usage: { input_tokens: 1, output_tokens: 1, service_tier: "priority" } }),
		};
		expect(streamed(translated({}), [start])[0]?.json).toMatchObject({ service_tier: "priority", id: "msg_1" });
	});
});
