import { describe, expect, test } from "bun:test";
import { readerOf } from "../../../../src/dialects/registry.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import {
	call,
	chunk,
	DONE_EVENT,
	finish,
	kinds,
	output,
	stream,
	streamed,
	streamFaults,
	USAGE_CHUNK,
	WITH_SEALS,
} from "./rig.ts";

const BEGIN = ["response.created", "response.in_progress"];
const TEXT_ITEM = [
	"response.output_item.added",
	"response.content_part.added",
	"response.output_text.delta",
	"response.output_text.done",
	"response.content_part.done",
	"response.output_item.done",
];
const THINKING_ITEM = [
	"response.output_item.added",
	"response.reasoning_summary_part.added",
	"response.reasoning_summary_text.delta",
	"response.reasoning_summary_text.done",
	"response.reasoning_summary_part.done",
	"response.output_item.done",
];
const CALL_ITEM = [
	"response.output_item.added",
	"response.function_call_arguments.delta",
	"response.function_call_arguments.done",
	"response.output_item.done",
];

describe("the sequence of a stream", () => {
	test("of text", () => {
		const said = streamed([
			chunk({ role: "assistant", content: "" }),
			chunk({ content: "Hi" }),
			finish("stop"),
			USAGE_CHUNK,
		]);
		expect(said.types).toEqual([...BEGIN, ...TEXT_ITEM, "response.completed"]);
		expect(streamFaults(said)).toEqual([]);
		expect(said.response).toMatchObject({
			id: "resp_01ANSWER",
			status: "completed",
			model: "their-model",
			created_at: 1_700_000_000,
			usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
		});
	});

	test("of thinking, text and two calls: each item ends before the next begins", () => {
		const said = streamed([
			chunk({ reasoning_content: "Hm" }),
			chunk({ content: "Hi" }),
			call(0, { id: "a", name: "f", arguments: '{"x":1}' }),
			call(1, { id: "b", name: "g", arguments: '{"y":2}' }),
			finish("tool_calls"),
		]);
		expect(said.types).toEqual([
			...BEGIN,
			...THINKING_ITEM,
			...TEXT_ITEM,
			...CALL_ITEM,
			...CALL_ITEM,
			"response.completed",
		]);
		expect(streamFaults(said)).toEqual([]);
		expect(output(said).map(({ id }) => id)).toEqual([
			"rs_01ANSWER_0",
			"msg_01ANSWER_1",
			"fc_01ANSWER_2",
			"fc_01ANSWER_3",
		]);
	});

	test("begins with the first chunk, before any output", () => {
		expect(stream([chunk({ role: "assistant" })]).types).toEqual(BEGIN);
		expect(stream([{ choices: [], prompt_filter_results: [] }]).types).toEqual(BEGIN);
		expect(stream([{ type: "ping" }]).types).toEqual([]);
	});

	test("ends at [DONE], or when the provider closes after its finish", () => {
		const chunks = [chunk({ content: "Hi" }), finish("stop"), USAGE_CHUNK];
		expect(stream(chunks).json).toEqual(streamed(chunks).json);
	});

	test("has no end where the provider broke off", () => {
		expect(stream([chunk({ content: "Hi" })]).types.at(-1)).toBe("response.output_text.delta");
		expect(stream([]).types).toEqual([]);
		expect(stream([DONE_EVENT]).types).toEqual([]);
	});

	test("says nothing after its end", () => {
		const said = stream([chunk({ content: "Hi" }), finish("stop"), DONE_EVENT, chunk({ content: "more" }), DONE_EVENT]);
		expect(said.types.at(-1)).toBe("response.completed");
		expect(streamFaults(said)).toEqual([]);
	});

	test("goes on after what is not JSON", () => {
		const said = stream([
			{ name: "", data: "{oops" },
			chunk({ content: "Hi" }),
			{ name: "", data: "[1]" },
			finish("stop"),
			DONE_EVENT,
		]);
		expect(said.malformed).toBe(2);
		expect(streamFaults(said)).toEqual([]);
	});
});

describe("endings", () => {
	const CASES: readonly [string, string, JsonValue][] = [
		["stop", "completed", null],
		["tool_calls", "completed", null],
		["function_call", "completed", null],
		["eos", "completed", null],
		["of_tomorrow", "completed", null],
		["length", "incomplete", { reason: "max_output_tokens" }],
		["max_tokens", "incomplete", { reason: "max_output_tokens" }],
		["model_length", "incomplete", { reason: "max_output_tokens" }],
		["content_filter", "incomplete", { reason: "content_filter" }],
		["sensitive", "incomplete", { reason: "content_filter" }],
	];
	test.each(CASES)("%s", (reason, status, details) => {
		const said = streamed([chunk({ content: "Hi" }), finish(reason)]);
		expect(said.types.at(-1)).toBe(`response.${status}`);
		expect(said.response).toMatchObject({ status, incomplete_details: details });
		expect(said.response.completed_at).toBe(status === "completed" ? 1_700_000_000 : null);
		expect(output(said).map((item) => item.status)).toEqual([status]);
		expect(streamFaults(said)).toEqual([]);
	});

	test("of two finish reasons the first counts", () => {
		expect(streamed([chunk({ content: "Hi" }), finish("length"), finish("stop")]).response.status).toBe("incomplete");
	});

	test("an empty finish reason is none", () => {
		expect(stream([chunk({ content: "Hi" }, { finish_reason: "" })]).types).not.toContain("response.completed");
	});

	test("a call that was cut off keeps what there is of it", () => {
		const said = streamed([call(0, { id: "a", name: "f", arguments: '{"x":' }), finish("length")]);
		expect(output(said)).toMatchObject([{ type: "function_call", status: "incomplete", arguments: '{"x":' }]);
		expect(streamFaults(said)).toEqual([]);
	});

	test("only what was cut off is incomplete", () => {
		const said = streamed([
			call(0, { id: "a", name: "f", arguments: "{}" }),
			call(1, { id: "b", name: "f", arguments: '{"x":' }),
			call(2, { id: "c", name: "f", arguments: '{"x":' }),
			finish("length"),
		]);
		expect(output(said).map(({ status }) => status)).toEqual(["completed", "incomplete", "incomplete"]);
		expect(streamFaults(said)).toEqual([]);
		const sealed = streamed([chunk({ reasoning: "Hm" }), chunk({ content: "Hi" }), finish("length")], WITH_SEALS);
		expect(output(sealed).map(({ status }) => status)).toEqual(["completed", "incomplete"]);
	});

	test("an answer without a word is an empty message", () => {
		const said = streamed([chunk({ content: "" }), finish("stop")]);
		expect(output(said)).toMatchObject([{ type: "message", content: [{ type: "output_text", text: "" }] }]);
		expect(streamFaults(said)).toEqual([]);
		expect(kinds(streamed([chunk({ reasoning: "Hm" }), finish("stop")]))).toEqual(["reasoning", "message"]);
		expect(kinds(streamed([chunk({ reasoning: "Hm" }), finish("length")]))).toEqual(["reasoning"]);
		expect(kinds(streamed([finish("content_filter")]))).toEqual([]);
	});
});

describe("failures inside a stream", () => {
	const CASES: readonly [string, JsonObject, { status: number; code?: string | undefined; message: string }][] = [
		["OpenAI's", { error: { message: "Boom", type: "server_error", code: null } }, { status: 500, message: "Boom" }],
		[
			"with a status as code",
			{ error: { message: "Slow down", code: 429 } },
			{ status: 429, code: "429", message: "Slow down" },
		],
		[
			"a translator's",
			{ error: { message: "Busy", type: "overloaded_error", code: null, status: 529 } },
			{ status: 529, message: "Busy" },
		],
		[
			"vLLM's",
			{ object: "error", message: "Bad", type: "BadRequestError", code: 400 },
			{ status: 400, message: "Bad" },
		],
		[
			"Groq's",
			{ x_groq: { error: "failed to generate" }, choices: [] },
			{ status: 500, message: "failed to generate" },
		],
		[
			"OpenRouter's",
			{ ...finish("error"), error: { code: 502, message: "Upstream" } },
			{ status: 502, message: "Upstream" },
		],
		[
			"in the choice",
			chunk({}, { finish_reason: "error", error: { code: 503, message: "Away" } }),
			{ status: 503, message: "Away" },
		],
	];
	test.each(CASES)("%s is one event that the gateway reads", (_, failure, expected) => {
		const said = stream([chunk({ content: "Hi" }), failure, chunk({ content: "more" }), DONE_EVENT]);
		expect(said.types.filter((type) => type === "error")).toEqual(["error"]);
		expect(said.types.at(-1)).toBe("error");
		expect(said.events.at(-1)?.name).toBe("error");
		expect(said.json.at(-1)).toMatchObject({
			message: expected.message,
			error: { message: expected.message, status: expected.status },
		});
		expect(streamFaults(said)).toEqual([]);
		const reader = readerOf.responses.openStream();
		const steps = said.events.map(({ name, data }) => reader.step({ name, data }));
		expect(steps.at(-1)).toBe("error");
		expect(reader.fault()).toMatchObject({ status: expected.status, message: expected.message });
		expect(reader.finished()).toBe(false);
	});

	test("an event named so, before anything else", () => {
		const said = stream([{ name: "error", data: JSON.stringify({ message: "Boom", type: "rate_limit_error" }) }]);
		expect(said.json).toMatchObject([{ type: "error", sequence_number: 0, error: { status: 429, message: "Boom" } }]);
	});

	test("a finish that means a failure", () => {
		const said = streamed([chunk({ content: "Hi" }), finish("insufficient_system_resource")]);
		expect(said.json.at(-1)).toMatchObject({ type: "error", error: { status: 502 } });
	});
});
