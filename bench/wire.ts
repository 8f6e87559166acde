/**
 * Just enough HTTP/1.1 to find where a message ends. The benchmark's own ends of the wire are made of it, because a full
 * client or server (fetch, Bun.serve) costs about as much per request as the thing that is measured.
 */

const HEAD_END = Buffer.from("\r\n\r\n");
const CHUNKS_END = Buffer.from("0\r\n\r\n");

export interface MessageHead {
	/** Where the body starts. */
	readonly bodyStart: number;
	/** undefined: chunked. */
	readonly bodyLength: number | undefined;
	/** The start line and headers. */
	readonly text: string;
}

/** Reads the head of the message that starts at 0; undefined while it is incomplete. */
export function readHead(buffer: Buffer): MessageHead | undefined {
	const end = buffer.indexOf(HEAD_END);
	if (end < 0) {
		return undefined;
	}
	const text = buffer.toString("latin1", 0, end);
	const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
	const chunked = length === undefined && /\r\ntransfer-encoding: *chunked/i.test(text);
	return { bodyStart: end + 4, bodyLength: chunked ? undefined : Number(length ?? 0), text };
}

/** Where the message that starts at 0 ends; undefined while it is incomplete. A chunked one must be the last in the buffer. */
export function messageEnd(buffer: Buffer, head: MessageHead): number | undefined {
	if (head.bodyLength === undefined) {
		// Closed loop: nothing follows an answer before the next request, so the last chunk is the end of the buffer.
		return buffer.length >= head.bodyStart + 5 && buffer.subarray(-5).equals(CHUNKS_END) ? buffer.length : undefined;
	}
	const end = head.bodyStart + head.bodyLength;
	return buffer.length >= end ? end : undefined;
}

/** Milliseconds since the epoch with a fraction: comparable between processes of one machine. */
export function wallClockMs(): number {
	return performance.timeOrigin + performance.now();
}

export function concat(kept: Buffer | undefined, data: Buffer): Buffer {
	return kept === undefined ? data : Buffer.concat([kept, data]);
}
