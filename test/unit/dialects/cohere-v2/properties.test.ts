import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { chunksOf, clientEvents, collect, messageOf, objects, planIn, splitBytes, translated } from "./harness.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const someText = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const block = fc.oneof(
	text.map((said) => ({ type: "text", text: said })),
	text.map((thought) => ({ type: "thinking", thinking: thought })),
);
const argumentsText = fc.oneof(
	fc.constant("null"),
	fc.constant(""),
	fc.dictionary(someText, fc.oneof(someText, fc.integer())).map((value) => JSON.stringify(value)),
	fc.dictionary(someText, someText).map((value) => JSON.stringify(value, undefined, 2)),
	fc.constant("nul"),
);
const call = fc.record({
	type: fc.constant("function"),
	function: fc.record({ name: fc.constantFrom("weather", "now"), arguments: argumentsText }),
});
const calls = fc
	.array(call, { maxLength: 3 })
	.map((list) => list.map((entry, index) => ({ id: `id:${index}`, ...entry })));
const answer = fc.record({
	id: fc.constant("answer-1"),
	message: fc.record({
		role: fc.constant("assistant"),
		content: fc.array(block, { maxLength: 3 }),
		tool_plan: text,
		tool_calls: calls,
	}),
	finish_reason: fc.constantFrom("COMPLETE", "MAX_TOKENS", "TOOL_CALL", "STOP_SEQUENCE"),
	usage: fc.record({
		tokens: fc.record({ input_tokens: fc.nat(), output_tokens: fc.nat() }),
		cached_tokens: fc.nat(),
	}),
});
type Answer = typeof answer extends fc.Arbitrary<infer Value> ? Value : never;

/** A text in pieces of a few characters. */
function pieces(whole: string, size: number): string[] {
	const characters = [...whole];
	return Array.from({ length: Math.ceil(characters.length / size) }, (_, index) =>
		characters.slice(index * size, (index + 1) * size).join(""),
	);
}

/** The same answer as Cohere streams it. */
function streamOf({ id, message, finish_reason, usage }: Answer, size: number): Uint8Array {
	const events: JsonObject[] = [{ type: "message-start", id, delta: { message: { role: "assistant", content: [] } } }];
	for (const [index, part] of message.content.entries()) {
		const [key, whole] = "text" in part ? (["text", part.text] as const) : (["thinking", part.thinking] as const);
		events.push({ type: "content-start", index, delta: { message: { content: { type: key, [key]: "" } } } });
		for (const piece of pieces(whole, size)) {
			events.push({ type: "content-delta", index, delta: { message: { content: { [key]: piece } } } });
		}
		events.push({ type: "content-end", index });
	}
	for (const piece of pieces(message.tool_plan, size)) {
		events.push({ type: "tool-plan-delta", delta: { message: { tool_plan: piece } } });
	}
	for (const [index, each] of message.tool_calls.entries()) {
		const begun = { ...each, function: { ...each.function, arguments: "" } };
		events.push({ type: "tool-call-start", index, delta: { message: { tool_calls: begun } } });
		for (const piece of pieces(each.function.arguments, size)) {
			const delta = { message: { tool_calls: { function: { arguments: piece } } } };
			events.push({ type: "tool-call-delta", index, delta });
		}
		events.push({ type: "tool-call-end", index });
	}
	events.push({ type: "message-end", delta: { finish_reason, usage } });
	const lines = events.map((event) => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`);
	return new TextEncoder().encode(lines.join(""));
}

function heardWhole(given: Answer) {
	const whole = translated().whole(given);
	const message = messageOf(whole);
	return {
		text: message.content ?? "",
		reasoning: message.reasoning_content ?? "",
		details: message.reasoning_details,
		calls: objects(message.tool_calls).map((each) => ({ id: each.id, ...objects([each.function])[0] })),
		reasons: objects(whole?.choices).map((choice) => choice.finish_reason),
		usage: whole?.usage,
		ids: [whole?.id],
	};
}

function heardStream(events: ReturnType<typeof clientEvents>) {
	const { text: said, reasoning, details, calls: asked, reasons, usage, ids } = collect(events);
	return { text: said ?? "", reasoning, details, calls: asked, reasons, usage, ids: [...ids] };
}

describe("Cohere's answers", () => {
	test("a stream says what the whole answer says, wherever its bytes are cut", () => {
		fc.assert(
			fc.property(answer, fc.integer({ min: 1, max: 5 }), fc.array(fc.nat(), { maxLength: 8 }), (given, size, cuts) => {
				const events = clientEvents(splitBytes(streamOf(given, size), cuts), translated({}, { stream: true }));
				expect(JSON.parse(JSON.stringify(heardStream(events)))).toEqual(JSON.parse(JSON.stringify(heardWhole(given))));
			}),
			{ numRuns: 300 },
		);
	});

	test("every function call has arguments, which are never the word null", () => {
		fc.assert(
			fc.property(answer, fc.integer({ min: 1, max: 5 }), (given, size) => {
				const events = clientEvents(splitBytes(streamOf(given, size)), translated({}, { stream: true }));
				for (const { arguments: written } of collect(events).calls) {
					expect(["", "null"]).not.toContain(written);
				}
			}),
		);
	});

	test("whatever an event holds, nothing is thrown and the answer still ends", () => {
		const types = [
			"message-start",
			"content-start",
			"content-delta",
			"tool-plan-delta",
			"tool-call-start",
			"tool-call-delta",
			"tool-call-end",
			"citation-start",
			"new-thing",
		];
		const odd = fc.record({ type: fc.constantFrom(...types), index: fc.jsonValue(), delta: fc.jsonValue() });
		const inner = fc
			.tuple(
				fc.constantFrom(...types),
				fc.dictionary(fc.constantFrom("content", "tool_calls", "citations"), fc.jsonValue()),
			)
			.map(([type, message]) => ({ type, delta: { message } }));
		fc.assert(
			fc.property(fc.array(fc.oneof(odd, inner), { maxLength: 8 }), (events) => {
				const end = { type: "message-end", delta: { finish_reason: "COMPLETE" } };
				const given = [...events, end].map((json) => ({ name: "", data: JSON.stringify(json) }));
				const got = collect(clientEvents(given, translated({}, { stream: true })));
				expect({ reasons: got.reasons, done: got.isDone, ids: got.ids.size }).toEqual({
					reasons: ["stop"],
					done: true,
					ids: 1,
				});
			}),
			{ numRuns: 300 },
		);
	});

	test("whatever an answer holds, nothing is thrown", () => {
		const message = fc.dictionary(fc.constantFrom("content", "tool_calls", "citations", "tool_plan"), fc.jsonValue());
		fc.assert(
			fc.property(message, fc.jsonValue(), (said, usage) => {
				const given: JsonObject = JSON.parse(JSON.stringify({ message: said, finish_reason: "COMPLETE", usage }));
				expect(objects(translated().whole(given)?.choices)).toHaveLength(1);
			}),
		);
	});
});

describe("a conversation", () => {
	test("keeps its text, the ids of its calls and their order on the way to Cohere and back", () => {
		const turn = fc.record({ text: someText, calls, plan: text });
		fc.assert(
			fc.property(fc.array(turn, { minLength: 1, maxLength: 4 }), (given) => {
				const turns = given.map((each, place) => ({
					...each,
					calls: each.calls.map((asked) => ({ ...asked, id: `${place}${asked.id}` })),
				}));
				const messages: JsonObject[] = turns.flatMap(({ text: said, calls: asked, plan }) => [
					{
						role: "assistant",
						content: said,
						...(plan === "" || asked.length === 0 ? {} : { reasoning_content: plan }),
						...(asked.length === 0 ? {} : { tool_calls: asked }),
					},
					...asked.map(({ id }) => ({ role: "tool", tool_call_id: id, content: `result of ${id}` })),
				]);
				const wire = objects(translated({ messages }).body.messages);
				expect(wire.map(({ role }) => role)).toEqual(messages.map(({ role }) => role));
				const back = wire.map((message) =>
					message.role === "assistant"
						? messageOf(translated().whole({ message, finish_reason: "COMPLETE" }))
						: { role: message.role, tool_call_id: message.tool_call_id, content: message.content },
				);
				const kept = (list: readonly JsonObject[]) =>
					list.map((message) => ({
						text: message.content,
						id: message.tool_call_id,
						plan: planIn(message.reasoning_details),
						calls: objects(message.tool_calls).map((each) => [each.id, objects([each.function])[0]?.name]),
					}));
				const planned = messages.map((message) => ({
					...message,
					reasoning_details: [{ id: "tool_plan", text: message.reasoning_content ?? "" }],
				}));
				expect(kept(back)).toEqual(kept(planned));
			}),
		);
	});

	test("gives Cohere its own answer back as it came", () => {
		fc.assert(
			fc.property(answer, (given) => {
				const message = messageOf(translated().whole(given));
				const messages = [{ role: "user", content: "a" }, message];
				const [, wire] = objects(translated({ messages }).body.messages);
				const said = objects(given.message.content);
				const thoughts = said.filter(({ thinking }) => thinking !== undefined && thinking !== "");
				const spoken = said.map((part) => part.text ?? "").join("");
				const hasCalls = given.message.tool_calls.length > 0;
				if (spoken === "" && !hasCalls) {
					expect(wire).toBeUndefined();
					return;
				}
				const content = [...thoughts, ...(spoken === "" ? [] : [{ type: "text", text: spoken }])];
				const expected = content.length === 0 ? undefined : thoughts.length === 0 ? spoken : content;
				expect(wire?.content).toEqual(expected);
				expect(wire?.tool_plan).toBe(hasCalls && given.message.tool_plan !== "" ? given.message.tool_plan : undefined);
			}),
		);
	});
});

test("an empty stream gives nothing", () => {
	expect(chunksOf(clientEvents([], translated()))).toEqual([]);
});
