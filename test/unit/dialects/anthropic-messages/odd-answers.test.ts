import { describe, expect, test } from "bun:test";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { message, type Said, saidStreamed, saidWhole, streamed, translated } from "./support.ts";

const START = { type: "message_start", message: message([], { stop_reason: null }) };
const start = (index: JsonValue | undefined, block: JsonValue) => ({
	type: "content_block_start",
	...(index === undefined ? {} : { index }),
	content_block: block,
});
const delta = (index: JsonValue | undefined, fields: JsonValue) => ({
	type: "content_block_delta",
	...(index === undefined ? {} : { index }),
	delta: fields,
});
const stop = (index?: JsonValue) => ({ type: "content_block_stop", ...(index === undefined ? {} : { index }) });
const END = [
	{ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } },
	{ type: "message_stop" },
];
const call = (id: string, input: JsonValue = {}) => ({ type: "tool_use", id, name: "f", input });
const json = (partial: string) => ({ type: "input_json_delta", partial_json: partial });
const words = (text: string) => ({ type: "text_delta", text });

function told(events: JsonObject[], request: JsonObject = {}): Said {
	return saidStreamed(streamed(translated(request), [START, ...events, ...END]));
}

function whole(answer: JsonObject): JsonObject {
	return translated({}).whole(answer) ?? {};
}

describe("blocks of a stream", () => {
	test("without an index belong to the block that began last", () => {
		const said = told([
			start(0, { type: "text", text: "" }),
			delta(0, words("a")),
			stop(0),
			start(1, call("t1")),
			delta(undefined, json('{"a":')),
			delta(undefined, json("1}")),
			stop(),
		]);
		expect(said).toMatchObject({ text: "a", calls: [{ id: "t1", arguments: '{"a":1}' }] });
	});

	test("without any index at all follow each other", () => {
		const said = told([
			start(undefined, { type: "text", text: "" }),
			delta(undefined, words("a")),
			start(undefined, call("t1")),
			delta(undefined, json('{"a":1}')),
			start(undefined, call("t2")),
			delta(undefined, json('{"b":2}')),
		]);
		expect(said.calls.map((made) => made.arguments)).toEqual(['{"a":1}', '{"b":2}']);
	});

	test("with an index in quotes are told apart", () => {
		const said = told([
			start("0", call("t1")),
			start("1", call("t2")),
			delta("0", json('{"a":1}')),
			delta("1", json('{"b":2}')),
		]);
		expect(said.calls.map((made) => made.arguments)).toEqual(['{"a":1}', '{"b":2}']);
	});

	test("whose start was lost lose neither words nor thinking", () => {
		const said = told([
			delta(0, { type: "thinking_delta", thinking: "hm" }),
			delta(0, { type: "signature_delta", signature: "s" }),
			delta(1, words("Hi")),
		]);
		expect(said).toMatchObject({ text: "Hi", reasoning: "hm", details: [{ text: "hm", signature: "s" }] });
	});

	test("that begin twice are one call; another call of the same id gets one of its own", () => {
		const said = told([
			start(0, call("t1")),
			start(0, call("t1")),
			delta(0, json('{"a":1}')),
			stop(0),
			start(1, call("t1")),
			stop(1),
		]);
		expect(said.calls).toEqual([
			{ id: "t1", name: "f", arguments: '{"a":1}' },
			{ id: "call_a1_1", name: "f", arguments: "{}" },
		]);
	});
});

describe("a call", () => {
	test("whose input is text already is told as it is, whole and streamed", () => {
		const input = '{"a":1}';
		expect(told([start(0, call("t1", input)), stop(0)]).calls[0]?.arguments).toBe(input);
		expect(saidWhole(whole(message([call("t1", input)]))).calls[0]?.arguments).toBe(input);
		expect(saidWhole(whole(message([call("t1", ""), call("t2", null)]))).calls).toMatchObject([
			{ arguments: "{}" },
			{ arguments: "{}" },
		]);
	});

	test("of a whole answer has an id of its own", () => {
		const { calls } = saidWhole(whole(message([call("t"), call("t"), { type: "tool_use", name: "f" }])));
		expect(calls.map(({ id }) => id)).toEqual(["t", "call_a1_1", "call_a1_2"]);
	});
});

describe("usage of a stream", () => {
	test.each<[string, JsonObject]>([
		["text", { input_tokens: "10", output_tokens: "9" }],
		["negative", { input_tokens: -1, output_tokens: -5 }],
		["fractions", { input_tokens: 0.5, output_tokens: 1.5 }],
		["null", { input_tokens: null, output_tokens: null }],
	])("keeps what was counted where what comes later is no count: %s", (_name, later) => {
		const events = [START, { type: "message_delta", delta: {}, usage: later }, { type: "message_stop" }];
		expect(saidStreamed(streamed(translated({}), events)).usage).toMatchObject({
			prompt_tokens: 10,
			completion_tokens: 5,
		});
	});

	test("takes a later zero for what it is", () => {
		const later = { type: "message_delta", delta: {}, usage: { output_tokens: 0 } };
		const { usage } = saidStreamed(streamed(translated({}), [START, later, { type: "message_stop" }]));
		expect(usage).toMatchObject({ completion_tokens: 0 });
	});
});

describe("a failure in a stream", () => {
	test.each<[string, JsonObject, JsonObject]>([
		["a bare word", { error: "overloaded" }, { message: "overloaded", status: 500 }],
		["nothing but its type", { type: "error" }, { status: 500 }],
		["null", { type: "error", error: null }, { status: 500 }],
		["a type alone", { type: "error", error: { type: "overloaded_error" } }, { type: "overloaded_error", status: 529 }],
		[
			"an event of another kind",
			{ type: "message_delta", delta: {}, error: { type: "overloaded_error", message: "Overloaded" } },
			{ message: "Overloaded", status: 529 },
		],
	])("told as %s is its last word", (_name, event, expected) => {
		const events = streamed(translated({}), [START, delta(0, words("a")), event, ...END]);
		expect(JSON.parse(events.at(-1)?.data ?? "")).toMatchObject({ error: expected });
	});
});

describe("a whole answer", () => {
	test.each<[string, JsonValue, string]>([
		["null", null, ""],
		["an empty list", [], ""],
		["a text without a block", "Hello", "Hello"],
		["blocks that are none", [null, 1, "x", { type: null }, { type: "text", text: "Hello" }], "Hello"],
	])("whose content is %s is an answer", (_name, content, expected) => {
		const answer = whole(message([], { content }));
		expect(answer).toMatchObject({
			choices: [{ message: { content: expected }, finish_reason: "stop" }],
			usage: { prompt_tokens: 10 },
		});
	});

	test("without a word of content and type is none", () => {
		expect(translated({}).whole({ id: "m", role: "assistant" })).toBeUndefined();
	});
});

describe("thinking between calls", () => {
	const thought = (text: string) => ({ type: "thinking", thinking: text, signature: `seal of ${text}` });
	const content = [thought("a"), { type: "text", text: "I look" }, thought("b"), call("t1"), thought("c"), call("t2")];
	const asked = { tools: [{ type: "function", function: { name: "f" } }] };
	const results = ["t1", "t2"].map((id) => ({ role: "tool", tool_call_id: id, content: "1" }));

	function sentBack(turn: JsonObject): JsonValue | undefined {
		const { body } = translated(
			{ ...asked, messages: [{ role: "user", content: "go" }, turn, ...results] },
			{ model: "claude-opus-5" },
		);
		return Array.isArray(body.messages) ? body.messages[1] : undefined;
	}

	test("goes back to its place, from a whole answer", () => {
		const [choice] = (whole(message(content)).choices ?? []) as { message: JsonObject }[];
		expect(sentBack(choice?.message ?? {})).toEqual({ role: "assistant", content });
	});

	test("goes back to its place, from a stream", () => {
		const said = told(
			content.flatMap((block, index) => [start(index, block), stop(index)]),
			asked,
		);
		const turn = {
			role: "assistant",
			content: said.text,
			reasoning_details: [...said.details],
			tool_calls: said.calls.map(({ id, ...described }) => ({ id, type: "function", function: described })),
		};
		expect(sentBack(turn)).toEqual({ role: "assistant", content });
	});

	test("whose call the client has cut out goes to the front", () => {
		const detail = { type: "reasoning.text", format: "anthropic-claude-v1", text: "b", signature: "s", id: "gone" };
		expect(
			sentBack({
				role: "assistant",
				content: "x",
				reasoning_details: [detail],
				tool_calls: results.map(({ tool_call_id: id }) => ({
					id,
					type: "function",
					function: { name: "f", arguments: "" },
				})),
			}),
		).toMatchObject({ content: [{ type: "thinking", thinking: "b" }, { type: "text" }, {}, {}] });
	});
});
