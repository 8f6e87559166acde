import { describe, expect, test } from "bun:test";
import { isJsonObject, type JsonObject } from "../../../../src/lib/json-types.ts";
import { schemaFaults } from "../../../support/openai-schema.ts";
import { clientEvents, collect, event, messageOf, objects, translated } from "./harness.ts";

const NOTE = { type: "custom", custom: { name: "note" } };
const TOKENS = { tokens: { input_tokens: 10, output_tokens: 4 } };

function answer(message: JsonObject, rest: JsonObject = {}): JsonObject {
	return { id: "a", message: { role: "assistant", ...message }, finish_reason: "COMPLETE", usage: TOKENS, ...rest };
}

const start = event({ type: "message-start", id: "a", delta: { message: { role: "assistant" } } });
const say = (text: string, index = 0) =>
	event({ type: "content-delta", index, delta: { message: { content: { text } } } });
const end = (delta: JsonObject = {}) =>
	event({ type: "message-end", delta: { finish_reason: "COMPLETE", usage: TOKENS, ...delta } });

describe("finish reasons", () => {
	const table = [
		["COMPLETE", "stop"],
		["complete", "stop"],
		["STOP_SEQUENCE", "stop"],
		["MAX_TOKENS", "length"],
		["TOOL_CALL", "tool_calls"],
		["ERROR_TOXIC", "content_filter"],
		["SOMETHING_NEW", "stop"],
	] as const;
	test.each(table)("%s is %s, whole and streamed", (word, reason) => {
		const [choice] = objects(translated().whole(answer({ content: [] }, { finish_reason: word }))?.choices);
		expect(choice?.finish_reason).toBe(reason);
		expect(collect(clientEvents([start, end({ finish_reason: word })], translated())).reasons).toEqual([reason]);
	});
});

describe("an answer that failed", () => {
	const table: readonly (readonly [delta: JsonObject, fault: JsonObject])[] = [
		[{ finish_reason: "ERROR" }, { status: 500, type: "server_error" }],
		[{ finish_reason: "TIMEOUT" }, { status: 504, type: "server_error" }],
		[
			{ finish_reason: "ERROR", error: "too many tokens: size limit exceeded by 12 tokens." },
			{ status: 400, code: "context_length_exceeded" },
		],
		[
			{ finish_reason: "ERROR", error: "upstream burnt down" },
			{ status: 500, message: "upstream burnt down" },
		],
	];
	test.each(table)("%j", (delta, fault) => {
		const streamed = clientEvents([start, say("Hel"), end(delta), event({ type: "content-delta" })], translated());
		const got = collect(streamed);
		expect(got.error).toMatchObject(fault);
		expect({ reasons: got.reasons, done: got.isDone, last: JSON.parse(streamed.at(-1)?.data ?? "{}").error }).toEqual({
			reasons: [],
			done: false,
			last: got.error,
		});
		const whole = translated().whole(answer({ content: [] }, { ...delta }));
		expect(isJsonObject(whole?.error) ? whole.error : {}).toMatchObject(fault);
	});

	test("an error in the place of an event ends the stream", () => {
		const table: readonly (readonly [JsonObject, string, number])[] = [
			[{ message: "You are using a Trial key, which is limited to 20 API calls / minute." }, "", 429],
			[{ message: "boom" }, "error", 500],
			[{ type: "error", message: "invalid api token" }, "", 401],
			[{ error: { message: "busy", code: 503 } }, "", 503],
		];
		for (const [json, name, status] of table) {
			const got = collect(clientEvents([start, event(json, name), end()], translated()));
			expect({ status: got.error?.status, reasons: got.reasons }).toEqual({ status, reasons: [] });
		}
	});
});

describe("faults", () => {
	const table: readonly (readonly [status: number | undefined, message: string, expected: JsonObject])[] = [
		[
			400,
			"too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292.",
			{ code: "context_length_exceeded", type: "invalid_request_error" },
		],
		[
			400,
			"too many tokens: max tokens must be less than or equal to 4096, the maximum output for this model.",
			{ code: undefined, type: "invalid_request_error" },
		],
		[401, "invalid api token", { code: "invalid_api_key", type: "authentication_error" }],
		[402, "Please add or update your payment method", { code: "insufficient_quota" }],
		[404, "model 'x' not found, make sure the correct model ID was used", { code: "model_not_found" }],
		[429, "You are past the per minute request limit", { code: "rate_limit_exceeded" }],
		[429, "You are using a Trial key, which is limited to 1000 API calls / month.", { code: "insufficient_quota" }],
		[498, "blocked output", { code: "content_filter", type: "invalid_request_error" }],
		[499, "request cancelled", { type: "request_cancelled" }],
		[500, "internal server error: rate limit service down", { type: "server_error", code: undefined }],
		[503, "no healthy upstream", { type: "server_error" }],
		[undefined, "invalid api token", { status: 401 }],
		[undefined, "strange", { status: 500 }],
	];
	test.each(table)("%j %s", (status, message, expected) => {
		const fault = translated().readFault({ id: "x", message }, status);
		expect(fault).toMatchObject({ message, ...(status === undefined ? {} : { status }), ...expected });
	});
});

describe("an answer", () => {
	test("of another wire is none", () => {
		expect(translated().whole({ choices: [] })).toBeUndefined();
		expect(translated().whole({ message: "odd" })).toBeUndefined();
		expect(translated().whole({})).toBeUndefined();
	});

	test("shows its thinking, and keeps the plan of its calls beside it for the next turn", () => {
		const call = { function: { name: "now", arguments: null } };
		const whole = translated().whole(
			answer(
				{ content: [{ type: "thinking", thinking: "Hm." }], tool_plan: "Look.", tool_calls: [call] },
				{ finish_reason: "TOOL_CALL" },
			),
		);
		const details = [
			{ type: "reasoning.text", format: "cohere-v2", index: 0, text: "Hm." },
			{ type: "reasoning.text", format: "cohere-v2", index: 1, id: "tool_plan", text: "Look." },
		];
		const message = messageOf(whole);
		expect(message).toEqual({
			role: "assistant",
			content: null,
			refusal: null,
			reasoning_content: "Hm.",
			reasoning_details: details,
			tool_calls: [{ id: "call_01J_0", type: "function", function: { name: "now", arguments: "{}" } }],
		});
		const next = translated({ messages: [message, { role: "tool", tool_call_id: "call_01J_0", content: "noon" }] });
		expect(objects(next.body.messages)[0]).toMatchObject({ tool_plan: "Look." });
		const got = collect(
			clientEvents(
				[
					start,
					event({ type: "content-delta", index: 0, delta: { message: { content: { thinking: "Hm." } } } }),
					event({ type: "tool-plan-delta", delta: { message: { tool_plan: "Lo" } } }),
					event({ type: "tool-plan-delta", delta: { message: { tool_plan: "ok." } } }),
					event({ type: "tool-call-start", index: 0, delta: { message: { tool_calls: call } } }),
					end({ finish_reason: "TOOL_CALL" }),
				],
				translated(),
			),
		);
		expect({ reasoning: got.reasoning, details: got.details }).toEqual({ reasoning: "Hm.", details });
	});

	test("hides its thinking where the client does not want it", () => {
		const hidden = translated({ reasoning: { enabled: true, exclude: true } });
		const content = [
			{ type: "thinking", thinking: "Hm." },
			{ type: "text", text: "Hi" },
		];
		expect(Object.keys(messageOf(hidden.whole(answer({ content }))))).toEqual(["role", "content", "refusal"]);
		const think = event({ type: "content-delta", index: 0, delta: { message: { content: { thinking: "Hm." } } } });
		const got = collect(clientEvents([start, think, say("Hi", 1), end()], hidden));
		expect({ reasoning: got.reasoning, details: got.details, text: got.text }).toEqual({
			reasoning: "",
			details: undefined,
			text: "Hi",
		});
	});

	test("answers the old functions in their words", () => {
		const old = translated({ functions: [{ name: "now" }] });
		const calls = [{ id: "x", type: "function", function: { name: "now", arguments: "null" } }];
		const whole = old.whole(answer({ tool_calls: calls }, { finish_reason: "TOOL_CALL" }));
		expect(objects(whole?.choices)[0]).toMatchObject({
			finish_reason: "function_call",
			message: { function_call: { name: "now", arguments: "{}" } },
		});
	});

	test("gives every call an id of its own, whole and streamed, and arguments that come as an object as text", () => {
		const call = { id: "x", type: "function", function: { name: "now", arguments: { a: 1 } } };
		const whole = translated().whole(answer({ tool_calls: [call, call] }, { finish_reason: "TOOL_CALL" }));
		const ids = objects(messageOf(whole).tool_calls).map(({ id }) => id);
		expect(new Set(ids).size).toBe(2);
		const told = [0, 1].flatMap((index) => [
			event({
				type: "tool-call-start",
				index,
				delta: { message: { tool_calls: { id: "x", function: { name: "now" } } } },
			}),
			event({ type: "tool-call-delta", index, delta: { message: { tool_calls: { function: call.function } } } }),
		]);
		const got = collect(clientEvents([start, ...told, end({ finish_reason: "TOOL_CALL" })], translated()));
		expect(got.calls.map(({ id }) => id)).toEqual(ids as string[]);
		expect(got.calls.map((each) => each.arguments)).toEqual(['{"a":1}', '{"a":1}']);
	});

	test("gives a custom tool its free text, whole and streamed", () => {
		const custom = translated({ tools: [NOTE] });
		const call = { id: "n", type: "function", function: { name: "note", arguments: '{"input":"a\\"b"}' } };
		const whole = custom.whole(answer({ tool_calls: [call] }, { finish_reason: "TOOL_CALL" }));
		expect(messageOf(whole).tool_calls).toEqual([{ id: "n", type: "custom", custom: { name: "note", input: 'a"b' } }]);
		const piece = (text: string) =>
			event({
				type: "tool-call-delta",
				index: 0,
				delta: { message: { tool_calls: { function: { arguments: text } } } },
			});
		const begin = { id: "n", type: "function", function: { name: "note", arguments: "" } };
		const got = collect(
			clientEvents(
				[
					start,
					event({ type: "tool-call-start", index: 0, delta: { message: { tool_calls: begin } } }),
					piece('{"inp'),
					piece('ut":"a\\"b"}'),
					end({ finish_reason: "TOOL_CALL" }),
				],
				custom,
			),
		);
		expect(got.calls).toEqual([{ id: "n", name: "note", arguments: 'a"b' }]);
	});

	test("counts what was billed only where the tokens are missing", () => {
		const usage = { billed_units: { input_tokens: 3, output_tokens: 2 }, cached_tokens: 99 };
		expect(translated().whole(answer({ content: [] }, { usage }))?.usage).toMatchObject({
			prompt_tokens: 3,
			completion_tokens: 2,
			prompt_tokens_details: { cached_tokens: 3 },
		});
		expect(translated().whole(answer({ content: [] }, { usage: null }))?.usage).toBeUndefined();
	});

	test("tells the probabilities of its tokens", () => {
		const logprobs = [
			{ text: "Hé", token_ids: [1, 2], logprobs: [-0.5, -0.25] },
			{ text: "!", token_ids: [3], logprobs: [-1] },
		];
		const expected = {
			content: [
				{ token: "Hé", logprob: -0.75, bytes: [72, 195, 169], top_logprobs: [] },
				{ token: "!", logprob: -1, bytes: [33], top_logprobs: [] },
			],
			refusal: null,
		};
		const content = [{ type: "text", text: "Hé!" }];
		const whole = translated({ logprobs: true }).whole(answer({ content }, { logprobs }));
		expect(objects(whole?.choices)[0]?.logprobs).toEqual(expected);
		expect(schemaFaults("CreateChatCompletionResponse", whole)).toEqual([]);
		const pieces = logprobs.map((item) =>
			event({ type: "content-delta", index: 0, delta: { message: { content: { text: item.text } } }, logprobs: item }),
		);
		const chunks = clientEvents([start, ...pieces, end()], translated()).flatMap(({ json }) => objects(json?.choices));
		const told = chunks.flatMap((choice) => objects([choice.logprobs]));
		expect(told.flatMap((entry) => objects(entry.content))).toEqual(expected.content);
	});

	test("unknown blocks, events and fields lose nothing of the rest", () => {
		const content = [{ type: "hologram", text: "not this" }, { type: "text", text: "Hi" }, 5];
		expect(messageOf(translated().whole(answer({ content, new_field: {} }))).content).toBe("Hi");
		const got = collect(
			clientEvents(
				[
					start,
					event({ type: "constructor" }),
					event({ type: "debug", prompt: "x" }),
					event({
						type: "content-start",
						index: 0,
						delta: { message: { content: { type: "hologram", text: "not" } } },
					}),
					say("this", 0),
					{ name: "", data: "not json" },
					say("Hi", 1),
					event({ type: "citation-start" }),
					event({ type: "tool-call-delta", index: 4 }),
					end(),
				],
				translated(),
			),
		);
		expect({ text: got.text, reasons: got.reasons, done: got.isDone }).toEqual({
			text: "Hi",
			reasons: ["stop"],
			done: true,
		});
	});

	test("an event that is no JSON is malformed, and what follows the end is nothing", () => {
		const stream = translated().openStream();
		expect(stream.step({ name: "content-delta", data: "{" })).toBe("malformed");
		stream.step(end());
		expect(stream.step({ name: "", data: "{" })).toEqual([]);
		expect(stream.step(say("late"))).toEqual([]);
		expect(stream.end()).toEqual([]);
	});
});

describe("citations", () => {
	const page = { type: "document", id: "d", document: { url: "https://example.com/a", title: "A" } };
	const tool = { type: "tool", id: "t:0", tool_output: { content: "4 PM" } };
	const content = [
		{ type: "thinking", thinking: "Hm." },
		{ type: "text", text: "It is 4 PM 🙂. " },
		{ type: "text", text: "Sunny." },
	];
	const citations = [
		{ start: 6, end: 10, text: "4 PM", sources: [tool, page], content_index: 1, type: "TEXT_CONTENT" },
		{ start: 0, end: 5, text: "Sunny", sources: [page], content_index: 2, type: "TEXT_CONTENT" },
		{ start: 0, end: 2, text: "Hm", sources: [tool], content_index: 0, type: "THINKING_CONTENT" },
	];
	const positions = [
		{ start_index: 6, end_index: 10 },
		{ start_index: 14, end_index: 19 },
	];
	const expected = {
		citations: [{ ...citations[0], ...positions[0] }, { ...citations[1], ...positions[1] }, citations[2]],
		annotations: positions.map((place) => ({
			type: "url_citation",
			url_citation: { url: "https://example.com/a", title: "A", ...place },
		})),
	};

	test("have their place in the message's text, and pages are annotations", () => {
		const whole = translated().whole(answer({ content, citations }));
		expect(messageOf(whole)).toMatchObject(expected);
		expect(schemaFaults("CreateChatCompletionResponse", whole)).toEqual([]);
		const text = [...String(messageOf(whole).content)];
		expect(positions.map((place) => text.slice(place.start_index, place.end_index).join(""))).toEqual([
			"4 PM",
			"Sunny",
		]);
	});

	test("come at once before the finish of a stream", () => {
		const pieces = content.flatMap((part, index) => [
			event({ type: "content-delta", index, delta: { message: { content: { ...part } } } }),
			...citations
				.filter(({ content_index: block }) => block === index)
				.map((cited) => event({ type: "citation-start", index, delta: { message: { citations: cited } } })),
		]);
		const got = collect(clientEvents([start, ...pieces, end()], translated()));
		expect(got.annotations).toEqual(expected.annotations);
		expect(new Set(objects(got.citations).map((each) => JSON.stringify(each)))).toEqual(
			new Set(expected.citations.map((each) => JSON.stringify(each))),
		);
	});
});
