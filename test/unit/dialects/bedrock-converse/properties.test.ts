import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { createAwsEventSplitter } from "../../../../src/transport/aws-event-stream.ts";
import { event, writeFrame } from "./frames.ts";
import { at, calling, fold, LLAMA, NOVA, translate } from "./harness.ts";

const words = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
/** As it is after a way through JSON, which knows no negative zero. */
const input = fc
	.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue(), { maxKeys: 3 })
	.map((value): typeof value => JSON.parse(JSON.stringify(value)));

type Block =
	| { readonly kind: "text"; readonly text: string }
	| { readonly kind: "thinking"; readonly text: string; readonly signature: string }
	| { readonly kind: "call"; readonly name: string; readonly input: object }
	| { readonly kind: "cited"; readonly text: string; readonly url: string | undefined };

const block: fc.Arbitrary<Block> = fc.oneof(
	fc.record({ kind: fc.constant("text" as const), text: words }),
	fc.record({ kind: fc.constant("thinking" as const), text: words, signature: fc.base64String({ minLength: 4 }) }),
	fc.record({ kind: fc.constant("call" as const), name: fc.constantFrom("f", "g"), input }),
	fc.record({
		kind: fc.constant("cited" as const),
		text: words,
		url: fc.option(fc.webUrl(), { nil: undefined }),
	}),
);

const citationOf = (url: string | undefined) =>
	url === undefined
		? { title: "D", location: { documentChar: { documentIndex: 0, start: 0, end: 1 } } }
		: { title: "W", location: { web: { url } } };

/** The same message as Converse answers it whole. */
function wholeBlock(given: Block, index: number): object {
	switch (given.kind) {
		case "text":
			return { text: given.text };
		case "thinking":
			return { reasoningContent: { reasoningText: { text: given.text, signature: given.signature } } };
		case "call":
			return { toolUse: { toolUseId: `id${index}`, name: given.name, input: given.input } };
		case "cited":
			return { citationsContent: { content: [{ text: given.text }], citations: [citationOf(given.url)] } };
	}
}

/** And as ConverseStream tells it, in pieces of a few characters. */
function streamedBlock(given: Block, index: number, size: number): ReturnType<typeof event>[] {
	const delta = (value: object) => event("contentBlockDelta", { contentBlockIndex: index, delta: value });
	const pieces = (text: string) =>
		Array.from({ length: Math.ceil(text.length / size) }, (_, piece) => text.slice(piece * size, (piece + 1) * size));
	const stop = event("contentBlockStop", { contentBlockIndex: index });
	switch (given.kind) {
		case "text":
			return [...pieces(given.text).map((text) => delta({ text })), stop];
		case "thinking":
			return [
				...pieces(given.text).map((text) => delta({ reasoningContent: { text } })),
				delta({ reasoningContent: { signature: given.signature } }),
				stop,
			];
		case "call":
			return [
				event("contentBlockStart", {
					contentBlockIndex: index,
					start: { toolUse: { toolUseId: `id${index}`, name: given.name } },
				}),
				...pieces(JSON.stringify(given.input)).map((text) => delta({ toolUse: { input: text } })),
				stop,
			];
		case "cited":
			return [...pieces(given.text).map((text) => delta({ text })), delta({ citation: citationOf(given.url) }), stop];
	}
}

describe("whole and streamed", () => {
	test("say the same, whatever the blocks, the pieces and the chunks", () => {
		fc.assert(
			fc.property(
				fc.array(block, { minLength: 1, maxLength: 5 }),
				fc.integer({ min: 1, max: 5 }),
				fc.integer({ min: 1, max: 99 }),
				(blocks, size, chunk) => {
					const stopReason = blocks.some(({ kind }) => kind === "call") ? "tool_use" : "end_turn";
					const usage = { inputTokens: 3, outputTokens: 4 };
					const request = { tools: [calling("f"), calling("g")] };
					const bytes = Buffer.concat(
						[
							event("messageStart", { role: "assistant" }),
							...blocks.flatMap((given, index) => streamedBlock(given, index, size)),
							event("messageStop", { stopReason }),
							event("metadata", { usage }),
						].map(writeFrame),
					);
					const splitter = createAwsEventSplitter();
					const stream = translate(request, { stream: true }).openStream();
					const told: SseEvent[] = [];
					for (let start = 0; start < bytes.length; start += chunk) {
						for (const { event: found } of splitter.push(bytes.subarray(start, start + chunk))) {
							told.push(...(found === undefined ? [] : (stream.step(found) as SseEvent[])));
						}
					}
					const said = fold([...told, ...stream.end()]);
					const answer = translate(request).whole({
						output: { message: { role: "assistant", content: blocks.map(wholeBlock) as never } },
						stopReason,
						usage,
					});
					const {
						content,
						reasoning_content,
						tool_calls = [],
						role: _,
						refusal: __,
						...extra
					} = at(answer, "choices", 0, "message") as JsonObject;
					expect(said.text).toBe(String(content ?? ""));
					expect(said.reasoning).toBe(String(reasoning_content ?? ""));
					expect(said.calls).toEqual(
						(tool_calls as JsonObject[]).map((call) => ({
							id: call.id,
							name: String(at(call, "function", "name")),
							arguments: String(at(call, "function", "arguments")),
						})),
					);
					expect(said.extra).toEqual(extra);
					expect(said.finishes).toEqual([at(answer, "choices", 0, "finish_reason") as string]);
					expect(said.usage).toEqual(answer?.usage);
				},
			),
			{ numRuns: 500 },
		);
	});
});

describe("a conversation on its way to Bedrock", () => {
	const id = fc.string({ minLength: 1, maxLength: 80 });
	const turn: fc.Arbitrary<JsonObject[]> = fc.oneof(
		words.map((content): JsonObject[] => [{ role: "user", content }]),
		words.map((content): JsonObject[] => [{ role: "assistant", content }]),
		fc
			.tuple(fc.uniqueArray(id, { minLength: 1, maxLength: 3 }), words, input)
			.map(([ids, content, given]): JsonObject[] => [
				{
					role: "assistant",
					content,
					tool_calls: ids.map((call) => ({
						id: call,
						type: "function",
						function: { name: "f", arguments: JSON.stringify(given) },
					})),
				},
				...ids.map((call): JsonObject => ({ role: "tool", tool_call_id: call, content: `result ${content}` })),
			]),
	);

	test.each([NOVA, LLAMA, "mistral.mistral-large-2402-v1:0", "anthropic.claude-3-haiku-20240307-v1:0"])(
		"keeps its words, calls and order for %s, alternates, and pairs every result with its call",
		(model) => {
			fc.assert(
				fc.property(fc.array(turn, { maxLength: 6 }), (turns) => {
					const messages = [{ role: "user", content: "begin" }, ...turns.flat(), { role: "user", content: "end" }];
					const { body } = translate({ messages, tools: [calling("f")] }, { model });
					const sent = body.messages as JsonObject[];
					expect(sent.map(({ role }) => role)).toEqual(
						sent.map((_, index) => (index % 2 === 0 ? "user" : "assistant")),
					);
					const blocks = sent.flatMap(({ content }) => content as JsonObject[]);
					// A result comes before the words of its turn, so words and calls are compared each in their order.
					expect(blocks.flatMap((found) => found.text ?? [])).toEqual(
						messages.flatMap((given) =>
							given.role === "tool" || String(given.content).trim() === "" ? [] : [given.content as string],
						),
					);
					const calls = messages.flatMap((given) => ("tool_calls" in given ? (given.tool_calls as JsonObject[]) : []));
					const uses = blocks.flatMap((found) => (found.toolUse === undefined ? [] : [found.toolUse as JsonObject]));
					expect(uses.map((use) => use.input)).toEqual(
						calls.map((call) => JSON.parse(String(at(call, "function", "arguments")))),
					);
					const results = blocks.flatMap((found) => at(found, "toolResult", "toolUseId") ?? []);
					expect(results).toEqual(uses.map((use) => use.toolUseId as string));
					const pattern = model.startsWith("mistral") ? /^[a-zA-Z0-9]{9}$/ : /^[a-zA-Z0-9_-]{1,64}$/;
					expect(uses.every((use) => pattern.test(String(use.toolUseId)))).toBe(true);
				}),
				{ numRuns: 200 },
			);
		},
	);

	test("and back again is the answer that was given: words, thinking, calls and their ids", () => {
		fc.assert(
			fc.property(fc.array(block, { minLength: 1, maxLength: 4 }), (blocks) => {
				const model = "global.anthropic.claude-opus-4-6-v1";
				const content = blocks.map(wholeBlock) as JsonObject[];
				const answer = translate({ tools: [calling("f")] }, { model }).whole({
					output: { message: { content } },
					stopReason: "end_turn",
				});
				const message = at(answer, "choices", 0, "message") as JsonObject;
				const { body } = translate(
					{
						messages: [{ role: "user", content: "a" }, message, { role: "user", content: "b" }],
						tools: [calling("f")],
					},
					{ model },
				);
				const returned = (body.messages as JsonObject[]).flatMap((given) =>
					given.role === "assistant" ? (given.content as JsonObject[]) : [],
				);
				const of = (list: JsonObject[], name: string) => list.filter((found) => found[name] !== undefined);
				expect(of(returned, "toolUse")).toEqual(of(content, "toolUse"));
				expect(of(returned, "reasoningContent")).toEqual(of(content, "reasoningContent"));
				const text = content
					.map((found) => String(found.text ?? at(found, "citationsContent", "content", 0, "text") ?? ""))
					.join("");
				expect(of(returned, "text").map((found) => found.text)).toEqual(text.trim() === "" ? [] : [text]);
			}),
			{ numRuns: 500 },
		);
	});

	test("never throws for answers and events of any shape", () => {
		const odd = fc.jsonValue();
		fc.assert(
			fc.property(
				fc.constantFrom(
					"messageStart",
					"contentBlockStart",
					"contentBlockDelta",
					"contentBlockStop",
					"messageStop",
					"metadata",
					"exception",
					"",
				),
				fc.dictionary(
					fc.constantFrom("contentBlockIndex", "start", "delta", "stopReason", "usage", "message", "__type", "output"),
					odd,
				),
				fc.array(
					fc.dictionary(fc.constantFrom("text", "toolUse", "reasoningContent", "citationsContent", "image", "x"), odd),
					{ maxLength: 4 },
				),
				(name, payload, content) => {
					const translation = translate({});
					const stream = translation.openStream();
					expect(Array.isArray(stream.step({ name, data: JSON.stringify(payload) }))).toBe(true);
					stream.end();
					translation.readFault(payload as JsonObject, undefined);
					translation.whole(payload as JsonObject);
					expect(translation.whole({ output: { message: { content: content as never } } })).toBeDefined();
				},
			),
			{ numRuns: 2_000 },
		);
	});
});
