import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { recordedCases } from "../../../support/recorded.ts";
import { collected, FLASH_3, FLASH_25, HELLO, list, obj, sse, streamed, streamedText, translate } from "./support.ts";

const STREAMS = recordedCases(({ api, status }) => api === "gemini.streamGenerateContent" && status === 200);

const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 });
const json = fc.jsonValue({ maxDepth: 2 }).map((value): JsonValue => JSON.parse(JSON.stringify(value)));
const args = fc.dictionary(word, json, { maxKeys: 4 });
/** Gemini calls functions by the names that it was shown. */
const functionName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/);
const signature = fc.option(fc.base64String({ minLength: 4, maxLength: 12 }), { nil: undefined });

const part = fc.oneof(
	fc.record({ text: word }),
	fc.record({ text: word, thoughtSignature: signature }),
	fc.record({ text: word, thought: fc.constant(true) }),
	fc.record({
		functionCall: fc.record({ name: functionName, args, id: fc.option(word, { nil: undefined }) }),
		thoughtSignature: signature,
	}),
	fc.record({ inlineData: fc.record({ mimeType: fc.constant("image/png"), data: fc.base64String({ minLength: 4 }) }) }),
	fc.record({ inlineData: fc.record({ mimeType: fc.constant("audio/wav"), data: fc.base64String({ minLength: 4 }) }) }),
	fc.record({ executableCode: fc.record({ code: word }) }),
	fc.record({ unknown: json }),
);
const finishReason = fc.constantFrom("STOP", "MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL", "OTHER", "NEW");

function plain(value: unknown): JsonObject {
	return obj(JSON.parse(JSON.stringify(value)));
}

describe("streams", () => {
	test("deltas put together are the whole answer, however the parts were spread over events", () => {
		fc.assert(
			fc.property(
				fc.array(fc.array(part, { maxLength: 3 }), { minLength: 1, maxLength: 5 }),
				finishReason,
				(events, reason) => {
					const usageMetadata = { promptTokenCount: 5, candidatesTokenCount: 7 };
					const documents = events.map((parts, index) => {
						const isLast = index === events.length - 1;
						const candidate = { content: { parts }, ...(isLast ? { finishReason: reason } : {}) };
						return plain({
							candidates: [candidate],
							...(isLast ? { usageMetadata } : {}),
							responseId: "r",
							modelVersion: "m",
						});
					});
					const answer = plain({
						candidates: [{ content: { parts: events.flat() }, finishReason: reason }],
						usageMetadata,
						responseId: "r",
						modelVersion: "m",
					});
					const translation = translate({ ...HELLO, stream: true });
					const whole = obj(translation.whole(answer));
					const said = streamedText(translation, sse(documents));
					if (whole.error !== undefined) {
						expect(JSON.parse(String(said.at(-1)?.data))).toEqual(whole);
						return;
					}
					const [choice] = list(whole.choices);
					const stream = collected(said);
					const [chunked] = stream.choices;
					expect(chunked?.finish_reason).toBe(String(choice?.finish_reason));
					expect(stream.usage).toEqual(whole.usage);
					expect([...stream.ids]).toEqual(["r"]);
					expect(evened(obj(chunked?.message))).toEqual(evened(obj(choice?.message)));
				},
			),
			{ numRuns: 150 },
		);
	});

	test("bytes cut anywhere give the same events", () => {
		const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
		fc.assert(
			fc.property(fc.nat(STREAMS.length - 1), cuts, (index, places) => {
				const bytes = new Uint8Array(STREAMS[index]?.response.body ?? []);
				const ends = [...places.map((place) => Math.floor(place * bytes.length)), bytes.length].sort((a, b) => a - b);
				const pieces = ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
				const request = { ...HELLO, stream: true };
				expect(streamed(translate(request), pieces)).toEqual(streamed(translate(request), [bytes]));
			}),
			{ numRuns: 60 },
		);
	});

	test("arguments told leaf by leaf are the arguments", () => {
		fc.assert(
			fc.property(leaves, fc.nat(3), (value, width) => {
				const entries = entriesOf(value, "$").flatMap((entry) => splitText(entry, width + 1));
				const documents = [
					{ functionCall: { name: "f", willContinue: true } },
					...entries.map((entry) => ({ functionCall: { partialArgs: [entry], willContinue: true } })),
					{ functionCall: {} },
				].map((one) => ({ candidates: [{ content: { parts: [one] }, finishReason: "STOP" }] }));
				const stream = collected(streamedText(translate({ ...HELLO, stream: true }), sse(documents)));
				const [call] = list(obj(stream.choices[0]?.message).tool_calls);
				expect(JSON.parse(String(obj(call?.function).arguments))).toEqual(value);
			}),
			{ numRuns: 200 },
		);
	});

	test("whatever comes, nothing is thrown and nothing ends without a reason", () => {
		const event = fc.record({
			name: fc.constant(""),
			data: fc.oneof(
				fc.json(),
				fc.string(),
				wild.map((one) => JSON.stringify(one)),
			),
		});
		fc.assert(
			fc.property(fc.array(event, { maxLength: 6 }), (events) => {
				const stream = translate({ ...HELLO, stream: true }).openStream();
				for (const one of events) {
					stream.step(one);
				}
				const end = stream.end();
				const hasReason = events.some(({ data }) => /finishReason|blockReason/.test(data));
				expect(end.length === 0 || hasReason).toBe(true);
			}),
			{ numRuns: 300 },
		);
	});
});

/** Documents of the right shape with anything in them. */
const anything = fc.oneof(json, fc.constant({}), fc.constant([]));
const wild = fc.record(
	{
		candidates: fc.oneof(
			anything,
			fc.array(
				fc.record(
					{
						content: fc.oneof(anything, fc.record({ parts: fc.array(fc.oneof(part, anything)) })),
						finishReason: fc.oneof(anything, finishReason),
						groundingMetadata: fc.oneof(
							anything,
							fc.record({
								groundingChunks: anything,
								groundingSupports: fc.array(fc.record({ segment: anything, groundingChunkIndices: anything })),
							}),
						),
						logprobsResult: anything,
						citationMetadata: anything,
						index: anything,
					},
					{ requiredKeys: [] },
				),
			),
		),
		usageMetadata: anything,
		promptFeedback: fc.oneof(anything, fc.record({ blockReason: anything })),
		error: fc.option(anything, { nil: undefined }),
	},
	{ requiredKeys: [] },
);

test("whatever a whole answer holds, nothing is thrown", () => {
	fc.assert(
		fc.property(wild, (answer) => {
			const written = translate(HELLO).whole(plain(answer));
			expect(written === undefined || written.error !== undefined || list(written.choices).length > 0).toBe(true);
		}),
		{ numRuns: 500 },
	);
});

describe("there and back", () => {
	test("an answer given back to the model keeps its text, its calls, their signatures and their results", () => {
		fc.assert(
			fc.property(
				fc.array(part, { minLength: 1, maxLength: 6 }),
				fc.constantFrom(FLASH_3, FLASH_25),
				(parts, model) => {
					const translation = translate(HELLO, model);
					const answer = obj(translation.whole(plain({ candidates: [{ content: { parts }, finishReason: "STOP" }] })));
					const message = obj(list(answer.choices)[0]?.message);
					const calls = message.tool_calls === undefined ? [] : list(message.tool_calls);
					const results = calls.map(({ id }) => ({
						role: "tool",
						tool_call_id: String(id),
						content: `result of ${id}`,
					}));
					const messages = [{ role: "user", content: "Hello" }, message, ...results.toReversed()];
					const contents = list(translate({ messages }, model).body.contents);
					const back = contents.filter(({ role }) => role === "model").flatMap((content) => list(content.parts));
					const wire = list(plain({ parts }).parts);

					expect(textOf(back)).toBe(textOf(wire));
					expect(callsOf(back)).toEqual(callsOf(wire));
					for (const [index, seal] of signaturesOfCalls(wire).entries()) {
						expect(seal === undefined || signaturesOfCalls(back)[index] === seal).toBe(true);
					}
					const answered = contents.flatMap((content) =>
						list(content.parts).flatMap(({ functionResponse }) =>
							functionResponse === undefined ? [] : [obj(functionResponse)],
						),
					);
					const asked = back.flatMap(({ functionCall }) => (functionCall === undefined ? [] : [obj(functionCall)]));
					expect(answered.map(({ id, name }) => [id, name])).toEqual(asked.map(({ id, name }) => [id, name]));
					expect(answered.map(({ response }) => obj(response).result)).toEqual(
						asked.map(({ id }) => `result of ${id}`),
					);
				},
			),
			{ numRuns: 200 },
		);
	});
});

/** A whole message says null where a stream says "", and only it dates a sound. */
function evened(message: JsonObject): JsonObject {
	const { audio, content, ...rest } = message;
	const { data, id } = audio === undefined ? {} : obj(audio);
	return { ...rest, content: content ?? "", ...(audio === undefined ? {} : { audio: { data, id } }) };
}

function textOf(parts: readonly JsonObject[]): string {
	return parts
		.filter(({ thought }) => thought !== true)
		.map(({ text }) => (typeof text === "string" ? text : ""))
		.join("");
}

function callsOf(parts: readonly JsonObject[]): JsonValue[] {
	return parts.flatMap(({ functionCall }) =>
		functionCall === undefined ? [] : [{ name: obj(functionCall).name ?? null, args: obj(functionCall).args ?? {} }],
	);
}

function signaturesOfCalls(parts: readonly JsonObject[]): (JsonValue | undefined)[] {
	return parts.flatMap(({ functionCall, thoughtSignature }) => (functionCall === undefined ? [] : [thoughtSignature]));
}

/** Objects without empty containers, which pieces cannot tell of; names that a plain path can hold. */
const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_ ]{0,5}$/).filter((text) => text !== "__proto__");
const { leaves } = fc.letrec<{ leaves: JsonObject; value: JsonValue }>((tie) => ({
	value: fc.oneof(
		{ maxDepth: 3, withCrossShrink: true },
		fc.oneof(
			fc.string({ unit: "grapheme" }),
			fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
			fc.boolean(),
			fc.constant(null),
		),
		fc.array(tie("value"), { minLength: 1, maxLength: 3 }),
		fc.dictionary(name, tie("value"), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
	),
	leaves: fc.dictionary(name, tie("value"), { maxKeys: 4, noNullPrototype: true }),
}));

function entriesOf(value: JsonValue | undefined, path: string): JsonObject[] {
	if (Array.isArray(value)) {
		return value.flatMap((item, index) => entriesOf(item, `${path}[${index}]`));
	}
	if (typeof value === "object" && value !== null) {
		return Object.entries(value).flatMap(([key, inner]) => entriesOf(inner, `${path}['${key}']`));
	}
	if (value === null) {
		return [{ jsonPath: path, nullValue: "NULL_VALUE" }];
	}
	const field = typeof value === "string" ? "stringValue" : typeof value === "number" ? "numberValue" : "boolValue";
	return [{ jsonPath: path, [field]: value }];
}

/** A text as Gemini sends it: in pieces, and an empty one that ends it. */
function splitText(entry: JsonObject, width: number): JsonObject[] {
	const { jsonPath, stringValue } = entry;
	if (typeof stringValue !== "string") {
		return [entry];
	}
	const pieces: JsonObject[] = [];
	for (let start = 0; start < stringValue.length; start += width) {
		pieces.push({ jsonPath, stringValue: stringValue.slice(start, start + width), willContinue: true });
	}
	return [...pieces, { jsonPath, stringValue: "" }];
}
