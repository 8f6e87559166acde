import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readerOf } from "../../../../src/dialects/registry.ts";
import { isJsonObject, type JsonObject } from "../../../../src/lib/json-types.ts";
import { foldChunks } from "./fold.ts";
import {
	call,
	callsOf,
	chunk,
	finish,
	output,
	responseFaults,
	streamed,
	streamFaults,
	translate,
	USAGE_CHUNK,
	WITH_SEALS,
} from "./rig.ts";

const word = fc.string({ minLength: 1, maxLength: 8 });

/** Something a model says, as the deltas of it. */
const thinking = fc
	.tuple(fc.constantFrom("reasoning", "reasoning_content"), fc.array(word, { minLength: 1, maxLength: 4 }))
	.map(([field, words]) => words.map((text) => chunk({ [field]: text })));
const text = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.map((content) => chunk({ content })));
const refusal = fc
	.array(word, { minLength: 1, maxLength: 2 })
	.map((words) => words.map((said) => chunk({ refusal: said })));
const seals = word.map((data) => [
	chunk({ reasoning_details: [{ type: "reasoning.encrypted", data, format: "google-gemini-v1", index: 0 }] }),
]);
const ending = fc.constantFrom("stop", "length", "tool_calls", "content_filter");

interface Asked {
	readonly name: string;
	readonly pieces: readonly string[];
}

const asked: fc.Arbitrary<Asked> = fc.record({
	name: fc.constantFrom("f", "g"),
	pieces: fc
		.tuple(fc.dictionary(word, fc.oneof(word, fc.integer())), fc.integer({ min: 1, max: 5 }))
		.map(([value, count]) => cut(JSON.stringify(value), count)),
});

function cut(json: string, count: number): string[] {
	const size = Math.max(1, Math.ceil(json.length / count));
	return Array.from({ length: Math.ceil(json.length / size) }, (_, at) => json.slice(at * size, (at + 1) * size));
}

/** Calls whose pieces take turns as `turns` says. */
function callChunks(calls: readonly Asked[], turns: readonly number[]): JsonObject[] {
	const left = calls.map(({ pieces }) => [...pieces]);
	const opened = new Set<number>();
	const chunks: JsonObject[] = [];
	const next = (index: number): void => {
		const piece = left[index]?.shift();
		if (piece !== undefined) {
			const begin = opened.has(index) ? {} : { id: `call_${index}`, name: calls[index]?.name ?? "" };
			opened.add(index);
			chunks.push(call(index, { ...begin, arguments: piece }));
		}
	};
	// Servers number calls in the order in which they begin them.
	calls.forEach((_, index) => {
		next(index);
	});
	turns.forEach((turn) => {
		next(turn % Math.max(1, calls.length));
	});
	calls.forEach((_, index) => {
		while ((left[index]?.length ?? 0) > 0) {
			next(index);
		}
	});
	return chunks;
}

const calls = fc
	.tuple(fc.array(asked, { maxLength: 4 }), fc.array(fc.nat({ max: 3 }), { maxLength: 12 }))
	.map(([list, turns]) => ({ list, chunks: callChunks(list, turns) }));

describe("generated streams", () => {
	test("in any order of thinking, text, refusals and seals are well-formed and lose nothing", () => {
		const parts = fc.array(fc.oneof(thinking, text, refusal, seals), { maxLength: 8 });
		fc.assert(
			fc.property(parts, calls, ending, fc.boolean(), (said, { list, chunks }, reason, sealed) => {
				const all = [...said.flat(), ...chunks];
				const made = streamed([...all, finish(reason), USAGE_CHUNK], sealed ? WITH_SEALS : {});
				expect(streamFaults(made)).toEqual([]);
				expect(responseFaults(made.response)).toEqual([]);
				const { message } = foldChunks(all);
				expect(partsOf(made, "output_text") + partsOf(made, "refusal")).toBe(message.text + message.refusal);
				expect(summaryOf(made)).toBe(message.thinking);
				expect(callsOf(made)).toEqual(
					list.map(({ name, pieces }, index) => ({ id: `call_${index}`, name, arguments: pieces.join("") })),
				);
			}),
			{ numRuns: 300 },
		);
	});

	test("in the usual order make the same response as the whole answer, and the same usage", () => {
		fc.assert(
			fc.property(
				fc.option(thinking, { nil: [] }),
				fc.option(text, { nil: [] }),
				calls,
				ending,
				fc.boolean(),
				(thought, spoken, { chunks }, reason, sealed) => {
					const request = sealed ? WITH_SEALS : {};
					const all = [...thought, ...spoken, ...chunks, finish(reason), USAGE_CHUNK];
					const made = streamed(all, request);
					const folded = foldChunks(all).completion;
					const whole = translate(request).whole(folded) ?? {};
					const { output: items, ...rest } = whole;
					const { output: streamedItems, ...streamedRest } = made.response;
					expect(streamedRest).toEqual(rest);
					expect(withoutStatus(streamedItems)).toEqual(withoutStatus(items));
					expect(readerOf.responses.usage(whole)).toEqual(readerOf.chat.usage(folded));
				},
			),
			{ numRuns: 300 },
		);
	});

	test("cut before the finish have no end, and are well-formed up to there", () => {
		fc.assert(
			fc.property(fc.array(fc.oneof(thinking, text), { minLength: 1, maxLength: 5 }), (said) => {
				const translator = translate({}, { stream: true }).openStream();
				const events = said.flat().flatMap((json) => {
					const step = translator.step({ name: "", data: JSON.stringify(json) });
					return step === "malformed" ? [] : [...step];
				});
				expect(translator.end()).toEqual([]);
				expect(events.map(({ json }) => json?.sequence_number ?? null)).toEqual(events.map((_, index) => index));
				expect(events.some(({ name }) => /completed|incomplete|failed|error/.test(name))).toBe(false);
			}),
		);
	});
});

function partsOf(made: ReturnType<typeof streamed>, type: string): string {
	return output(made)
		.flatMap(({ content }) => (Array.isArray(content) ? content.filter(isJsonObject) : []))
		.filter((part) => part.type === type)
		.map((part) => String(part.text ?? part.refusal))
		.join("");
}

function summaryOf(made: ReturnType<typeof streamed>): string {
	return output(made)
		.flatMap(({ summary }) => (Array.isArray(summary) ? summary.filter(isJsonObject) : []))
		.map((part) => String(part.text))
		.join("");
}

/** Which of several calls was cut off is known only while they are being said. */
function withoutStatus(items: unknown): unknown {
	return Array.isArray(items) ? items.map((item) => ({ ...item, status: null })) : items;
}
