import { crc32 } from "node:zlib";

/** One message of an AWS event stream. */
export interface AwsFrame {
	readonly headers: Readonly<Record<string, string>>;
	readonly payload: string;
}

const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;
const STRING_HEADER = 7;

/**
 * Reads frames by the published layout: total length, headers length, CRC of these two, headers, payload, CRC of all.
 * https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
 * @throws Error when a checksum is wrong or bytes are missing: recordings are whole.
 */
export function readAwsFrames(bytes: Buffer): AwsFrame[] {
	const frames: AwsFrame[] = [];
	for (let start = 0; start < bytes.length; ) {
		const total = bytes.readUInt32BE(start);
		const headersEnd = start + PRELUDE_BYTES + bytes.readUInt32BE(start + 4);
		const end = start + total;
		if (end > bytes.length || crc32(bytes.subarray(start, end - CRC_BYTES)) !== bytes.readUInt32BE(end - CRC_BYTES)) {
			throw new Error(`broken frame at byte ${start}`);
		}
		frames.push({
			headers: readHeaders(bytes.subarray(start + PRELUDE_BYTES, headersEnd)),
			payload: bytes.toString("utf8", headersEnd, end - CRC_BYTES),
		});
		start = end;
	}
	return frames;
}

function readHeaders(bytes: Buffer): Record<string, string> {
	const headers: Record<string, string> = {};
	for (let at = 0; at < bytes.length; ) {
		const nameEnd = at + 1 + bytes.readUInt8(at);
		if (bytes.readUInt8(nameEnd) !== STRING_HEADER) {
			throw new Error("only string headers are expected here");
		}
		const valueStart = nameEnd + 3;
		const valueEnd = valueStart + bytes.readUInt16BE(nameEnd + 1);
		headers[bytes.toString("utf8", at + 1, nameEnd)] = bytes.toString("utf8", valueStart, valueEnd);
		at = valueEnd;
	}
	return headers;
}

/** The same the other way round, for answers that tests make themselves. */
export function awsFrame(headers: Readonly<Record<string, string>>, payload: string): Buffer {
	const head = Buffer.concat(
		Object.entries(headers).map(([name, value]) => {
			const text = Buffer.from(value);
			const lengths = Buffer.from([STRING_HEADER, text.length >> 8, text.length & 0xff]);
			return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), lengths, text]);
		}),
	);
	const body = Buffer.from(payload);
	const prelude = Buffer.alloc(8);
	prelude.writeUInt32BE(PRELUDE_BYTES + head.length + body.length + CRC_BYTES, 0);
	prelude.writeUInt32BE(head.length, 4);
	const checked = Buffer.concat([prelude, checksum(prelude), head, body]);
	return Buffer.concat([checked, checksum(checked)]);
}

/** An event of Bedrock's stream. */
export function bedrockEvent(type: string, payload: unknown): Buffer {
	return awsFrame(
		{ ":event-type": type, ":content-type": "application/json", ":message-type": "event" },
		JSON.stringify(payload),
	);
}

/** A failure that Bedrock tells inside a stream. */
export function bedrockException(type: string, message: string): Buffer {
	return awsFrame(
		{ ":exception-type": type, ":content-type": "application/json", ":message-type": "exception" },
		JSON.stringify({ message }),
	);
}

function checksum(bytes: Buffer): Buffer {
	const sum = Buffer.alloc(CRC_BYTES);
	sum.writeUInt32BE(crc32(bytes));
	return sum;
}
