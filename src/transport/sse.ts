import type { SseEvent } from "../dialects/types.ts";
import { BrokenFraming, EVENT_BYTES_MAX, type EventFrame, type EventSplitter } from "./frames.ts";
import { createHeldBytes } from "./held-bytes.ts";

const LF = 10;
const CR = 13;
const EVENT_END = new TextEncoder().encode("\n\n");

export function createSseSplitter(eventBytesMax = EVENT_BYTES_MAX): EventSplitter {
	/** The beginning of an event whose end has not come. */
	const held = createHeldBytes();
	/** How far `held` has been searched, so that no byte is searched twice. */
	let searched = 0;

	function hold(bytes: Uint8Array): void {
		if (held.length + bytes.length > eventBytesMax) {
			throw new BrokenFraming(`a stream event is larger than ${eventBytesMax} bytes`);
		}
		held.add(bytes);
	}

	function cut(bytes: Uint8Array, from: number): { frames: EventFrame[]; used: number } {
		const frames: EventFrame[] = [];
		const eventEnd = bytes.indexOf(CR, from) === -1 ? lineFeedEventEnd : mixedEventEnd;
		let start = 0;
		let end = eventEnd(bytes, from);
		while (end !== -1) {
			const frame = bytes.subarray(start, end);
			frames.push({ bytes: frame, event: readEvent(frame) });
			start = end;
			end = eventEnd(bytes, start);
		}
		return { frames, used: start };
	}

	function push(chunk: Uint8Array): EventFrame[] {
		if (held.length === 0) {
			const { frames, used } = cut(chunk, 0);
			if (used < chunk.length) {
				hold(chunk.subarray(used));
				searched = resumeAt(held.length);
			}
			return frames;
		}
		hold(chunk);
		const { frames, used } = cut(held.view(), searched);
		if (used > 0) {
			// Frames point into `held`: it is left to them, and the remainder starts a fresh buffer.
			hold(held.release().subarray(used));
		}
		searched = resumeAt(held.length);
		return frames;
	}
	return { push, end: () => (held.length === 0 ? [] : push(EVENT_END)) };
}

/** A terminator is at most four bytes, so a search may resume three bytes back. */
function resumeAt(length: number): number {
	return Math.max(0, length - 3);
}

/** Index just after the blank line that ends the first event at or after `from`, or -1, where lines end with LF only. */
function lineFeedEventEnd(bytes: Uint8Array, from: number): number {
	let index = bytes.indexOf(LF, from);
	while (index !== -1 && index + 1 < bytes.length) {
		if (bytes[index + 1] === LF) {
			return index + 2;
		}
		index = bytes.indexOf(LF, index + 1);
	}
	return -1;
}

/** The same where CRLF or CR occur, alone or mixed with LF. */
function mixedEventEnd(bytes: Uint8Array, from: number): number {
	let index = from;
	while (index < bytes.length) {
		const ending = lineEnding(bytes, index);
		if (ending === 0) {
			index += 1;
			continue;
		}
		const second = lineEnding(bytes, index + ending);
		if (second > 0) {
			const end = index + ending + second;
			// "\r\n\r" at the end of what has arrived: its "\n" is still on the way and belongs to this event.
			return ending === 2 && second === 1 && bytes[end - 1] === CR && end === bytes.length ? -1 : end;
		}
		index += ending;
	}
	return -1;
}

/** Length of the line ending at an index: 2 for CRLF, 1 for CR or LF, 0 for none. */
function lineEnding(bytes: Uint8Array, index: number): 0 | 1 | 2 {
	const byte = bytes[index];
	if (byte === LF) {
		return 1;
	}
	if (byte === CR) {
		return bytes[index + 1] === LF ? 2 : 1;
	}
	return 0;
}

const DATA_PREFIX = "data: ";
const decoder = new TextDecoder();

/** The fields of an event as WHATWG reads them (`id` and `retry` mean nothing to a gateway). */
function readEvent(frame: Uint8Array): SseEvent | undefined {
	// TextDecoder also drops the byte order mark that a stream may begin with.
	const text = decoder.decode(frame);
	if (text.startsWith(DATA_PREFIX)) {
		const end = text.indexOf("\n");
		if (end === text.length - 2 && !text.includes("\r")) {
			return { name: "", data: text.slice(DATA_PREFIX.length, end) };
		}
	}
	return readFields(text);
}

function readFields(text: string): SseEvent | undefined {
	let name = "";
	let data: string | undefined;
	for (const line of text.split(/\r\n|\n|\r/)) {
		const colon = line.indexOf(":");
		if (line === "" || colon === 0) {
			continue;
		}
		const field = colon === -1 ? line : line.slice(0, colon);
		const raw = colon === -1 ? "" : line.slice(colon + 1);
		const value = raw.startsWith(" ") ? raw.slice(1) : raw;
		if (field === "data") {
			data = data === undefined ? value : `${data}\n${value}`;
		} else if (field === "event") {
			name = value;
		}
	}
	return data === undefined ? undefined : { name, data };
}
