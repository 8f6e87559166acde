import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { SseEvent } from "../../../src/dialects/types.ts";
import { createAwsEventSplitter } from "../../../src/transport/aws-event-stream.ts";
import { BrokenFraming } from "../../../src/transport/frames.ts";
import { event, exception, type HandFrame, writeFrame } from "../dialects/bedrock-converse/frames.ts";

function split(chunks: readonly Uint8Array[]): { events: SseEvent[]; bytes: Buffer } {
	const splitter = createAwsEventSplitter();
	const frames = chunks.flatMap((chunk) => splitter.push(chunk));
	frames.push(...splitter.end());
	return {
		events: frames.flatMap((frame) => frame.event ?? []),
		bytes: Buffer.concat(frames.map(({ bytes }) => bytes)),
	};
}

function cutAt(bytes: Uint8Array, positions: readonly number[]): Uint8Array[] {
	const at = [0, ...positions.map((position) => position % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
	// Copies, as chunks from a socket are.
	return at.slice(1).map((end, index) => bytes.slice(at[index], end));
}

const frame: fc.Arbitrary<HandFrame> = fc.oneof(
	fc
		.tuple(fc.constantFrom("messageStart", "contentBlockDelta", "metadata", "somethingNew"), fc.jsonValue())
		.map(([name, payload]) => event(name, payload)),
	fc.string({ unit: "grapheme" }).map((text) => event("contentBlockDelta", { delta: { text } })),
	fc.string().map((message) => exception("throttlingException", { message })),
);
const frames = fc.array(frame, { maxLength: 6 });

/** A stream of three events; what stands where is known. */
const STREAM = Buffer.concat([
	writeFrame(event("messageStart", { role: "assistant" })),
	writeFrame(event("contentBlockDelta", { delta: { text: "Grüße" } })),
	writeFrame(event("messageStop", { stopReason: "end_turn" })),
]);

describe("the AWS event splitter", () => {
	test("gives the events that were written, with their exact bytes, for every way of cutting the stream", () => {
		fc.assert(
			fc.property(frames, fc.array(fc.nat(), { maxLength: 10 }), (written, positions) => {
				const bytes = Buffer.concat(written.map(writeFrame));
				const cut = split(cutAt(bytes, positions));
				expect(cut.bytes.equals(bytes)).toBe(true);
				expect(cut.events.map((event) => event.name)).toEqual(
					written.map(({ headers }) => headers[":event-type"] ?? "exception"),
				);
				for (const [index, { headers, payload }] of written.entries()) {
					const data = cut.events[index]?.data ?? "";
					expect(headers[":event-type"] === undefined ? JSON.parse(data) : data).toEqual(
						headers[":event-type"] === undefined
							? { ...JSON.parse(payload), __type: headers[":exception-type"] }
							: payload,
					);
				}
			}),
			{ numRuns: 1_000 },
		);
	});

	test("gives the same events for every cut of one stream in two, and byte by byte", () => {
		const expected = split([STREAM]).events;
		expect(expected.map(({ name, data }) => [name, data])).toEqual([
			["messageStart", '{"role":"assistant"}'],
			["contentBlockDelta", '{"delta":{"text":"Grüße"}}'],
			["messageStop", '{"stopReason":"end_turn"}'],
		]);
		for (let position = 0; position <= STREAM.length; position += 1) {
			expect(split([STREAM.subarray(0, position), STREAM.subarray(position)]).events).toEqual(expected);
		}
		expect(split([...STREAM].map((byte) => Uint8Array.of(byte))).events).toEqual(expected);
	});

	test("needs time in proportion to the bytes for a large frame in tiny chunks", () => {
		const large = writeFrame(event("contentBlockDelta", { delta: { text: "x".repeat(4_000_000) } }));
		const splitter = createAwsEventSplitter();
		let found = 0;
		const startedAt = performance.now();
		for (let at = 0; at < large.length; at += 16) {
			found += splitter.push(large.subarray(at, at + 16)).length;
		}
		expect(found).toBe(1);
		// Copying all that is held for each chunk would move 500 GB.
		expect(performance.now() - startedAt).toBeLessThan(5_000);
	});

	test("does not change an event that was given when later chunks come", () => {
		const splitter = createAwsEventSplitter();
		const first = splitter.push(STREAM.subarray(0, 150));
		const before = first.map(({ bytes }) => Buffer.from(bytes).toString("hex"));
		splitter.push(STREAM.subarray(150));
		expect(first.map(({ bytes }) => Buffer.from(bytes).toString("hex"))).toEqual(before);
	});

	test("finds every single damaged byte: the event is refused or never comes, and no later one is made up", () => {
		const intact = split([STREAM]).events;
		for (let position = 0; position < STREAM.length; position += 1) {
			const damaged = Buffer.from(STREAM);
			damaged[position] = (damaged[position] ?? 0) ^ 0x41;
			const told: SseEvent[] = [];
			const splitter = createAwsEventSplitter();
			expect(() => {
				for (const byte of damaged) {
					told.push(...splitter.push(Uint8Array.of(byte)).flatMap(({ event }) => event ?? []));
				}
			}).toThrow(BrokenFraming);
			expect(told).toEqual(intact.slice(0, told.length));
			expect(told.length).toBeLessThan(intact.length);
		}
	});

	test("refuses a length that cannot be, as soon as it is told", () => {
		const prelude = (total: number, headers: number) => {
			const frame = Buffer.alloc(16);
			frame.writeUInt32BE(total, 0);
			frame.writeUInt32BE(headers, 4);
			frame.writeUInt32BE(Bun.hash.crc32(frame.subarray(0, 8)), 8);
			return frame.subarray(0, 12);
		};
		for (const [total, headers] of [
			[0, 0],
			[15, 0],
			[100, 85],
			[16 * 1024 * 1024 + 1, 0],
			[0xffffffff, 0xffffffff],
		] as const) {
			expect(() => createAwsEventSplitter().push(prelude(total, headers))).toThrow(BrokenFraming);
		}
		expect(() => createAwsEventSplitter(64).push(writeFrame(event("metadata", { p: "x".repeat(100) })))).toThrow(
			BrokenFraming,
		);
		expect(() => createAwsEventSplitter().push(Buffer.from("HTTP/1.1 502 Bad Gateway"))).toThrow(BrokenFraming);
	});

	test("does not make an event of a frame that was cut off", () => {
		const splitter = createAwsEventSplitter();
		expect(splitter.push(STREAM.subarray(0, -1)).length).toBe(2);
		expect(splitter.end()).toEqual([]);
	});

	test.each([
		[
			exception("validationException", { message: "Input is too long." }),
			{ message: "Input is too long.", __type: "validationException" },
		],
		[
			exception("modelStreamErrorException", { message: "m", originalStatusCode: 500 }),
			{ message: "m", originalStatusCode: 500, __type: "modelStreamErrorException" },
		],
		[exception("somethingException", { Message: "M" }), { Message: "M", message: "M", __type: "somethingException" }],
		[
			{ headers: { ":message-type": "error", ":error-code": "InternalError", ":error-message": "Oops" }, payload: "" },
			{ message: "Oops", __type: "InternalError" },
		],
		[
			{ headers: { ":message-type": "exception" }, payload: "plain words" },
			{ message: "plain words", __type: "UnknownError" },
		],
	])("tells a failure with its type and its message: %#", (written, expected) => {
		const [told] = split([writeFrame(written)]).events;
		expect(told?.name).toBe("exception");
		expect(JSON.parse(told?.data ?? "")).toEqual(expected);
		expect(told?.json).toEqual(expected);
	});

	test("passes over kinds of messages that do not exist today", () => {
		const splitter = createAwsEventSplitter();
		const odd = writeFrame({ headers: { ":message-type": "heartbeat" }, payload: "" });
		expect(splitter.push(Buffer.concat([odd, STREAM])).map(({ event }) => event?.name)).toEqual([
			undefined,
			"messageStart",
			"contentBlockDelta",
			"messageStop",
		]);
	});
});
