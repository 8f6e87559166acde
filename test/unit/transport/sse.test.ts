import { describe, expect, test } from "bun:test";
import { createParser } from "eventsource-parser";
import fc from "fast-check";
import type { SseEvent } from "../../../src/dialects/types.ts";
import { BrokenFraming } from "../../../src/transport/frames.ts";
import { createSseSplitter } from "../../../src/transport/sse.ts";

const encoder = new TextEncoder();

function split(chunks: readonly Uint8Array[]): { events: SseEvent[]; bytes: Buffer } {
	const splitter = createSseSplitter();
	const frames = chunks.flatMap((chunk) => splitter.push(chunk));
	// A "\r" that ends a stream waits for the "\n" it may belong to.
	frames.push(...splitter.end());
	const bytes = Buffer.concat(frames.map((frame) => frame.bytes));
	return { events: frames.flatMap((frame) => frame.event ?? []), bytes };
}

function cutAt(bytes: Uint8Array, positions: readonly number[]): Uint8Array[] {
	const at = [0, ...positions.map((position) => position % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
	// Copies, as chunks from a socket are.
	return at.slice(1).map((end, index) => bytes.slice(at[index], end));
}

const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
const text = fc.string({ unit: "grapheme", maxLength: 12 }).map((value) => value.replace(/[\r\n\0]/g, "·"));
const line = fc.oneof(
	text.map((value) => `data: ${value}`),
	text.map((value) => `data:${value}`),
	text.map((value) => `: ${value}`),
	fc.constantFrom("event: error", "event: response.completed", "id: 7", "retry: 10", "data"),
);
const event = fc
	.tuple(fc.array(line, { minLength: 1, maxLength: 4 }), lineEnd)
	.map(([lines, end]) => `${lines.join(end)}${end}${end}`);
const stream = fc.array(event, { maxLength: 6 }).map((events) => encoder.encode(events.join("")));

describe("the event splitter", () => {
	test("gives the same events for every way in which a stream is cut into chunks, and loses no byte", () => {
		fc.assert(
			fc.property(stream, fc.array(fc.nat(), { maxLength: 8 }), (bytes, positions) => {
				const cut = split(cutAt(bytes, positions));
				expect(cut.events).toEqual(split([bytes]).events);
				expect(cut.bytes.equals(Buffer.from(bytes))).toBe(true);
			}),
			{ numRuns: 2_000 },
		);
	});

	test("reads events as an independent parser does", () => {
		fc.assert(
			fc.property(stream, (bytes) => {
				const expected: SseEvent[] = [];
				const parser = createParser({ onEvent: ({ event: name, data }) => expected.push({ name: name ?? "", data }) });
				parser.feed(new TextDecoder().decode(bytes));
				expect(split([bytes]).events).toEqual(expected);
			}),
			{ numRuns: 1_000 },
		);
	});

	test("passes an event on as soon as its blank line has come, whatever the line ends", () => {
		for (const end of ["\n\n", "\r\n\r\n", "\r\r", "\n\r\n"]) {
			expect(createSseSplitter().push(encoder.encode(`data: x${end}`))).toHaveLength(1);
		}
	});

	test("ignores a byte order mark at the beginning", () => {
		expect(split([encoder.encode("\uFEFFdata: x\n\n")]).events).toEqual([{ name: "", data: "x" }]);
	});

	test("refuses an event that never ends instead of growing", () => {
		const splitter = createSseSplitter(64);
		expect(() => splitter.push(encoder.encode(`data: ${"x".repeat(100)}`))).toThrow(BrokenFraming);
	});
});
