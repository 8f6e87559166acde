import { BrokenFraming, EVENT_BYTES_MAX, type EventFrame, type EventSplitter } from "./frames.ts";
import { createHeldBytes } from "./held-bytes.ts";

const LF = 10;
const decoder = new TextDecoder();

/**
 * Cuts a stream of JSON lines into events without a name, one a line: Cohere's first API streams so, and so do servers
 * made after it. Lines end with LF or CRLF, the last one with the stream; blank lines say nothing.
 * @param lineBytesMax An endless line is a fault of the provider, not a reason to grow.
 * @see https://jsonlines.org
 */
export function createJsonLinesSplitter(lineBytesMax = EVENT_BYTES_MAX): EventSplitter {
	/** The beginning of a line whose end has not come. */
	const held = createHeldBytes();

	function hold(bytes: Uint8Array): void {
		checkLength(held.length + bytes.length);
		held.add(bytes);
	}
	function checkLength(length: number): void {
		if (length > lineBytesMax) {
			throw new BrokenFraming(`a stream event is larger than ${lineBytesMax} bytes`);
		}
	}
	function lineOf(ending: Uint8Array): Uint8Array {
		if (held.length === 0) {
			checkLength(ending.length);
			return ending;
		}
		hold(ending);
		return held.release();
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
		end: () => (held.length === 0 ? [] : [frameOf(held.release())]),
	};
}

function frameOf(bytes: Uint8Array): EventFrame {
	// TextDecoder also drops the byte order mark that a stream may begin with.
	const data = decoder.decode(bytes).trim();
	return { bytes, event: data === "" ? undefined : { name: "", data } };
}
