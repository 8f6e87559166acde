import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BrokenFraming, EVENT_BYTES_MAX } from "../../../src/transport/frames.ts";
import { createJsonLinesSplitter } from "../../../src/transport/json-lines.ts";

const encoder = new TextEncoder();

function split(chunks: readonly Uint8Array[], lineBytesMax?: number) {
	const splitter = createJsonLinesSplitter(lineBytesMax);
	const frames = chunks.flatMap((chunk) => splitter.push(chunk));
	frames.push(...splitter.end());
	return {
		events: frames.flatMap(({ event }) => event ?? []),
		bytes: Buffer.concat(frames.map((frame) => frame.bytes)),
	};
}

const data = (...texts: readonly string[]) =>
	split(texts.map((text) => encoder.encode(text))).events.map((e) => e.data);

function cutAt(bytes: Uint8Array, positions: readonly number[]): Uint8Array[] {
	const at = [0, ...positions.map((position) => position % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
	// Copies, as chunks from a socket are.
	return at.slice(1).map((end, index) => bytes.slice(at[index], end));
}

const value = fc.dictionary(
	fc.string({ unit: "grapheme", maxLength: 6 }),
	fc.oneof(fc.string({ unit: "grapheme", maxLength: 12 }), fc.integer()),
	{ maxKeys: 3 },
);
const lineEnd = fc.constantFrom("\n", "\r\n", "\n\n", "\r\n\r\n");
const lines = fc.array(fc.tuple(value, lineEnd), { maxLength: 8 });

describe("the splitter of JSON lines", () => {
	test("gives the same events for every way in which a stream is cut into chunks, and loses no byte", () => {
		fc.assert(
			fc.property(lines, fc.array(fc.nat(), { maxLength: 8 }), fc.boolean(), (written, positions, endsWithLine) => {
				const text = written.map(([json, end]) => JSON.stringify(json) + end).join("");
				const bytes = encoder.encode(endsWithLine ? text : text.trimEnd());
				const cut = split(cutAt(bytes, positions));
				expect(cut.events.map((event) => JSON.parse(event.data))).toEqual(
					JSON.parse(JSON.stringify(written.map(([json]) => json))),
				);
				expect(cut.events.every(({ name }) => name === "")).toBe(true);
				expect(cut.bytes.equals(Buffer.from(bytes))).toBe(true);
			}),
			{ numRuns: 2_000 },
		);
	});

	test("ignores blank lines, spaces around a value and a byte order mark", () => {
		expect(data('\uFEFF{"a":1}\n', "\n \r\n\t\n", '  {"b":2}  \r\n')).toEqual(['{"a":1}', '{"b":2}']);
	});

	test("hands a line on as soon as it has ended, and the last one at the end of the stream", () => {
		const splitter = createJsonLinesSplitter();
		expect(splitter.push(encoder.encode('{"a":1}\n{"b"')).map(({ event }) => event?.data)).toEqual(['{"a":1}']);
		expect(splitter.push(encoder.encode(":2}"))).toEqual([]);
		expect(splitter.end().map(({ event }) => event?.data)).toEqual(['{"b":2}']);
		expect(splitter.end()).toEqual([]);
	});

	test("has nothing to say of an empty stream", () => {
		expect(split([]).events).toEqual([]);
		expect(split([new Uint8Array(0)]).events).toEqual([]);
	});

	test("leaves what is no JSON to those who read it", () => {
		expect(data("<html>\nbusy\n")).toEqual(["<html>", "busy"]);
	});

	test("refuses a line that is too long, however it comes, and only that", () => {
		const bytes = encoder.encode(`${"x".repeat(63)}\n`);
		const stream = encoder.encode(`{}\n${"x".repeat(63)}\n{}\n`);
		fc.assert(
			fc.property(fc.array(fc.nat(), { maxLength: 6 }), (positions) => {
				expect(split(cutAt(stream, positions), bytes.length).events).toHaveLength(3);
				expect(() => split(cutAt(stream, positions), bytes.length - 1)).toThrow(BrokenFraming);
			}),
		);
		expect(() => split([encoder.encode("x".repeat(100))], 64)).toThrow(BrokenFraming);
		expect(() => split([new Uint8Array(EVENT_BYTES_MAX + 1)])).toThrow(BrokenFraming);
	});

	test("is linear in a line that comes byte by byte", () => {
		const splitter = createJsonLinesSplitter();
		const piece = new Uint8Array(1).fill(120);
		const length = 2_000_000;
		const startedAt = performance.now();
		for (let count = 0; count < length; count += 1) {
			splitter.push(piece);
		}
		expect(splitter.end()[0]?.bytes.length).toBe(length);
		// Copying or searching what was held for every byte would take minutes.
		expect(performance.now() - startedAt).toBeLessThan(10_000);
	});
});
