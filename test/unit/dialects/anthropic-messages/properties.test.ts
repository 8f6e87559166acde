import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { recordedCases } from "../../../support/recorded.ts";
import { eventsOf, message, objects, saidStreamed, saidWhole, streamed, translated } from "./support.ts";

const id = fc.stringMatching(/^toolu_[a-zA-Z0-9]{4,12}$/);
const words = fc.string({ minLength: 0, maxLength: 20, unit: "grapheme" });
/** As it is after a way through JSON, which knows no negative zero. */
const input = fc
	.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
	.map((value): typeof value => JSON.parse(JSON.stringify(value)));
const citation = fc.oneof(
	fc.record({ type: fc.constant("web_search_result_location"), url: fc.webUrl(), title: words }),
	fc.record({ type: fc.constant("page_location"), cited_text: words, start_page_number: fc.nat(9) }),
);
const block = fc.oneof(
	fc.record({ type: fc.constant("text"), text: words, citations: fc.array(citation, { maxLength: 2 }) }),
	fc.record({ type: fc.constant("thinking"), thinking: words, signature: fc.string({ minLength: 1, maxLength: 9 }) }),
	fc.record({ type: fc.constant("redacted_thinking"), data: fc.base64String() }),
	fc.record({ type: fc.constant("tool_use"), id, name: fc.constantFrom("f", "g"), input }),
	fc.record({ type: fc.constant("server_tool_use"), id, name: fc.constant("web_search"), input }),
	fc.record({ type: fc.constant("web_search_tool_result"), tool_use_id: id, content: fc.constant([]) }),
	fc.record({ type: fc.stringMatching(/^new_[a-z]{1,8}$/), anything: fc.jsonValue({ maxDepth: 1 }) }),
);
const answer = fc.record({
	content: fc.array(block, { maxLength: 6 }),
	stop: fc.constantFrom("end_turn", "tool_use", "max_tokens", "pause_turn", "stop_sequence", "refusal", "new_reason"),
	usage: fc.record({
		input_tokens: fc.nat(),
		output_tokens: fc.nat(),
		cache_read_input_tokens: fc.nat(),
		cache_creation_input_tokens: fc.nat(),
	}),
	sizes: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
});

/** Cuts a text into pieces of these sizes, over and over. */
function pieces(whole: string, sizes: readonly number[]): string[] {
	const cut: string[] = [];
	for (let at = 0, turn = 0; at < whole.length; turn += 1) {
		const size = sizes[turn % sizes.length] ?? 1;
		cut.push(whole.slice(at, at + size));
		at += size;
	}
	return cut;
}

function eventsFor(
	content: readonly JsonObject[],
	stop: string,
	usage: JsonObject,
	sizes: readonly number[],
): JsonObject[] {
	const events = content.flatMap((given, index): JsonObject[] => {
		const delta = (fields: JsonObject): JsonObject => ({ type: "content_block_delta", index, delta: fields });
		const open = (fields: JsonObject): JsonObject => ({
			type: "content_block_start",
			index,
			content_block: { ...given, ...fields },
		});
		const cut = (whole: JsonValue | undefined) => pieces(String(whole), sizes);
		switch (given.type) {
			case "text":
				return [
					open({ text: "", citations: [] }),
					...cut(given.text).map((text) => delta({ type: "text_delta", text })),
					...objects(given.citations).map((source) => delta({ type: "citations_delta", citation: source })),
				];
			case "thinking":
				return [
					open({ thinking: "", signature: "" }),
					...cut(given.thinking).map((thinking) => delta({ type: "thinking_delta", thinking })),
					delta({ type: "signature_delta", signature: given.signature }),
				];
			case "tool_use":
				return [
					open({ input: {} }),
					...cut(JSON.stringify(given.input)).map((json) => delta({ type: "input_json_delta", partial_json: json })),
				];
			default:
				return [open({})];
		}
	});
	const stops = content.map((_block, index) => ({ type: "content_block_stop", index }));
	return [
		{ type: "message_start", message: message([], { stop_reason: null, usage: { ...usage, output_tokens: 1 } }) },
		...events,
		...stops,
		{ type: "message_delta", delta: { stop_reason: stop }, usage },
		{ type: "message_stop" },
	];
}

describe("for every answer", () => {
	test("the deltas of a stream add up to the whole answer", () => {
		fc.assert(
			fc.property(answer, ({ content, stop, usage, sizes }) => {
				const blocks = content as unknown as JsonObject[];
				const translation = translated({});
				const whole = translation.whole(message(blocks, { stop_reason: stop, usage })) ?? {};
				// Text blocks end before the next one begins, as Anthropic sends them.
				const events = inOrder(eventsFor(blocks, stop, usage, sizes));
				expect(saidStreamed(streamed(translation, events))).toEqual(saidWhole(whole));
			}),
			{ numRuns: 300 },
		);
	});

	test("nothing a provider may send makes a translation throw or speak after its end", () => {
		const event = fc.oneof(
			fc.jsonValue({ maxDepth: 3 }),
			fc.record({
				type: fc.constantFrom(
					"message_start",
					"content_block_start",
					"content_block_delta",
					"content_block_stop",
					"message_delta",
					"ping",
				),
				index: fc.oneof(fc.nat(3), fc.constant(null), fc.string()),
				message: fc.jsonValue({ maxDepth: 2 }),
				content_block: fc.jsonValue({ maxDepth: 2 }),
				delta: fc.jsonValue({ maxDepth: 2 }),
				usage: fc.jsonValue({ maxDepth: 2 }),
			}),
		);
		fc.assert(
			fc.property(fc.array(event, { maxLength: 12 }), (events) => {
				const stream = translated({}).openStream();
				for (const data of events) {
					stream.step({ name: "", data: JSON.stringify(data) });
				}
				const last = stream.step({ name: "", data: '{"type":"message_stop"}' });
				expect(last === "malformed" || last.length === 0 || last.at(-1)?.data === "[DONE]").toBe(true);
				expect(stream.step({ name: "", data: '{"type":"message_stop"}' })).toEqual([]);
			}),
			{ numRuns: 300 },
		);
		fc.assert(
			fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 3 }), (content, usage) => {
				translated({}).whole(message([], { content, usage } as JsonObject));
			}),
			{ numRuns: 300 },
		);
	});
});

/** Moves the end of each block in front of the start of the next. */
function inOrder(events: readonly JsonObject[]): JsonObject[] {
	const stops = new Map(events.flatMap((event) => (event.type === "content_block_stop" ? [[event.index, event]] : [])));
	return events.flatMap((event, at): JsonObject[] => {
		if (event.type === "content_block_stop") {
			return [];
		}
		const isLast = event.index !== undefined && events[at + 1]?.index !== event.index;
		const stop = stops.get(event.index);
		return isLast || (event.index !== undefined && events[at + 1]?.type === "content_block_stop")
			? [event, stop ?? {}]
			: [event];
	});
}

describe("for every conversation", () => {
	const call = fc.record({ id, name: fc.constantFrom("f", "g"), input });
	const said = fc.stringMatching(/^[a-zA-Z0-9]{1,12}$/);
	const round = fc.record({
		asks: said,
		answers: said,
		calls: fc.uniqueArray(call, { selector: (made) => made.id, maxLength: 3 }),
		seal: said,
	});

	test("text, calls, seals and their order survive the way there", () => {
		fc.assert(
			fc.property(fc.uniqueArray(round, { minLength: 1, maxLength: 4, selector: ({ asks }) => asks }), (rounds) => {
				const messages = rounds.flatMap(({ asks, answers, calls, seal }): JsonObject[] => [
					{ role: "user", content: asks },
					{
						role: "assistant",
						content: answers,
						reasoning_details: [{ type: "reasoning.text", format: "anthropic-claude-v1", text: "t", signature: seal }],
						tool_calls: calls.map((made) => ({
							id: made.id,
							type: "function",
							function: { name: made.name, arguments: JSON.stringify(made.input) },
						})),
					},
					...calls.map((made) => ({ role: "tool", tool_call_id: made.id, content: `result of ${made.id}` })),
				]);
				const { body } = translated({ messages: [...messages, { role: "user", content: "go" }] });
				const turns = objects(body.messages);
				expect(turns.map(({ role }) => role)).toEqual(
					turns.map((_turn, index) => (index % 2 === 0 ? "user" : "assistant")),
				);
				const blocks = turns.flatMap(({ content }) => objects(content));
				const of = (type: string) => blocks.filter((found) => found.type === type);
				const calls = rounds.flatMap((made) => made.calls);
				expect(of("tool_use").map((found) => [found.id, found.name, found.input])).toEqual(
					calls.map((made) => [made.id, made.name, made.input] as never),
				);
				expect(of("tool_result").map((found) => found.tool_use_id)).toEqual(calls.map((made) => made.id));
				expect(of("text").map((found) => found.text)).toEqual([
					...rounds.flatMap(({ asks, answers }) => [asks, answers]),
					"go",
				]);
				expect(of("thinking").map((found) => found.signature)).toEqual(rounds.map(({ seal }) => seal));
			}),
			{ numRuns: 200 },
		);
	});

	test("an answer goes back to the provider as it came", () => {
		const kept = fc.oneof(
			fc.record({
				type: fc.constant("thinking"),
				thinking: words,
				signature: fc.string({ minLength: 1, maxLength: 9 }),
			}),
			fc.record({ type: fc.constant("redacted_thinking"), data: fc.base64String() }),
		);
		fc.assert(
			fc.property(fc.array(kept, { maxLength: 3 }), said, fc.array(call, { maxLength: 3 }), (thoughts, text, calls) => {
				const content = [
					...thoughts,
					{ type: "text", text },
					...calls.map((made) => ({ type: "tool_use", ...made })),
				] as JsonObject[];
				const answered = translated({}).whole(message(content)) ?? {};
				const turn = objects(answered.choices)[0]?.message as JsonObject;
				const { body } = translated({
					messages: [{ role: "user", content: "a" }, turn, { role: "user", content: "b" }],
				});
				expect(objects(body.messages)[1]).toEqual({ role: "assistant", content: content as never });
			}),
			{ numRuns: 200 },
		);
	});
});

describe("for every way the bytes may arrive", () => {
	const streams = recordedCases(({ api, stream }) => api === "anthropic.messages" && stream).slice(0, 12);

	test("the chunks are the same", () => {
		fc.assert(
			fc.property(
				fc
					.constantFrom(...streams)
					.chain((recorded) =>
						fc.tuple(fc.constant(recorded), fc.array(fc.nat(recorded.response.body.length), { maxLength: 6 })),
					),
				([{ response }, cuts]) => {
					const run = (places: readonly number[]) => {
						const stream = translated({}).openStream();
						return eventsOf(response.body, places).map((event) => stream.step(event));
					};
					expect(run(cuts)).toEqual(run([]));
				},
			),
			{ numRuns: 40 },
		);
	});
});
