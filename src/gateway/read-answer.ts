import { isJsonObject, type JsonObject } from "../lib/json-types.ts";
import { discard } from "../transport/upstream.ts";

/** An answer is read whole before it is passed on only up to this size (bytes). */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** The bytes of an answer, or undefined when there are too many of them. */
export async function readAnswer(
	head: Response,
	bytesMax = ANSWER_BYTES_MAX,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
	// What is compressed although nobody asked for it declares its packed length, which bounds nothing.
	const packed = head.headers.has("content-encoding");
	const declared = packed ? Number.NaN : Number(head.headers.get("content-length") ?? Number.NaN);
	if (declared <= bytesMax) {
		return new Uint8Array(await head.arrayBuffer());
	}
	if (declared > bytesMax || head.body === null) {
		discard(head.body);
		return declared > bytesMax ? undefined : new Uint8Array(0);
	}
	const chunks: Uint8Array[] = [];
	let length = 0;
	const reader = head.body.getReader();
	for (let next = await reader.read(); !next.done; next = await reader.read()) {
		length += next.value.length;
		if (length > bytesMax) {
			reader.cancel().catch(() => {
				// Too large to be an answer; the connection may be gone already.
			});
			return undefined;
		}
		chunks.push(next.value);
	}
	return Buffer.concat(chunks, length);
}

/** The JSON object of an answer; undefined where it is none. Google wraps the errors of some streams in a list. */
export function parseObject(bytes: Uint8Array): JsonObject | undefined {
	try {
		const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
		const object: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
		return isJsonObject(object) ? object : undefined;
	} catch {
		// Cut off, a web page, or anything else that is not an answer.
		return undefined;
	}
}
