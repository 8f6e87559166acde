import { describe, expect, test } from "bun:test";
import { readerOf } from "../../../../src/dialects/registry.ts";
import { unseal } from "../../../../src/dialects/responses-over-chat/reasoning.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../../src/lib/json-types.ts";
import {
	chunk,
	DONE_EVENT,
	finish,
	type Streamed,
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

function call(index: number | undefined, fields: JsonObject): JsonObject {
	const { id, ...described } = fields;
	return chunk({
		tool_calls: [
			{
				...(index === undefined ? {} : { index }),
				...(id === undefined ? {} : { id, type: "function" }),
				function: described,
			},
		],
	});
}

function output({ response }: Streamed): JsonObject[] {
	return (Array.isArray(response.output) ? response.output : []).filter(isJsonObject);
}

function kinds(said: Streamed): JsonValue[] {
	return output(said).map(({ type }) => type ?? null);
}

function callsOf(said: Streamed): JsonObject[] {
	return output(said)
		.filter(({ type }) => type === "function_call")
		.map(({ call_id: id, name, arguments: text }) => ({ id, name, arguments: text }));
}

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

describe("how servers write tool calls", () => {
	const A = { id: "a", name: "f", arguments: '{"x":1}' };
	const B = { id: "b", name: "g", arguments: '{"y":2}' };
	const CASES: readonly [string, JsonObject[], JsonObject[]][] = [
		[
			"in pieces",
			[call(0, { id: "a", name: "f", arguments: "" }), call(0, { arguments: '{"x"' }), call(0, { arguments: ":1}" })],
			[A],
		],
		[
			"in pieces that take turns",
			[
				call(0, { id: "a", name: "f", arguments: '{"x"' }),
				call(1, { id: "b", name: "g", arguments: '{"y"' }),
				call(0, { arguments: ":1}" }),
				call(1, { arguments: ":2}" }),
			],
			[A, B],
		],
		["without an index, in one piece", [call(undefined, A), call(undefined, B)], [A, B]],
		[
			"without an index, in pieces",
			[
				call(undefined, { id: "a", name: "f", arguments: "" }),
				call(undefined, { arguments: '{"x":1}' }),
				call(undefined, { id: "b", name: "g", arguments: '{"y"' }),
				call(undefined, { id: "b", arguments: ":2}" }),
			],
			[A, B],
		],
		["all numbered 0", [call(0, A), call(0, B)], [A, B]],
		[
			"with a new id for each piece",
			[call(0, { id: "a", name: "f", arguments: '{"x"' }), call(0, { id: "z", name: "", arguments: ":1}" })],
			[A],
		],
		[
			"with an empty id later",
			[call(0, { id: "a", name: "f", arguments: '{"x"' }), call(0, { id: "", name: "", arguments: ":1}" })],
			[A],
		],
		[
			"with the name in every piece",
			[call(0, { id: "a", name: "f", arguments: '{"x"' }), call(0, { id: "a", name: "f", arguments: ":1}" })],
			[A],
		],
		[
			"with the name last",
			[call(0, { id: "a", arguments: '{"x"' }), call(0, { arguments: ":1}" }), call(0, { name: "f" })],
			[A],
		],
		[
			"without an id",
			[call(0, { name: "f", arguments: '{"x":1}' }), call(1, { name: "g", arguments: '{"y":2}' })],
			[
				{ ...A, id: "call_01ANSWER_0" },
				{ ...B, id: "call_01ANSWER_1" },
			],
		],
		["with one id for two calls", [call(0, A), call(1, { ...B, id: "a" })], [A, { ...B, id: "call_01ANSWER_1" }]],
		[
			"without arguments",
			[call(0, { id: "a", name: "f" }), call(1, { id: "b", name: "g", arguments: "" })],
			[
				{ ...A, arguments: "{}" },
				{ ...B, arguments: "{}" },
			],
		],
		["with arguments as an object", [call(0, { id: "a", name: "f", arguments: { x: 1 } })], [A]],
		["with a placeholder first", [call(0, { id: "a", name: "f", arguments: "{}" })], [{ ...A, arguments: "{}" }]],
		[
			"in the old words",
			[chunk({ function_call: { name: "f", arguments: '{"x"' } }), chunk({ function_call: { arguments: ":1}" } })],
			[{ ...A, id: "call_01ANSWER_0" }],
		],
		[
			"as nothing at all",
			[chunk({ content: "x", tool_calls: null }), chunk({ tool_calls: [] }), chunk({ tool_calls: [{ index: 0 }] })],
			[],
		],
	];
	test.each(CASES)("%s", (_, chunks, expected) => {
		const said = streamed([...chunks, finish("tool_calls")]);
		expect(callsOf(said)).toEqual(expected);
		expect(streamFaults(said)).toEqual([]);
	});

	test("text between the pieces of a call does not cut it", () => {
		const said = streamed([
			chunk({ content: "a" }),
			call(0, { id: "a", name: "f", arguments: '{"x"' }),
			chunk({ content: "b" }),
			call(0, { arguments: ":1}" }),
			finish("tool_calls"),
		]);
		expect(callsOf(said)).toEqual([A]);
		expect(kinds(said)).toEqual(["message", "function_call", "message"]);
	});

	test("free text for a custom tool", () => {
		const said = streamed([
			chunk({ tool_calls: [{ index: 0, id: "c", type: "custom", custom: { name: "sql", input: "" } }] }),
			chunk({ tool_calls: [{ index: 0, custom: { input: "select" } }] }),
			chunk({ tool_calls: [{ index: 0, custom: { input: " 1" } }] }),
			finish("tool_calls"),
		]);
		expect(output(said)).toMatchObject([
			{ id: "ctc_01ANSWER_0", type: "custom_tool_call", call_id: "c", name: "sql", input: "select 1" },
		]);
		expect(streamFaults(said)).toEqual([]);
	});

	test("a call's fields of one vendor stay on it", () => {
		const extra = { extra_content: { google: { thought_signature: "s" } } };
		const said = streamed([
			chunk({
				tool_calls: [{ index: 0, id: "a", type: "function", function: { name: "f", arguments: "{}" }, ...extra }],
			}),
			finish("tool_calls"),
		]);
		expect(output(said)).toMatchObject([extra]);
	});
});

describe("what else a model says", () => {
	const THINKING: readonly [string, JsonObject[]][] = [
		["reasoning_content", [chunk({ reasoning_content: "Hm" })]],
		["reasoning", [chunk({ reasoning: "H" }), chunk({ reasoning: "m" })]],
		["both at once", [chunk({ reasoning: "Hm", reasoning_content: "Hm" })]],
		["details alone", [chunk({ reasoning_details: [{ type: "reasoning.summary", summary: "Hm" }] })]],
		["details beside", [chunk({ reasoning: "Hm", reasoning_details: [{ type: "reasoning.text", text: "Hm" }] })]],
		[
			"details at the end",
			[
				chunk({ reasoning_content: "Hm" }),
				chunk({ reasoning_details: [{ type: "reasoning.text", text: "Hm", signature: "s" }] }),
			],
		],
		["parts of the content", [chunk({ content: [{ type: "thinking", thinking: [{ type: "text", text: "Hm" }] }] })]],
	];
	test.each(THINKING)("thinking as %s is told once", (_, chunks) => {
		const said = streamed([...chunks, chunk({ content: "Hi" }), finish("stop")]);
		expect(output(said)[0]).toMatchObject({
			type: "reasoning",
			summary: [{ type: "summary_text", text: "Hm" }],
			content: [],
		});
		expect(output(said)).toHaveLength(2);
		expect(output(said)[0]?.encrypted_content).toBeUndefined();
		expect(streamFaults(said)).toEqual([]);
	});

	test("a refusal", () => {
		const said = streamed([chunk({ role: "assistant", refusal: "N" }), chunk({ refusal: "o." }), finish("stop")]);
		expect(output(said)).toMatchObject([{ content: [{ type: "refusal", refusal: "No." }] }]);
		expect(streamFaults(said)).toEqual([]);
	});

	test("text and then a refusal are two parts of one message", () => {
		const said = streamed([chunk({ content: "Well" }), chunk({ refusal: "No." }), finish("stop")]);
		expect(output(said)).toMatchObject([
			{
				content: [
					{ type: "output_text", text: "Well" },
					{ type: "refusal", refusal: "No." },
				],
			},
		]);
		expect(streamFaults(said)).toEqual([]);
	});

	test("log probabilities, in the shape that clients check", () => {
		const entry = {
			token: "Hi",
			logprob: -0.1,
			bytes: null,
			top_logprobs: [{ token: "Hi", logprob: -0.1, bytes: [72] }],
		};
		const said = streamed(
			[
				chunk({ content: "Hi" }, { logprobs: { content: [entry], refusal: null } }),
				chunk({ content: "!" }, { logprobs: null }),
				finish("stop"),
			],
			{ top_logprobs: 1 },
		);
		expect(output(said)).toMatchObject([{ content: [{ text: "Hi!", logprobs: [{ ...entry, bytes: [] }] }] }]);
		expect(streamFaults(said)).toEqual([]);
	});

	const CITED = {
		type: "url_citation",
		url_citation: { url: "https://e.example", title: "E", start_index: 0, end_index: 2 },
	};
	const FLAT = { type: "url_citation", url: "https://e.example", title: "E", start_index: 0, end_index: 2 };
	test.each([
		["after the text", [chunk({ content: "Hi" }), chunk({ annotations: [CITED] })], true],
		["before the text", [chunk({ annotations: [FLAT] }), chunk({ content: "Hi" })], true],
		[
			"after the text was closed",
			[chunk({ content: "Hi" }), call(0, { id: "a", name: "f", arguments: "{}" }), chunk({ annotations: [CITED] })],
			false,
		],
	] as const)("citations %s", (_, chunks, told) => {
		const said = streamed([...chunks, finish("stop")]);
		expect(output(said)[0]).toMatchObject({ content: [{ text: "Hi", annotations: [FLAT] }] });
		expect(said.types.includes("response.output_text.annotation.added")).toBe(told);
		expect(streamFaults(said)).toEqual([]);
	});

	test("citations without an address, and what Perplexity found", () => {
		const said = streamed([
			{
				...chunk({ content: "Hi", citations: [{ document_index: 0, start_index: 0, end_index: 2 }] }),
				citations: ["https://e.example"],
			},
			finish("stop"),
		]);
		expect(output(said)).toMatchObject([{ content: [{ citations: [{ document_index: 0 }] }] }]);
		expect(said.response.citations).toEqual(["https://e.example"]);
	});

	test("a picture", () => {
		const said = streamed([
			chunk({ content: "Here" }),
			chunk({ images: [{ type: "image_url", image_url: { url: "data:image/jpeg;base64,AA==" } }] }),
			finish("stop"),
		]);
		expect(output(said)[1]).toEqual({
			id: "ig_01ANSWER_1",
			type: "image_generation_call",
			status: "completed",
			result: "AA==",
			output_format: "jpeg",
		});
		expect(streamFaults(said)).toEqual([]);
	});

	test("other choices than the first are none of ours", () => {
		const said = streamed([
			{
				choices: [
					{ index: 1, delta: { content: "no" } },
					{ index: 0, delta: { content: "Hi" } },
				],
			},
			finish("stop"),
		]);
		expect(output(said)).toMatchObject([{ content: [{ text: "Hi" }] }]);
	});

	test("a whole message in place of deltas, or beside them", () => {
		const whole = { choices: [{ message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }] };
		expect(output(streamed([whole]))).toMatchObject([{ content: [{ text: "Hi" }] }]);
		const repeated = [
			chunk({ content: "H" }, { message: { content: "H" } }),
			chunk({ content: "i" }, { message: { content: "Hi" } }),
			whole,
		];
		expect(output(streamed(repeated))).toMatchObject([{ content: [{ text: "Hi" }] }]);
	});

	const STRANGE: readonly JsonValue[] = [
		null,
		5,
		"x",
		[],
		[null],
		{},
		[{}],
		[[[]]],
		{ type: 5 },
		[{ type: "text", text: 5 }],
		true,
	];
	test("nothing strange throws or loses the rest", () => {
		const fields = [
			"content",
			"reasoning",
			"reasoning_content",
			"reasoning_details",
			"tool_calls",
			"function_call",
			"annotations",
			"citations",
			"images",
			"audio",
			"refusal",
			"role",
		];
		for (const field of fields) {
			for (const value of STRANGE.filter((entry) => typeof entry !== "string")) {
				const said = streamed([chunk({ [field]: value }), chunk({ content: "Hi" }), finish("stop")], WITH_SEALS);
				expect(said.types.at(-1)).toBe("response.completed");
				expect(JSON.stringify(output(said))).toContain("Hi");
			}
		}
		for (const value of STRANGE) {
			const broken = [
				{ choices: value },
				{ choices: [value] },
				chunk({}, { delta: value }),
				{ usage: value, choices: [] },
				chunk({}, { logprobs: value }),
			];
			expect(streamed([...broken, chunk({ content: "Hi" }), finish("stop")]).types.at(-1)).toBe("response.completed");
		}
	});
});

describe("sealed thinking in a stream", () => {
	const DETAIL = { type: "reasoning.text", text: "Hm", signature: "sig", format: "anthropic-claude-v1", index: 0 };

	test("closes the item only when the seal has come, and stands first", () => {
		const said = streamed(
			[
				chunk({ reasoning_content: "Hm" }),
				chunk({ content: "Hi" }),
				chunk({ reasoning_details: [DETAIL] }),
				finish("stop"),
			],
			WITH_SEALS,
		);
		expect(streamFaults(said)).toEqual([]);
		expect(kinds(said)).toEqual(["reasoning", "message"]);
		expect(unseal(output(said)[0]?.encrypted_content)).toEqual({ reasoning_details: [DETAIL] });
		const done = said.json.find((event) => event.type === "response.output_item.done" && event.output_index === 0);
		expect(done?.item).toEqual(output(said)[0] ?? null);
	});

	test("in pieces, as OpenRouter sends them, comes back whole", () => {
		const piece = (fields: JsonObject) =>
			chunk({ reasoning_details: [{ type: "reasoning.text", format: "anthropic-claude-v1", index: 0, ...fields }] });
		const said = streamed(
			[
				piece({ text: "H", signature: "" }),
				piece({ text: "m" }),
				piece({ signature: "sig" }),
				chunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "x", index: 1, id: "t1" }] }),
				chunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "y", index: 1, id: "t2" }] }),
				chunk({ content: "Hi" }),
				finish("stop"),
			],
			WITH_SEALS,
		);
		expect(unseal(output(said)[0]?.encrypted_content)).toEqual({
			reasoning_details: [
				DETAIL,
				{ type: "reasoning.encrypted", data: "x", index: 1, id: "t1" },
				{ type: "reasoning.encrypted", data: "y", index: 1, id: "t2" },
			],
		});
		expect(output(said)[0]).toMatchObject({ summary: [{ text: "Hm" }] });
	});

	test("that was never shown is an item of its own", () => {
		const hidden = chunk({
			reasoning_details: [{ type: "reasoning.encrypted", data: "x", format: "google-gemini-v1", index: 0 }],
		});
		const first = streamed([hidden, chunk({ content: "Hi" }), finish("stop")], WITH_SEALS);
		expect(kinds(first)).toEqual(["reasoning", "message"]);
		const last = streamed([chunk({ content: "Hi" }), hidden, finish("length")], WITH_SEALS);
		expect(kinds(last)).toEqual(["message", "reasoning"]);
		expect(output(last).map(({ status }) => status)).toEqual(["incomplete", "completed"]);
		expect(kinds(streamed([hidden, chunk({ content: "Hi" }), finish("stop")]))).toEqual(["message"]);
		for (const said of [first, last]) {
			expect(streamFaults(said)).toEqual([]);
		}
	});

	test.each(["reasoning_content", "reasoning"])(
		"without a seal goes back under the provider's own name: %s",
		(field) => {
			const said = streamed(
				[chunk({ [field]: "H" }), chunk({ [field]: "m" }), chunk({ content: "Hi" }), finish("stop")],
				WITH_SEALS,
			);
			expect(unseal(output(said)[0]?.encrypted_content)).toEqual({ [field]: "Hm" });
		},
	);
});
