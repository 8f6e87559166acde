import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import OpenAI from "openai";
import { completionsOverChat } from "../../../../src/dialects/completions-over-chat/translator.ts";
import { jsonEvent } from "../../../../src/dialects/event-data.ts";
import { readerOf } from "../../../../src/dialects/registry.ts";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { schemaFaults } from "../../../support/openai-schema.ts";
import { chunk, DONE_EVENT, json, play, refusal, TARGET } from "./samples.ts";

function translate(request: JsonObject, target = TARGET) {
	return completionsOverChat.translate({ model: "alias", prompt: "Once upon", ...request }, target);
}

function stream(request: JsonObject, events: readonly SseEvent[]): SseEvent[] {
	return play(translate(request).openStream(), events);
}

const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

function chat(message: JsonObject, rest: JsonObject = {}): JsonObject {
	return {
		id: "chatcmpl-9",
		object: "chat.completion",
		created: 5,
		model: "chatty-1-0613",
		choices: [{ index: 0, message: { role: "assistant", ...message }, logprobs: null, finish_reason: "stop", ...rest }],
		usage: USAGE,
	};
}

describe("a request", () => {
	test("is the message of a user, with a short bound; everything else means the same in chat", () => {
		const fields = {
			temperature: 0.5,
			top_p: 0.9,
			n: 2,
			stop: ["\n"],
			presence_penalty: 1,
			frequency_penalty: -1,
			logit_bias: { "50256": -100 },
			seed: 7,
			user: "u",
			stream: true,
			stream_options: { include_usage: true },
			fancy_new_field: { a: 1 },
		};
		const { body, dropped } = translate({ ...fields, best_of: 2, echo: false, suffix: null, logprobs: null });
		expect(body).toEqual({
			...fields,
			model: "chatty-1",
			messages: [{ role: "user", content: "Once upon" }],
			max_tokens: 16,
		});
		expect(dropped).toEqual([]);
	});

	test("keeps its own bound, and is bounded by what is reserved otherwise", () => {
		expect(translate({ max_tokens: 300 }).body.max_tokens).toBe(300);
		expect(translate({}, { ...TARGET, outputTokensMax: 9 }).body.max_tokens).toBe(9);
		expect(translate({ max_tokens: null }, { ...TARGET, outputTokensMax: 0 }).body.max_tokens).toBe(16);
	});

	test("a list of one prompt is that prompt", () => {
		expect(translate({ prompt: ["Hi"] }).body.messages).toEqual([{ role: "user", content: "Hi" }]);
	});

	test("messages, which are no field of it, are named as left out", () => {
		expect(translate({ messages: [{ role: "user", content: "x" }] }).dropped).toEqual(["messages"]);
	});

	test.each<[string, JsonObject, string, string | undefined]>([
		["several prompts", { prompt: ["a", "b"] }, "prompt", "unsupported_content"],
		["token numbers", { prompt: [1, 2, 3] }, "prompt", "unsupported_content"],
		["lists of token numbers", { prompt: [[1, 2], [3]] }, "prompt", "unsupported_content"],
		["an empty prompt", { prompt: "" }, "prompt", undefined],
		["a suffix", { suffix: "the end" }, "suffix", "unsupported_parameter"],
		["log probabilities", { logprobs: 3 }, "logprobs", "unsupported_parameter"],
		["log probabilities of the chosen tokens", { logprobs: 0 }, "logprobs", "unsupported_parameter"],
		["the best of more", { n: 2, best_of: 3 }, "best_of", "unsupported_parameter"],
		["the best of several", { best_of: 2 }, "best_of", "unsupported_parameter"],
		["tools", { tools: [{ type: "function", function: { name: "f" } }] }, "tools", "unsupported_parameter"],
		["a prompt to be scored only", { max_tokens: 0, echo: true }, "max_tokens", undefined],
	])("is refused by name: %s", (_name, fields, param, code) => {
		expect(refusal(() => translate(fields))).toEqual({ status: 400, param, code });
	});
});

describe("a whole answer", () => {
	test("is a completion with the chat's text, facts and usage", () => {
		const answer = translate({}).whole(chat({ content: " a time" }));
		expect(answer).toEqual({
			id: "cmpl-9",
			object: "text_completion",
			created: 5,
			model: "chatty-1-0613",
			choices: [{ index: 0, text: " a time", logprobs: null, finish_reason: "stop" }],
			usage: USAGE,
		});
		expect(schemaFaults("CreateCompletionResponse", answer)).toEqual([]);
	});

	test.each<[string, JsonObject, string]>([
		["thinking is not part of it", { content: "x", reasoning_content: "hm" }, "x"],
		[
			"a list of parts is their text, thinking aside",
			{
				content: [
					{ type: "thinking", thinking: [{ type: "text", text: "hm" }] },
					{ type: "text", text: "a" },
					{ type: "reference", reference_ids: [1] },
					{ type: "text", text: "b" },
				],
			},
			"ab",
		],
		["a refusal is what the model said", { content: null, refusal: "No." }, "No."],
		["nothing said is empty", { content: null }, ""],
		["nonsense is empty", { content: 5 }, ""],
	])("%s", (_name, message, text) => {
		expect(translate({}).whole(chat(message))).toMatchObject({ choices: [{ text }] });
	});

	test("echoes the prompt before each answer", () => {
		const answer = chat({ content: " a time" });
		const choices = [
			{ index: 0, message: { content: " a" } },
			{ index: 1, message: { content: " b" } },
		];
		expect(translate({ echo: true }).whole(answer)).toMatchObject({ choices: [{ text: "Once upon a time" }] });
		expect(translate({ echo: true, n: 2 }).whole({ ...answer, choices })).toMatchObject({
			choices: [
				{ index: 0, text: "Once upon a", finish_reason: "stop" },
				{ index: 1, text: "Once upon b" },
			],
		});
	});

	test.each([
		["length", "length"],
		["content_filter", "content_filter"],
		["tool_calls", "stop"],
		[null, "stop"],
	])("that ended by %p ended by %p", (given, told) => {
		expect(translate({}).whole(chat({ content: "x" }, { finish_reason: given }))).toMatchObject({
			choices: [{ finish_reason: told }],
		});
	});

	test("keeps what a provider adds, and names itself where it has no name", () => {
		const answer = { choices: [{ message: { content: "x" }, content_filter_results: { hate: 1 } }], citations: ["u"] };
		expect(translate({}).whole(answer)).toEqual({
			id: "cmpl-01ANSWER",
			object: "text_completion",
			created: 1_800_000_000,
			model: "chatty-1",
			choices: [{ index: 0, text: "x", logprobs: null, finish_reason: "stop", content_filter_results: { hate: 1 } }],
			citations: ["u"],
		});
	});

	test("that is no chat is nothing, and a failure inside stays one", () => {
		expect(translate({}).whole({ data: [] })).toBeUndefined();
		expect(translate({}).whole({ error: { message: "too busy", type: "overloaded_error" } })).toEqual({
			error: { message: "too busy", type: "overloaded_error", param: null, code: null, status: 529 },
		});
	});
});

describe("a stream", () => {
	test("is chunks of a completion, its usage in one of its own, and the closing word", () => {
		const events = stream({}, [
			chunk({ role: "assistant", content: "" }),
			chunk({ content: " a" }),
			chunk({ reasoning_content: "hm" }),
			chunk({ content: " time" }),
			chunk({}, { finish_reason: "stop" }),
			chunk({}, {}, { choices: [], usage: USAGE }),
			DONE_EVENT,
		]);
		const facts = { id: "cmpl-1", object: "text_completion", created: 5, model: "m" };
		const said = (text: string, finish_reason: string | null = null) => ({
			...facts,
			choices: [{ index: 0, text, logprobs: null, finish_reason }],
		});
		expect(events.slice(0, -1).map(json)).toEqual([
			said(" a"),
			said(" time"),
			said("", "stop"),
			{ ...facts, choices: [], usage: USAGE },
		]);
		expect(events.at(-1)).toEqual(DONE_EVENT);
	});

	test.each<[string, readonly SseEvent[]]>([
		[
			"in the last chunk",
			[chunk({ content: "a" }), chunk({}, { finish_reason: "stop" }, { usage: USAGE }), DONE_EVENT],
		],
		[
			"in every chunk, cumulative",
			[
				chunk({ content: "a" }, {}, { usage: { ...USAGE, completion_tokens: 1 } }),
				chunk({}, { finish_reason: "stop" }, { usage: USAGE }),
				DONE_EVENT,
			],
		],
		["in Groq's note", [chunk({ content: "a" }, { finish_reason: "stop" }, { x_groq: { usage: USAGE } }), DONE_EVENT]],
		[
			"without the closing word",
			[chunk({ content: "a" }, { finish_reason: "stop" }), chunk({}, {}, { choices: [], usage: USAGE })],
		],
	])("tells the usage once, where the chat tells it %s", (_name, events) => {
		const told = stream({}, events);
		expect(
			told
				.slice(0, -1)
				.map(json)
				.filter((event) => event.usage !== undefined),
		).toMatchObject([{ choices: [], usage: USAGE }]);
		expect(told.at(-1)).toEqual(DONE_EVENT);
	});

	test("echoes the prompt in its first chunks, and not before there are words", () => {
		const translator = translate({ echo: true, n: 2 }).openStream();
		expect(translator.step(chunk({ role: "assistant" }))).toEqual([]);
		const first = translator.step(chunk({ content: "b" }, { index: 1 }));
		expect(first === "malformed" ? first : first.map(json)).toMatchObject([
			{ choices: [{ index: 0, text: "Once upon" }] },
			{ choices: [{ index: 1, text: "Once upon" }] },
			{ choices: [{ index: 1, text: "b" }] },
		]);
	});

	test("that was cut does not end as if it were finished", () => {
		const { openStream } = translate({ n: 2 });
		const translator = openStream();
		translator.step(chunk({ content: "a" }, { finish_reason: "stop" }));
		expect(translator.end()).toEqual([]);
	});

	test("a failure is its last word, whatever follows", () => {
		const events = stream({ echo: true }, [
			chunk({ content: "a" }),
			jsonEvent({ error: { message: "too busy", code: 503 } }),
			chunk({ content: "b" }),
			DONE_EVENT,
		]);
		expect(events.map(json).at(-1)).toMatchObject({ error: { message: "too busy", status: 503 } });
		expect(events).toHaveLength(3);
	});

	test("a failure that comes first is not preceded by the prompt", () => {
		expect(stream({ echo: true }, [jsonEvent({ error: { message: "no" } })]).map(json)).toMatchObject([{ error: {} }]);
	});

	test("what is no JSON is malformed, unknown events are nothing", () => {
		const translator = translate({}).openStream();
		expect(translator.step({ name: "", data: "{" })).toBe("malformed");
		expect(translator.step(jsonEvent({ type: "ping" }))).toEqual([]);
		expect(translator.step(jsonEvent({ choices: "?" }))).toEqual([]);
		expect(translator.step(chunk({ content: "still here" }))).toMatchObject([{}]);
	});
});

const piece = fc.oneof(
	fc.record({ kind: fc.constant("text" as const), text: fc.string() }),
	fc.record({ kind: fc.constant("parts" as const), text: fc.string() }),
	fc.record({ kind: fc.constant("thinking" as const), text: fc.string() }),
);
const answers = fc.array(fc.array(piece, { maxLength: 8 }), { minLength: 1, maxLength: 3 });

type Piece = typeof piece extends fc.Arbitrary<infer Value> ? Value : never;

/** A delta, or the same as a whole message's content. */
function contentOf(pieces: readonly Piece[]): JsonValue {
	return pieces.map(({ kind, text }) =>
		kind === "thinking" ? { type: "thinking", thinking: [{ type: "text", text }] } : { type: "text", text },
	);
}

function deltaOf({ kind, text }: Piece): JsonObject {
	return kind === "text" ? { content: text } : { content: contentOf([{ kind, text }]) };
}

/** What a client of completions puts together. */
function assembled(events: readonly SseEvent[]): { texts: string[]; finishes: (string | null)[]; usage: unknown } {
	const texts: string[] = [];
	const finishes: (string | null)[] = [];
	let usage: unknown;
	for (const event of events.filter(({ data }) => data !== DONE_EVENT.data)) {
		const parsed = json(event) as {
			choices: { index: number; text: string; finish_reason: string | null }[];
			usage?: unknown;
		};
		expect(schemaFaults("CreateCompletionResponse", withFinish(parsed))).toEqual([]);
		usage = parsed.usage ?? usage;
		for (const choice of parsed.choices) {
			texts[choice.index] = (texts[choice.index] ?? "") + choice.text;
			finishes[choice.index] = choice.finish_reason ?? finishes[choice.index] ?? null;
		}
	}
	return { texts, finishes, usage };
}

/** OpenAI's document has one schema for both, and so no word for "not finished yet". */
function withFinish(parsed: { choices: { finish_reason: string | null }[] }): unknown {
	return {
		...parsed,
		choices: parsed.choices.map((choice) => ({ ...choice, finish_reason: choice.finish_reason ?? "stop" })),
	};
}

test("a stream says what the whole answer says, however it is cut", () => {
	fc.assert(
		fc.property(answers, fc.boolean(), fc.constantFrom("chunk", "last"), (choices, echo, usagePlace) => {
			const request = { echo, n: choices.length };
			const whole = translate(request).whole({
				id: "chatcmpl-1",
				created: 5,
				model: "m",
				choices: choices.map((pieces, index) => ({
					index,
					message: { role: "assistant", content: contentOf(pieces) },
					finish_reason: index === 0 ? "length" : "stop",
				})),
				usage: USAGE,
			});
			expect(schemaFaults("CreateCompletionResponse", whole)).toEqual([]);
			const deltas = choices.flatMap((pieces, index) => pieces.map((said) => chunk(deltaOf(said), { index })));
			const ends = choices.map((_, index) =>
				chunk(
					{},
					{ index, finish_reason: index === 0 ? "length" : "stop" },
					usagePlace === "last" && index === choices.length - 1 ? { usage: USAGE } : {},
				),
			);
			const usage = usagePlace === "chunk" ? [chunk({}, {}, { choices: [], usage: USAGE })] : [];
			const told = assembled(stream(request, [...deltas, ...ends, ...usage, DONE_EVENT]));
			expect(whole).toMatchObject({
				choices: told.texts.map((text, index) => ({ text, finish_reason: told.finishes[index] })),
				usage: told.usage,
			});
			expect(told.texts).toHaveLength(choices.length);
		}),
		{ numRuns: 300 },
	);
});

test("no event makes it throw, and nothing follows an end", () => {
	const anyEvent = fc.oneof(
		fc.string().map((data): SseEvent => ({ name: "", data })),
		fc.jsonValue().map((value): SseEvent => ({ name: "", data: JSON.stringify(value) })),
		fc
			.record({ choices: fc.jsonValue(), usage: fc.jsonValue() })
			.map((value): SseEvent => ({ name: "", data: JSON.stringify(value) })),
		fc
			.record({ delta: fc.jsonValue(), finish_reason: fc.jsonValue(), index: fc.jsonValue() })
			.map((choice): SseEvent => ({ name: "", data: JSON.stringify({ choices: [choice] }) })),
	);
	fc.assert(
		fc.property(fc.array(anyEvent, { maxLength: 20 }), (events) => {
			const translator = translate({ echo: true }).openStream();
			events.forEach((event) => void translator.step(event));
			translator.step(DONE_EVENT);
			for (const event of events) {
				expect(translator.step(event)).toEqual([]);
			}
			expect(translator.end()).toEqual([]);
		}),
	);
});

describe("the real SDK", () => {
	const events = [
		chunk({ role: "assistant", content: "" }),
		chunk({ content: " a" }),
		chunk({ content: " time" }),
		chunk({}, { finish_reason: "length" }),
		chunk({}, {}, { choices: [], usage: USAGE }),
		DONE_EVENT,
	];

	/** Answers as the gateway does: by the translator, on both ways. */
	function client(): OpenAI {
		const answer = async (_url: unknown, init?: { body?: unknown }) => {
			const request: JsonObject = JSON.parse(String(init?.body));
			const translation = completionsOverChat.translate(request, TARGET);
			if (request.stream !== true) {
				return Response.json(translation.whole(chat({ content: " a time" }, { finish_reason: "length" })));
			}
			const text = play(translation.openStream(), events).map(({ data }) => `data: ${data}\n\n`);
			return new Response(text.join(""), { headers: { "content-type": "text/event-stream" } });
		};
		return new OpenAI({ apiKey: "any", baseURL: "http://gateway.test/v1", maxRetries: 0, fetch: answer });
	}

	test("reads a whole completion", async () => {
		const completion = await client().completions.create({ model: "alias", prompt: "Once upon", echo: true });
		expect(completion.choices[0]).toMatchObject({ text: "Once upon a time", finish_reason: "length" });
		expect(completion.usage).toEqual(USAGE);
	});

	test("reads a stream", async () => {
		let text = "";
		let usage: unknown;
		const request = { model: "alias", prompt: "Once upon", echo: true, stream: true } as const;
		for await (const part of await client().completions.create(request)) {
			text += part.choices[0]?.text ?? "";
			usage = part.usage ?? usage;
		}
		expect(text).toBe("Once upon a time");
		expect(usage).toEqual(USAGE);
	});
});

test("the gateway's own reader of completions counts what comes out", () => {
	const reader = readerOf.completions.openStream(1);
	const steps = stream({}, [
		chunk({ content: "a" }),
		chunk({}, { finish_reason: "stop" }, { usage: USAGE }),
		DONE_EVENT,
	]).map((event) => reader.step(event));
	expect(steps).toEqual(["content", "meta", "usage", "end"]);
	expect(reader.usage()).toMatchObject({ input: 3, output: 2 });
	expect(reader.finished()).toBe(true);
});
