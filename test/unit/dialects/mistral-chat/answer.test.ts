import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { jsonEvent } from "../../../../src/dialects/event-data.ts";
import { mistralChat } from "../../../../src/dialects/mistral-chat/translator.ts";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { chunk, DONE_EVENT, json, play, TARGET } from "../completions-over-chat/samples.ts";

function translation(request: JsonObject = {}) {
	return mistralChat.translate({ model: "alias", messages: [{ role: "user", content: "?" }], ...request }, TARGET);
}

function whole(message: JsonObject, rest: JsonObject = {}): JsonObject | undefined {
	return translation().whole({ id: "m1", choices: [{ index: 0, message, finish_reason: "stop", ...rest }] });
}

function messageOf(message: JsonObject): unknown {
	const choices = whole(message)?.choices as { message: unknown }[] | undefined;
	return choices?.[0]?.message;
}

function stream(events: readonly SseEvent[], request: JsonObject = {}): JsonObject[] {
	return play(translation(request).openStream(), events)
		.filter(({ data }) => data !== DONE_EVENT.data)
		.map(json);
}

const CITED = [
	{ type: "text", text: "Paris is big." },
	{ type: "reference", reference_ids: [0, "a"] },
	{ type: "reference", reference_ids: [2] },
	{ type: "text", text: " Rome too." },
	{ type: "tool_reference", tool: "web_search", title: "Rome", url: "https://e.test/rome" },
	{ type: "tool_reference", tool: "document_library", title: "Atlas" },
];
const CITATIONS = [
	{ type: "reference", reference_ids: [0, "a"], start_index: 0, end_index: 13 },
	{ type: "reference", reference_ids: [2], start_index: 0, end_index: 13 },
	{ type: "tool_reference", tool: "document_library", title: "Atlas", start_index: 13, end_index: 23 },
];
const ANNOTATIONS = [
	{
		type: "url_citation",
		url_citation: { url: "https://e.test/rome", title: "Rome", start_index: 13, end_index: 23 },
	},
];

describe("a whole answer", () => {
	test("references are citations of the words before them", () => {
		expect(messageOf({ role: "assistant", content: CITED })).toEqual({
			role: "assistant",
			content: "Paris is big. Rome too.",
			citations: CITATIONS,
			annotations: ANNOTATIONS,
		});
	});

	test("thinking is told apart, with whatever it refers to", () => {
		const thinking = [
			{ type: "text", text: "h" },
			{ type: "reference", reference_ids: [1] },
			{ type: "text", text: "m" },
		];
		const content = [
			{ type: "thinking", thinking, closed: true },
			{ type: "text", text: "x" },
		];
		expect(messageOf({ content })).toEqual({ content: "x", reasoning_content: "hm" });
	});

	test.each<[string, JsonValue, string]>([
		["an empty list", [], ""],
		["parts nobody knows, by their text", [{ type: "hologram", text: "x" }, { type: "hum" }, 5, null, "y"], "xy"],
	])("%s", (_name, content, text) => {
		expect(messageOf({ content })).toEqual({ content: text });
	});

	test("a picture is an image of the message", () => {
		expect(messageOf({ content: [{ type: "image_url", image_url: "data:image/png;base64,AA" }] })).toEqual({
			content: "",
			images: [{ type: "image_url", image_url: { url: "data:image/png;base64,AA" } }],
		});
	});

	test("calls are OpenAI's: a type, an id, arguments as text", () => {
		const calls = [
			{ id: "abcDEF123", function: { name: "f", arguments: '{"a":1}' } },
			{ id: "null", function: { name: "g", arguments: { b: 2 } } },
			{ function: { name: "h" }, index: 2 },
		];
		expect(messageOf({ content: "", tool_calls: calls })).toEqual({
			content: "",
			tool_calls: [
				{ id: "abcDEF123", type: "function", function: { name: "f", arguments: '{"a":1}' } },
				{ id: "call_01ANSWER_1", type: "function", function: { name: "g", arguments: '{"b":2}' } },
				{ id: "call_01ANSWER_2", type: "function", function: { name: "h", arguments: "{}" }, index: 2 },
			],
		});
	});

	test("a full context is a length, a broken generation is a failure", () => {
		expect(whole({ content: "x" }, { finish_reason: "model_length" })).toMatchObject({
			choices: [{ finish_reason: "length" }],
		});
		expect(whole({ content: "x" }, { finish_reason: "error" })).toMatchObject({ error: { status: 500 } });
	});

	test("what is no answer of a chat is nothing, and a failure inside stays one", () => {
		expect(translation().whole({ data: [] })).toBeUndefined();
		const failure = {
			object: "error",
			message: "Service tier capacity exceeded",
			type: "service_tier_capacity_exceeded",
			code: "3505",
		};
		expect(translation().whole(failure)).toMatchObject({
			error: { message: "Service tier capacity exceeded", code: "3505" },
		});
	});
});

describe("a stream", () => {
	test("tells citations once, with their places in the whole text, before the finish", () => {
		const told = stream([
			chunk({ role: "assistant", content: "Paris" }),
			chunk({ content: " is big." }),
			chunk({ content: CITED.slice(1, 3) }),
			chunk({ content: CITED.slice(3) }),
			chunk({ content: "" }, { finish_reason: "stop" }, { usage: { prompt_tokens: 1, completion_tokens: 2 } }),
			DONE_EVENT,
		]);
		expect(told.slice(3)).toMatchObject([
			{ choices: [{ delta: { content: " Rome too." } }] },
			{ choices: [{ index: 0, delta: { citations: CITATIONS, annotations: ANNOTATIONS }, finish_reason: null }] },
			{ choices: [{ delta: { content: "" }, finish_reason: "stop" }], usage: { prompt_tokens: 1 } },
		]);
		expect(told.filter((event) => event.usage !== undefined)).toHaveLength(1);
	});

	test("calls are OpenAI's, whole or in pieces", () => {
		const call = (fields: JsonObject) => chunk({ tool_calls: [fields] });
		const told = stream([
			call({ id: "abcDEF123", function: { name: "f", arguments: "" }, index: 0 }),
			call({ function: { name: "", arguments: '{"a":' }, index: 0 }),
			call({ id: "null", function: { arguments: "1}" }, index: 0 }),
			call({ id: "null", function: { name: "g", arguments: { b: 2 } } }),
			call({ function: { arguments: "" } }),
			chunk({}, { finish_reason: "tool_calls" }),
		]);
		expect(told.slice(0, -1).map((event) => (event.choices as { delta: JsonObject }[])[0]?.delta.tool_calls)).toEqual([
			[{ id: "abcDEF123", type: "function", index: 0, function: { name: "f", arguments: "" } }],
			[{ index: 0, function: { arguments: '{"a":' } }],
			[{ index: 0, function: { arguments: "1}" } }],
			[{ id: "call_01ANSWER_1", type: "function", index: 1, function: { name: "g", arguments: '{"b":2}' } }],
			[{ index: 1, function: { arguments: "" } }],
		]);
	});

	test("a call that never gets arguments has none: `{}`, at the latest with the finish", () => {
		const call = { id: "abcDEF123", function: { name: "f", arguments: "" }, index: 0 };
		const deltas = (events: SseEvent[]) =>
			stream(events).map((event) => (event.choices as { delta: JsonObject }[])[0]?.delta.tool_calls);
		const begun = { id: "abcDEF123", type: "function", index: 0 };
		expect(deltas([chunk({ tool_calls: [call] }), chunk({ content: "" }, { finish_reason: "tool_calls" })])).toEqual([
			[{ ...begun, function: { name: "f", arguments: "" } }],
			[{ index: 0, function: { arguments: "{}" } }],
		]);
		expect(deltas([chunk({ tool_calls: [call] }, { finish_reason: "tool_calls" })])).toEqual([
			[{ ...begun, function: { name: "f", arguments: "{}" } }],
		]);
	});

	test("a broken generation is a failure, and the last word", () => {
		const told = stream([
			chunk({ content: "a" }),
			chunk({}, { finish_reason: "error" }),
			chunk({ content: "b" }),
			DONE_EVENT,
		]);
		expect(told).toHaveLength(2);
		expect(told[1]).toMatchObject({ error: { status: 500, type: "server_error" } });
	});

	test("a failure is told in the gateway's form", () => {
		expect(stream([jsonEvent({ object: "error", message: "no", type: "rate_limit_error", code: "1300" })])).toEqual([
			{ error: { message: "no", type: "rate_limit_error", param: null, code: "1300", status: 429 } },
		]);
	});

	test("what is no JSON is malformed; a stream that was cut is not ended", () => {
		const translator = translation().openStream();
		expect(translator.step({ name: "", data: "[" })).toBe("malformed");
		expect(translator.step(jsonEvent({ ping: 1 }))).toEqual([jsonEvent({ ping: 1 })]);
		translator.step(chunk({ content: "a" }));
		expect(translator.end()).toEqual([]);
	});
});

describe("calls of what the client offered", () => {
	const custom = { tools: [{ type: "custom", custom: { name: "sql" } }] };
	const wire = { id: "abcDEF123", function: { name: "sql", arguments: '{"input":"SELECT 1"}' }, index: 0 };
	const told = { id: "abcDEF123", type: "custom", custom: { name: "sql", input: "SELECT 1" } };
	const callsOf = (events: SseEvent[], request: JsonObject) =>
		stream(events, request).flatMap((event) => (event.choices as { delta: JsonObject }[])[0]?.delta.tool_calls ?? []);

	test("a tool that takes free text, whole", () => {
		const answer = translation(custom).whole({ choices: [{ message: { content: "", tool_calls: [wire] } }] });
		expect(answer).toMatchObject({ choices: [{ message: { tool_calls: [told] } }] });
	});

	test("the same in a stream, in pieces or at once", () => {
		const { function: _, ...head } = wire;
		expect(
			callsOf(
				[
					chunk({ tool_calls: [{ ...head, function: { name: "sql", arguments: '{"input":"SEL' } }] }),
					chunk({ tool_calls: [{ index: 0, function: { arguments: 'ECT 1"}' } }] }),
					chunk({}, { finish_reason: "tool_calls" }),
				],
				custom,
			),
		).toEqual([
			{ index: 0, id: "abcDEF123", type: "custom", custom: { name: "sql", input: "" } },
			{ index: 0, custom: { input: "SELECT 1" } },
		]);
		const atOnce = callsOf([chunk({ tool_calls: [wire] }, { finish_reason: "tool_calls" })], custom);
		expect(atOnce).toEqual([{ index: 0, ...told }]);
	});

	test("a name that had to be changed is the client's again", () => {
		const request = { tools: [{ type: "function", function: { name: "files.read" } }] };
		const sent = translation(request).body.tools as { function: { name: string } }[];
		const call = { id: "abcDEF123", function: { name: sent[0]?.function.name ?? "", arguments: "{}" } };
		expect(callsOf([chunk({ tool_calls: [call] })], request)).toMatchObject([{ function: { name: "files.read" } }]);
		const answer = translation(request).whole({ choices: [{ message: { tool_calls: [call] } }] });
		expect(answer).toMatchObject({ choices: [{ message: { tool_calls: [{ function: { name: "files.read" } }] } }] });
	});

	test("the old words are answered in the old words, with the first call", () => {
		const request = { functions: [{ name: "f" }, { name: "g" }] };
		const calls = [
			{ id: "abcDEF123", function: { name: "f", arguments: '{"a":1}' }, index: 0 },
			{ id: "abcDEF124", function: { name: "g", arguments: "{}" }, index: 1 },
		];
		const first = { name: "f", arguments: '{"a":1}' };
		const answer = translation(request).whole({
			choices: [{ message: { content: "", tool_calls: calls }, finish_reason: "tool_calls" }],
		});
		expect(answer?.choices).toEqual([
			{ message: { content: "", function_call: first }, finish_reason: "function_call" },
		]);
		const [event] = stream([chunk({ content: "", tool_calls: calls }, { finish_reason: "tool_calls" })], request);
		expect(event?.choices).toEqual([
			{ index: 0, delta: { content: "", function_call: first }, finish_reason: "function_call" },
		]);
	});
});

test("the beginning that the client wrote is not said again, whole or however it is cut", () => {
	const text = fc.string({ maxLength: 12 });
	fc.assert(
		fc.property(
			fc.constantFrom("Once", "a", "aaa", "{"),
			text,
			fc.nat(3),
			fc.boolean(),
			(prefix, rest, size, again) => {
				const request = {
					messages: [
						{ role: "user", content: "?" },
						{ role: "assistant", content: prefix },
					],
				};
				const said = again ? prefix + rest : rest;
				const expected = said.startsWith(prefix) ? said.slice(prefix.length) : said;
				const answer = translation(request).whole({ choices: [{ message: { content: said } }] });
				expect(answer).toMatchObject({ choices: [{ message: { content: expected } }] });
				const pieces = said.match(new RegExp(`[^]{1,${size + 1}}`, "gu")) ?? [];
				const events = [
					...pieces.map((content) => chunk({ content })),
					chunk({ content: "" }, { finish_reason: "stop" }),
				];
				const told = stream(events, request).map(
					(event) => (event.choices as { delta: JsonObject }[])[0]?.delta.content ?? "",
				);
				expect(told.join("")).toBe(expected);
			},
		),
	);
});

const part = fc.oneof(
	fc.record({ type: fc.constant("text"), text: fc.string() }),
	fc.record({
		type: fc.constant("thinking"),
		thinking: fc.array(fc.record({ type: fc.constant("text"), text: fc.string() })),
	}),
	fc.record({ type: fc.constant("reference"), reference_ids: fc.array(fc.nat()) }),
	fc.record({ type: fc.constant("tool_reference"), title: fc.string(), url: fc.option(fc.constant("https://e.test")) }),
);

test("a stream says what the whole answer says, however it is cut", () => {
	fc.assert(
		fc.property(fc.array(fc.array(part, { maxLength: 4 }), { maxLength: 8 }), fc.boolean(), (deltas, plain) => {
			const message = messageOf({ content: deltas.flat() }) as Record<string, unknown>;
			const events = deltas.map((content) => {
				const texts = content.every(({ type }) => type === "text");
				// A list of texts may as well come as a text.
				return chunk({
					content: plain && texts ? content.map((said) => ("text" in said ? said.text : "")).join("") : content,
				});
			});
			const said = { content: "", reasoning_content: "", citations: undefined, annotations: undefined } as JsonObject;
			for (const { choices } of stream([...events, chunk({}, { finish_reason: "stop" }), DONE_EVENT])) {
				const { delta } = (choices as { delta: JsonObject }[])[0] ?? { delta: {} };
				said.content = `${said.content}${delta.content ?? ""}`;
				said.reasoning_content = `${said.reasoning_content}${delta.reasoning_content ?? ""}`;
				expect(said.citations === undefined || delta.citations === undefined).toBe(true);
				said.citations = delta.citations ?? said.citations;
				said.annotations = delta.annotations ?? said.annotations;
			}
			expect<unknown>({ ...said, reasoning_content: said.reasoning_content || undefined }).toEqual({
				content: message.content,
				reasoning_content: message.reasoning_content,
				citations: message.citations,
				annotations: message.annotations,
			});
		}),
		{ numRuns: 300 },
	);
});

test("no event and no answer makes it throw", () => {
	const choice = fc.record({
		delta: fc.jsonValue(),
		message: fc.jsonValue(),
		finish_reason: fc.jsonValue(),
		index: fc.jsonValue(),
	});
	const content = fc.record({ content: fc.jsonValue(), tool_calls: fc.array(fc.jsonValue()) });
	const anyAnswer = fc.oneof(
		fc.jsonValue(),
		fc.record({ choices: fc.oneof(fc.jsonValue(), fc.array(choice)) }),
		content.map((message) => ({ choices: [{ delta: message, message, finish_reason: "stop" }] })),
	);
	fc.assert(
		fc.property(fc.array(anyAnswer, { maxLength: 10 }), (answers) => {
			const translator = translation().openStream();
			for (const answer of answers) {
				translator.step({ name: "", data: JSON.stringify(answer) });
				if (typeof answer === "object" && answer !== null && !Array.isArray(answer)) {
					translation().whole(JSON.parse(JSON.stringify(answer)));
				}
			}
			translator.end();
		}),
	);
});

test("a prompt that is too long is told by OpenAI's code", () => {
	const message =
		"Prompt contains 40001 tokens and 0 draft tokens, too large for model with 32768 maximum context length";
	const fault = translation().readFault({ object: "error", message, type: "invalid_request_error", code: "3051" }, 400);
	expect(fault).toMatchObject({ status: 400, code: "context_length_exceeded", message });
});

describe("failures in Mistral's words", () => {
	const extra = {
		type: "extra_forbidden",
		loc: ["body", "messages", 0, "user", "name"],
		msg: "Extra inputs are not permitted",
	};

	test.each<[string, JsonObject, string]>([
		["a list of what is wrong", { detail: [extra] }, "body.messages.0.user.name: Extra inputs are not permitted"],
		[
			"the same inside the message",
			{ object: "error", message: { detail: [extra, { msg: "too long" }] }, type: "invalid_request_error" },
			"body.messages.0.user.name: Extra inputs are not permitted; too long",
		],
		["a word", { detail: "Unauthorized" }, "Unauthorized"],
		["a message", { object: "error", message: "Invalid model: x", code: "1500" }, "Invalid model: x"],
		["nothing", {}, "The provider gave no reason."],
		["nonsense", { detail: [5, {}] }, "The provider gave no reason."],
	])("%s", (_name, body, message) => {
		expect(translation().readFault(body, 422)).toMatchObject({ status: 422, message });
	});
});
