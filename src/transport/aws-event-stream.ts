import { crc32 } from "node:zlib";
import { EventStreamCodec } from "@smithy/eventstream-codec";
import type { SseEvent } from "../dialects/types.ts";
import { isJsonObject, type JsonObject } from "../lib/json-types.ts";
import { BrokenFraming, type EventFrame, type EventSplitter } from "./frames.ts";
import { createHeldBytes } from "./held-bytes.ts";

/** AWS stops at 24 MiB a message; an event of a language model has some hundred bytes, a picture in it a few megabytes. */
const FRAME_BYTES_MAX = 16 * 1024 * 1024;
/** Total length, headers length, checksum of both: four bytes each. */
const PRELUDE_BYTES = 12;
/** A message without headers and payload: the prelude and the checksum at its end. */
const FRAME_BYTES_MIN = 16;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const codec = new EventStreamCodec(
	(bytes) => (typeof bytes === "string" ? bytes : decoder.decode(bytes)),
	(text) => encoder.encode(text),
);

/**
 * Cuts a stream of `application/vnd.amazon.eventstream` into events. An event is `{name: ":event-type", data: payload}`;
 * a failure told in the stream is `{name: "exception", data}` with `__type` and `message` in its JSON. Both checksums of
 * every frame are checked.
 * @param frameBytesMax A frame that claims to be larger is a fault of the stream, not a reason to wait for it.
 * @see https://smithy.io/2.0/aws/amazon-eventstream.html
 */
export function createAwsEventSplitter(frameBytesMax: number = FRAME_BYTES_MAX): EventSplitter {
	/** The beginning of a frame whose end has not come. */
	const held = createHeldBytes();
	/** The length of the frame at the front of `held`, once it is known and checked. */
	let expected: number | undefined;

	/** The frames that are complete. What is left begins with the frame that `expected` tells of. */
	function cut(bytes: Uint8Array): { frames: EventFrame[]; used: number } {
		const frames: EventFrame[] = [];
		let start = 0;
		while (bytes.length - start >= PRELUDE_BYTES) {
			expected ??= frameLength(bytes.subarray(start, start + PRELUDE_BYTES), frameBytesMax);
			if (bytes.length - start < expected) {
				break;
			}
			const frame = bytes.subarray(start, start + expected);
			frames.push({ bytes: frame, event: readFrame(frame) });
			start += expected;
			expected = undefined;
		}
		return { frames, used: start };
	}

	return {
		push(chunk) {
			if (held.length > 0) {
				held.add(chunk);
			}
			const source = held.length > 0 ? held.view() : chunk;
			const { frames, used } = cut(source);
			if (source === chunk || used > 0) {
				// Frames point into what they were cut from: it is left to them, and the remainder starts a fresh buffer.
				held.release();
				if (used < source.length) {
					held.add(source.subarray(used));
				}
			}
			return frames;
		},
		// A frame is an event when its last byte is there and its checksum holds: what was cut off is none.
		end: () => [],
	};
}

/** @throws BrokenFraming */
function frameLength(prelude: Uint8Array, frameBytesMax: number): number {
	const view = new DataView(prelude.buffer, prelude.byteOffset, PRELUDE_BYTES);
	if (crc32(prelude.subarray(0, 8)) !== view.getUint32(8)) {
		throw new BrokenFraming("the checksum of an event's length is wrong");
	}
	const total = view.getUint32(0);
	if (total < FRAME_BYTES_MIN || view.getUint32(4) > total - FRAME_BYTES_MIN) {
		throw new BrokenFraming(`an event cannot be ${total} bytes long with headers of ${view.getUint32(4)} bytes`);
	}
	if (total > frameBytesMax) {
		throw new BrokenFraming(`a stream event is larger than ${frameBytesMax} bytes`);
	}
	return total;
}

type FrameHeaders = ReturnType<EventStreamCodec["decode"]>["headers"];

/** @throws BrokenFraming */
function readFrame(frame: Uint8Array): SseEvent | undefined {
	const { headers, body } = decode(frame);
	const text = decoder.decode(body);
	switch (headerText(headers, ":message-type")) {
		case "exception":
			return exception(headerText(headers, ":exception-type"), undefined, text);
		case "error":
			return exception(headerText(headers, ":error-code"), headerText(headers, ":error-message"), text);
		case "event":
			return { name: headerText(headers, ":event-type") ?? "", data: text };
		default:
			// A kind of message that does not exist today: nothing to a reader, as a comment is.
			return undefined;
	}
}

function decode(frame: Uint8Array): ReturnType<EventStreamCodec["decode"]> {
	try {
		return codec.decode(frame);
	} catch (error) {
		throw new BrokenFraming("a stream event is damaged", { cause: error });
	}
}

function headerText(headers: FrameHeaders, name: string): string | undefined {
	const header = headers[name];
	return header?.type === "string" ? header.value : undefined;
}

/** An exception carries its reason in a JSON payload, an error (a failure nobody modelled) in its headers. */
function exception(type: string | undefined, reason: string | undefined, text: string): SseEvent {
	const payload = parsed(text);
	const told = payload.message ?? payload.Message;
	const message = reason ?? (typeof told === "string" ? told : text);
	const json: JsonObject = { ...payload, __type: type ?? "UnknownError", message };
	return { name: "exception", data: JSON.stringify(json), json };
}

function parsed(text: string): JsonObject {
	try {
		const value: unknown = JSON.parse(text);
		return isJsonObject(value) ? value : {};
	} catch {
		// Some failures are told in plain text.
		return {};
	}
}
