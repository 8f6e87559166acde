/** One HTTP/1.1 message as it came over the wire, complete or as far as it got. */
export interface HttpMessage {
	/** The request line or the status line. */
	readonly startLine: string;
	/** In order, names as sent. */
	readonly headers: readonly (readonly [string, string])[];
	readonly body: Buffer;
	readonly framing: "none" | "length" | "chunked" | "close";
	readonly complete: boolean;
	/** Status of a response, 0 for a request. */
	readonly status: number;
}

/** Value of a header, lower-case name; several are joined by ", ". */
export function headerOf(message: Pick<HttpMessage, "headers">, name: string): string | undefined {
	const values = message.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
	return values.length === 0 ? undefined : values.join(", ");
}

interface OpenMessage {
	startLine: string;
	headers: (readonly [string, string])[];
	parts: Buffer[];
	framing: HttpMessage["framing"];
	complete: boolean;
	status: number;
	/** Bytes of the body (length framing) or of the chunk still to come. */
	remaining: number;
	phase: "body" | "chunk-size" | "chunk-data" | "chunk-end" | "trailers";
}

/**
 * Reads the messages of one direction of a connection, however the bytes are cut. Own code and not `node:http`,
 * because the tests must see exactly what was framed how, and what was missing.
 */
export function createHttpReader(direction: "request" | "response", options: { readonly bodiless?: boolean } = {}) {
	const messages: OpenMessage[] = [];
	let pending: Buffer = Buffer.alloc(0);
	let open: OpenMessage | undefined;

	function step(): boolean {
		if (open === undefined) {
			const end = pending.indexOf("\r\n\r\n");
			if (end < 0) {
				return false;
			}
			open = readHead(pending.subarray(0, end).toString("latin1"), direction, options.bodiless === true);
			pending = pending.subarray(end + 4);
			messages.push(open);
			finishIfComplete();
			return true;
		}
		return readBody(open);
	}

	function readBody(message: OpenMessage): boolean {
		if (message.phase === "body" || message.phase === "chunk-data") {
			if (pending.length === 0) {
				return false;
			}
			const part = pending.subarray(0, message.remaining);
			message.parts.push(part);
			message.remaining -= part.length;
			pending = pending.subarray(part.length);
			if (message.phase === "chunk-data" && message.remaining === 0) {
				message.phase = "chunk-end";
			}
			finishIfComplete();
			return true;
		}
		const end = pending.indexOf("\r\n");
		if (end < 0) {
			return false;
		}
		const line = pending.subarray(0, end).toString("latin1");
		pending = pending.subarray(end + 2);
		readChunkLine(message, line);
		finishIfComplete();
		return true;
	}

	function finishIfComplete(): void {
		if (open?.phase === "body" && open.remaining === 0) {
			open.complete = true;
		}
		if (open?.complete) {
			open = undefined;
		}
	}

	return {
		push(bytes: Uint8Array): void {
			pending = pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([pending, bytes]);
			while (step()) {
				// Each step consumes a head, a body part or a chunk line.
			}
		},
		/** The peer closed: a message framed by close is complete now, any other open one stays incomplete. */
		close(): void {
			if (open?.framing === "close") {
				open.complete = true;
				open = undefined;
			}
		},
		/** Complete messages, and the open one last. */
		messages(): readonly HttpMessage[] {
			return messages.map(({ startLine, headers, parts, framing, complete, status }) => {
				if (parts.length > 1) {
					parts.splice(0, parts.length, Buffer.concat(parts));
				}
				return { startLine, headers, body: parts[0] ?? Buffer.alloc(0), framing, complete, status };
			});
		},
		completeCount: () => messages.filter((message) => message.complete).length,
		/** Bytes that belong to no message yet. */
		rest: () => pending,
	};
}

function readHead(text: string, direction: "request" | "response", bodiless: boolean): OpenMessage {
	const [startLine = "", ...lines] = text.split("\r\n");
	const headers = lines.map((line): readonly [string, string] => {
		const colon = line.indexOf(":");
		return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).trim()];
	});
	const status = direction === "response" ? Number(startLine.split(" ")[1] ?? 0) : 0;
	const noBody = bodiless || (status >= 100 && status < 200) || status === 204 || status === 304;
	const length = headerOf({ headers }, "content-length");
	const chunked = /chunked/i.test(headerOf({ headers }, "transfer-encoding") ?? "");
	const framing = framingOf({ noBody, chunked, length, direction });
	return {
		startLine,
		headers,
		parts: [],
		framing,
		complete: false,
		status,
		remaining: framing === "length" ? Number(length) : framing === "close" ? Number.POSITIVE_INFINITY : 0,
		phase: framing === "chunked" ? "chunk-size" : "body",
	};
}

function framingOf(facts: {
	readonly noBody: boolean;
	readonly chunked: boolean;
	readonly length: string | undefined;
	readonly direction: "request" | "response";
}): HttpMessage["framing"] {
	if (facts.noBody) {
		return "none";
	}
	if (facts.chunked) {
		return "chunked";
	}
	if (facts.length !== undefined) {
		return "length";
	}
	return facts.direction === "response" ? "close" : "none";
}

function readChunkLine(message: OpenMessage, line: string): void {
	switch (message.phase) {
		case "chunk-size": {
			message.remaining = Number.parseInt(line, 16);
			message.phase = message.remaining === 0 ? "trailers" : "chunk-data";
			return;
		}
		case "chunk-end": {
			message.phase = "chunk-size";
			return;
		}
		case "trailers": {
			message.complete = line === "";
			return;
		}
		case "body":
		case "chunk-data":
			return;
		default:
			message.phase satisfies never;
	}
}
