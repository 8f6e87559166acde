import { describe, expect, test } from "bun:test";
import { readerOf } from "../../../src/dialects/registry.ts";
import type { OperationId, StreamReader, StreamStep } from "../../../src/dialects/types.ts";
import { NO_USAGE } from "../../../src/lib/usage.ts";

type Event = object | string | readonly [name: string, data: object | string];

function play(reader: StreamReader, ...events: readonly Event[]): StreamStep[] {
	return events.map((event) => {
		const [name, data] = Array.isArray(event) ? event : ["", event];
		return reader.step({ name, data: typeof data === "string" ? data : JSON.stringify(data) });
	});
}
const open = (operation: OperationId, choices?: number): StreamReader => readerOf[operation].openStream(choices);
const delta = (fields: object, more: object = {}) => ({
	choices: [{ index: 0, delta: fields, finish_reason: null, ...more }],
});
const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };

describe("a chat stream", () => {
	test("of the usual course is read to its end", () => {
		const reader = open("chat");
		expect(
			play(
				reader,
				delta({ role: "assistant", content: "" }),
				{ ...delta({ content: "Hello" }), usage: null },
				delta({ content: " there, you" }),
				delta({}, { finish_reason: "stop" }),
				{ choices: [], usage: USAGE },
				"[DONE]",
			),
		).toEqual(["meta", "content", "content", "meta", "usage", "end"]);
		expect(reader.finished()).toBe(true);
		expect(reader.usage()).toEqual({ ...NO_USAGE, input: 3, output: 4 });
		expect(reader.outputTokensSeen()).toBe(4);
		expect({ fault: reader.fault(), id: reader.objectId() }).toEqual({ fault: undefined, id: undefined });
	});

	test.each<[string, object]>([
		["text", { content: "a" }],
		["Mistral's parts", { content: [{ type: "text", text: "a" }] }],
		["Mistral's thinking", { content: [{ type: "thinking", thinking: [{ type: "text", text: "a" }] }] }],
		["reasoning_content", { content: null, reasoning_content: "a" }],
		["reasoning", { content: "", reasoning: "a" }],
		["reasoning details alone", { reasoning_details: [{ type: "reasoning.text", text: "a" }] }],
		["a refusal", { refusal: "a" }],
		["a tool call", { tool_calls: [{ index: 0, id: "c", type: "function", function: { name: "f", arguments: "" } }] }],
		["arguments", { tool_calls: [{ index: 0, function: { arguments: "{" } }] }],
		["a function call", { function_call: { name: "f" } }],
		["a sound", { audio: { id: "a", data: "AAAA" } }],
		["a picture", { images: [{ type: "image_url", image_url: { url: "data:," } }] }],
	])("shows %s as content, a token at least", (_name, fields) => {
		const reader = open("chat");
		expect(play(reader, delta(fields))).toEqual(["content"]);
		expect(reader.outputTokensSeen()).toBe(1);
	});

	test.each<[string, object]>([
		["a role", delta({ role: "assistant", content: "" })],
		["nulls", delta({ content: null, tool_calls: null, refusal: null, function_call: null })],
		["an empty tool call", delta({ tool_calls: [{ index: 0, function: { arguments: "" } }] })],
		["Azure's filter results", { choices: [], prompt_filter_results: [] }],
		["no choices", { id: "x" }],
		["choices of no kind", { choices: [null, 1, "x"] }],
		["an error of null", { ...delta({}), error: null }],
	])("shows %s as meta", (_name, chunk) => {
		expect(play(open("chat"), chunk)).toEqual(["meta"]);
	});

	test("is finished when every choice asked for has ended", () => {
		const reader = open("chat", 2);
		const finish = (index: number) => ({ choices: [{ index, delta: {}, finish_reason: "stop" }] });
		play(reader, delta({ content: "a" }), finish(0), finish(0));
		expect(reader.finished()).toBe(false);
		play(reader, finish(1));
		expect(reader.finished()).toBe(true);
	});

	test("U11 that just stops has been cut", () => {
		const reader = open("chat");
		play(reader, delta({ content: "a" }));
		expect(reader.finished()).toBe(false);
	});

	test("without [DONE] is finished by its finish_reason", () => {
		const reader = open("chat");
		play(reader, delta({ content: "a" }, { finish_reason: "length" }));
		expect(reader.finished()).toBe(true);
	});

	test.each(["{", "", "null", "[]", "1", "data", '{"choices":[{]}'])("U16 tells malformed data: %p", (data) => {
		const reader = open("chat");
		expect(play(reader, data)).toEqual(["malformed"]);
		expect(play(reader, delta({ content: "a" }), "[DONE]")).toEqual(["content", "end"]);
	});

	test("U21 ignores what comes after the end", () => {
		const reader = open("chat");
		play(reader, delta({ content: "a" }), { choices: [], usage: USAGE }, "[DONE]");
		const after = play(
			reader,
			delta({ content: "more and more and more" }),
			{ choices: [], usage: { prompt_tokens: 99, completion_tokens: 99 } },
			{ error: { message: "late" } },
			"{broken",
			"[DONE]",
		);
		expect(new Set(after)).toEqual(new Set(["meta"]));
		expect(reader.usage()).toEqual({ ...NO_USAGE, input: 3, output: 4 });
		expect({ tokens: reader.outputTokensSeen(), fault: reader.fault() }).toEqual({ tokens: 1, fault: undefined });
	});

	test("U21 believes the last cumulative usage, not the sum", () => {
		const reader = open("chat");
		play(
			reader,
			{ ...delta({ content: "a" }), usage: { ...USAGE, completion_tokens: 1 } },
			{ choices: [], usage: USAGE },
		);
		expect(reader.usage()?.output).toBe(4);
	});

	test("U34 a usage that is no usage does not replace one that is", () => {
		const reader = open("chat");
		expect(play(reader, { choices: [], usage: USAGE }, { choices: [], usage: { prompt_tokens: "9" } })).toEqual([
			"usage",
			"meta",
		]);
		expect(reader.usage()?.input).toBe(3);
	});

	test("reads Groq's usage in its last chunk", () => {
		const reader = open("chat");
		play(reader, { ...delta({}, { finish_reason: "stop" }), x_groq: { id: "r", usage: USAGE } });
		expect(reader.usage()).toEqual({ ...NO_USAGE, input: 3, output: 4 });
	});

	test("U22 that is only [DONE] ends without content", () => {
		const reader = open("chat");
		expect(play(reader, "[DONE]")).toEqual(["end"]);
		expect(reader.outputTokensSeen()).toBe(0);
	});

	test.each<[string, Event, object]>([
		["OpenAI's error", { error: { message: "m", type: "server_error" } }, { status: 500, message: "m" }],
		[
			"OpenRouter's status",
			{ ...delta({ content: "" }, { finish_reason: "error" }), error: { code: 502, message: "m" } },
			{ status: 502 },
		],
		["an error event", ["error", { message: "m", type: "overloaded_error" }], { status: 529, message: "m" }],
		["vLLM's error object", { object: "error", message: "m", code: 400 }, { status: 400 }],
		[
			"Groq's note",
			{ ...delta({}), x_groq: { id: "r", error: "generation failed" } },
			{ message: "generation failed" },
		],
	])("U24 and U25 tells %s", (_name, event, fault) => {
		const reader = open("chat");
		expect(play(reader, delta({ content: "a" }), event)).toEqual(["content", "error"]);
		expect(reader.fault()).toMatchObject(fault);
		expect(reader.finished()).toBe(false);
	});
});

describe("a completions stream", () => {
	test("is read by its text, choice by choice", () => {
		const reader = open("completions", 2);
		const text = (index: number, value: string, reason: string | null = null) => ({
			choices: [{ index, text: value, finish_reason: reason }],
		});
		expect(play(reader, text(0, "a"), text(1, "b"), text(0, "", "stop"), text(1, "c", "length"))).toEqual([
			"content",
			"content",
			"meta",
			"content",
		]);
		expect({ finished: reader.finished(), tokens: reader.outputTokensSeen() }).toEqual({ finished: true, tokens: 3 });
	});
});

describe("a Responses stream", () => {
	const response = (status: string, more: object = {}) => ({
		response: { id: "resp_1", status, error: null, usage: null, output: [], ...more },
	});
	const usage = { input_tokens: 5, output_tokens: 6, total_tokens: 11 };

	test("of the usual course is read to its end", () => {
		const reader = open("responses");
		expect(
			play(
				reader,
				{ type: "response.created", ...response("in_progress") },
				{ type: "response.in_progress", ...response("in_progress") },
				{ type: "response.output_item.added", item: { type: "message", content: [] } },
				{ type: "response.content_part.added", part: { type: "output_text", text: "" } },
				{ type: "response.output_text.delta", delta: "Hello you" },
				{ type: "response.output_text.done", text: "Hello you" },
				{
					type: "response.output_item.done",
					item: { type: "message", content: [{ type: "output_text", text: "Hello you" }] },
				},
				{ type: "response.completed", ...response("completed", { usage }) },
				"[DONE]",
			),
		).toEqual(["meta", "meta", "meta", "meta", "content", "meta", "meta", "end", "meta"]);
		expect(reader.usage()).toEqual({ ...NO_USAGE, input: 5, output: 6 });
		expect({ id: reader.objectId(), finished: reader.finished(), tokens: reader.outputTokensSeen() }).toEqual({
			id: "resp_1",
			finished: true,
			tokens: 3,
		});
	});

	test("names its object as soon as it is created", () => {
		const reader = open("responses");
		play(reader, { type: "response.created", ...response("queued") });
		expect(reader.objectId()).toBe("resp_1");
	});

	test.each([
		"response.function_call_arguments.delta",
		"response.reasoning_summary_text.delta",
		"response.refusal.delta",
		"response.custom_tool_call_input.delta",
		"response.a_kind_of_tomorrow.delta",
	])("shows %s as content", (type) => {
		expect(play(open("responses"), { type, delta: "a" }, { type, delta: "" })).toEqual(["content", "meta"]);
	});

	test("shows items that came without deltas, once", () => {
		const call = {
			type: "response.output_item.done",
			item: { type: "function_call", name: "f", arguments: '{"a":1}' },
		};
		const reader = open("responses");
		expect(play(reader, { type: "response.output_item.added", item: {} }, call)).toEqual(["meta", "content"]);
		expect(reader.outputTokensSeen()).toBe(2);
		const hidden = {
			type: "response.output_item.done",
			item: { type: "reasoning", summary: [], encrypted_content: "gAAA" },
		};
		expect(play(open("responses"), hidden)).toEqual(["meta"]);
	});

	test("that brings its only output with its end shows content", () => {
		const reader = open("responses");
		const output = [{ type: "message", content: [{ type: "output_text", text: "Hi" }] }];
		expect(play(reader, { type: "response.completed", ...response("completed", { usage, output }) })).toEqual([
			"content",
		]);
		expect(reader.finished()).toBe(true);
	});

	test("that is incomplete has ended all the same", () => {
		const reader = open("responses");
		const event = { type: "response.incomplete", ...response("incomplete", { usage }) };
		expect(play(reader, { type: "response.output_text.delta", delta: "a" }, event)).toEqual(["content", "end"]);
		expect(reader.usage()?.output).toBe(6);
	});

	test("U24 that fails tells why, and is charged what it states", () => {
		const reader = open("responses");
		const failed = response("failed", { usage, error: { code: "rate_limit_exceeded", message: "slow down" } });
		expect(
			play(reader, { type: "response.created", ...response("in_progress") }, { type: "response.failed", ...failed }),
		).toEqual(["meta", "error"]);
		expect(reader.fault()).toMatchObject({ status: 429, code: "rate_limit_exceeded", message: "slow down" });
		expect({ output: reader.usage()?.output, finished: reader.finished() }).toEqual({ output: 6, finished: false });
	});

	test("that says error and then failed keeps the first words", () => {
		const reader = open("responses");
		const error = { type: "error", code: "insufficient_quota", message: "first", param: null };
		expect(
			play(reader, error, { type: "response.failed", ...response("failed", { error: { message: "second" } }) }),
		).toEqual(["error", "error"]);
		expect(reader.fault()).toMatchObject({ status: 429, message: "first" });
	});

	test("is not ended by [DONE] alone", () => {
		const reader = open("responses");
		expect(play(reader, { type: "response.output_text.delta", delta: "a" }, "[DONE]")).toEqual(["content", "meta"]);
		expect(reader.finished()).toBe(false);
	});
});

describe("other streams", () => {
	test("an image stream ends with the last image asked for", () => {
		const usage = { input_tokens: 1, output_tokens: 10, total_tokens: 11 };
		const done = { type: "image_generation.completed", b64_json: "AA", usage };
		const reader = open("images.generations", 2);
		expect(play(reader, { type: "image_generation.partial_image", b64_json: "A" }, done)).toEqual([
			"content",
			"content",
		]);
		expect(reader.finished()).toBe(false);
		expect(play(reader, done)).toEqual(["end"]);
		expect(reader.usage()).toEqual({ ...NO_USAGE, input: 2, imageOutput: 20, images: 2 });
	});

	test("an edit without partial images shows its image as content", () => {
		const reader = open("images.edits");
		expect(play(reader, ["image_edit.completed", { b64_json: "AA" }])).toEqual(["content"]);
		expect({ finished: reader.finished(), images: reader.usage()?.images }).toEqual({ finished: true, images: 1 });
	});

	test("a transcript ends with itself", () => {
		const usage = {
			type: "tokens",
			input_tokens: 14,
			input_token_details: { audio_tokens: 10 },
			output_tokens: 2,
			total_tokens: 16,
		};
		const reader = open("audio.transcriptions");
		expect(
			play(reader, { type: "transcript.text.delta", delta: "Hi" }, { type: "transcript.text.done", text: "Hi", usage }),
		).toEqual(["content", "end"]);
		expect(reader.usage()).toEqual({ ...NO_USAGE, input: 4, audioInput: 10, output: 2 });
		expect(play(open("audio.translations"), { type: "transcript.text.done", text: "Hi" })).toEqual(["content"]);
	});

	test("speech is sound", () => {
		const reader = open("audio.speech");
		const usage = { input_tokens: 14, output_tokens: 101, total_tokens: 115 };
		expect(play(reader, { type: "speech.audio.delta", audio: "AA" }, { type: "speech.audio.done", usage })).toEqual([
			"content",
			"end",
		]);
		expect(reader.usage()).toEqual({ ...NO_USAGE, input: 14, audioOutput: 101 });
	});

	test.each(["embeddings", "moderations"] as const)("%s are never streamed", (operation) => {
		expect(() => open(operation)).toThrow("never streamed");
	});
});
