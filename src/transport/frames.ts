import type { SseEvent } from "../dialects/types.ts";

/** An event of a text may not be larger than this (bytes): an endless line is a fault of the provider, not a reason to grow. */
export const EVENT_BYTES_MAX = 4 * 1024 * 1024;

/** One event of a stream with the exact bytes it came in, terminator included. */
export interface EventFrame {
	readonly bytes: Uint8Array;
	/** undefined: a comment, a ping without data, a stray blank line. */
	readonly event: SseEvent | undefined;
}

/** Cuts a byte stream into events, whatever the chunks were. Holds the state of one stream. */
export interface EventSplitter {
	/** Complete events so far. Frames may share memory with the chunk. @throws BrokenFraming */
	push(chunk: Uint8Array): EventFrame[];
	/** What is left when the stream has closed: some servers leave out what ends their last event. */
	end(): EventFrame[];
}

/** Bytes that no event can be made of: the stream is lost from here on. */
export class BrokenFraming extends Error {
	override readonly name = "BrokenFraming";
}
