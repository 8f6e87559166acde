import { BrokenFraming, EVENT_BYTES_MAX, type EventFrame, type EventSplitter } from "./frames.ts";

const LF = 10;
const EMPTY = new Uint8Array(0);
const decoder = new TextDecoder();

/**
 * Cuts a stream of JSON lines into events without a name, one a line: Cohere's first API streams so, and so do servers
 * made after it. Lines end with LF or CRLF, the last one with the stream; blank lines say nothing.
 * @param lineBytesMax An endless line is a fault of the provider, not a reason to grow.
 * @see https://jsonlines.org
 */
export function createJsonLinesSplitter(lineBytesMax = EVENT_BYTES_MAX): EventSplitter {
	/** The beginning of a line whose end has not come; grows by doubling so that tiny chunks stay linear. */
	let held = EMPTY;
	let heldLength = 0;

	function hold(bytes: Uint8Array): void {
		const needed = heldLength + bytes.length;
		checkLength(needed);
		if (needed > held.length) {
			const grown = new Uint8Array(Math.max(needed, held.length * 2, 1024));
			grown.set(held.subarray(0, heldLength));
			held = grown;
		}
		held.set(bytes, heldLength);
		heldLength = needed;
	}
	function checkLength(length: number): void {
		if (length > lineBytesMax) {
			throw new BrokenFraming(`a stream event is larger than ${lineBytesMax} bytes`);
		}
	}
	/** Frames may point into what was held: it is left to them. */
	function release(): Uint8Array {
		const bytes = held.subarray(0, heldLength);
		held = EMPTY;
		heldLength = 0;
		return bytes;
	}
	function lineOf(ending: Uint8Array): Uint8Array {
		if (heldLength === 0) {
			checkLength(ending.length);
			return ending;
		}
		hold(ending);
		return release();
	}
	return {
		push(chunk) {
			const frames: EventFrame[] = [];
			let start = 0;
			for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
				frames.push(frameOf(lineOf(chunk.subarray(start, end + 1))));
				start = end + 1;
			}
			if (start < chunk.length) {
				hold(chunk.subarray(start));
			}
			return frames;
		},
		end: () => (heldLength === 0 ? [] : [frameOf(release())]),
	};
}

function frameOf(bytes: Uint8Array): EventFrame {
	// TextDecoder also drops the byte order mark that a stream may begin with.
	const data = decoder.decode(bytes).trim();
	return { bytes, event: data === "" ? undefined : { name: "", data } };
}
