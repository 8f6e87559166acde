import { crc32 } from "node:zlib";

/**
 * AWS event stream frames written and read by hand from the published layout, so that the splitter is compared with the
 * document and not with itself. https://smithy.io/2.0/aws/amazon-eventstream.html
 */
export interface HandFrame {
	readonly headers: Readonly<Record<string, string>>;
	readonly payload: string;
}

const STRING = 7;

export function writeFrame({ headers, payload }: HandFrame): Buffer {
	const body = Buffer.from(payload);
	const head = Buffer.concat(
		Object.entries(headers).map(([name, value]) => {
			const [key, text] = [Buffer.from(name), Buffer.from(value)];
			return Buffer.concat([
				Buffer.from([key.length]),
				key,
				Buffer.from([STRING, text.length >> 8, text.length & 255]),
				text,
			]);
		}),
	);
	const frame = Buffer.alloc(16 + head.length + body.length);
	frame.writeUInt32BE(frame.length, 0);
	frame.writeUInt32BE(head.length, 4);
	frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
	head.copy(frame, 12);
	body.copy(frame, 12 + head.length);
	frame.writeUInt32BE(crc32(frame.subarray(0, -4)), frame.length - 4);
	return frame;
}

export function event(name: string, payload: unknown): HandFrame {
	return {
		headers: { ":event-type": name, ":content-type": "application/json", ":message-type": "event" },
		payload: JSON.stringify(payload),
	};
}

export function exception(name: string, payload: unknown): HandFrame {
	return {
		headers: { ":exception-type": name, ":content-type": "application/json", ":message-type": "exception" },
		payload: JSON.stringify(payload),
	};
}

export function readFrames(bytes: Buffer): HandFrame[] {
	const frames: HandFrame[] = [];
	for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
		const total = bytes.readUInt32BE(at);
		const headersEnd = at + 12 + bytes.readUInt32BE(at + 4);
		const headers: Record<string, string> = {};
		for (let cursor = at + 12; cursor < headersEnd; ) {
			const nameEnd = cursor + 1 + bytes.readUInt8(cursor);
			const name = bytes.toString("utf8", cursor + 1, nameEnd);
			if (bytes.readUInt8(nameEnd) !== STRING) {
				throw new Error("a recorded header that is no string");
			}
			cursor = nameEnd + 3 + bytes.readUInt16BE(nameEnd + 1);
			headers[name] = bytes.toString("utf8", nameEnd + 3, cursor);
		}
		frames.push({ headers, payload: bytes.toString("utf8", headersEnd, at + total - 4) });
	}
	return frames;
}
