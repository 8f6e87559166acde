import { STATUS_CODES } from "node:http";
import type { Reply, ServedUsage, Step } from "./upstream.ts";

export interface ResponseParts {
	readonly status?: number;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string | Uint8Array;
	/** How the body's end is told. Default: length. */
	readonly framing?: "length" | "chunked" | "close";
	/** Byte offsets of the body at which it is cut, into HTTP chunks (chunked) or segments (otherwise). */
	readonly cuts?: readonly number[];
	readonly usage?: ServedUsage | undefined;
}

export function bytesStep(content: string | Uint8Array): Step {
	return { kind: "bytes", bytes: typeof content === "string" ? Buffer.from(content) : content };
}

/** Exactly these bytes in place of HTTP, then a kept connection. */
export function rawReply(...parts: readonly (string | Uint8Array)[]): Reply {
	return { steps: parts.map(bytesStep) };
}

export function head(status: number, headers: Readonly<Record<string, string>>): string {
	const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
	return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n`;
}

/** A whole answer. */
export function respond(parts: ResponseParts): Reply {
	const body = Buffer.from(parts.body ?? "");
	const framing = parts.framing ?? "length";
	const headers = { "content-type": "application/json", ...parts.headers, ...framingHeader(framing, body.length) };
	const pieces = cutAt(body, parts.cuts ?? []);
	const steps = [
		bytesStep(head(parts.status ?? 200, headers)),
		...pieces.map((piece) => bytesStep(framing === "chunked" ? httpChunk(piece) : piece)),
	];
	if (framing === "chunked") {
		steps.push(bytesStep("0\r\n\r\n"));
	}
	if (framing === "close") {
		steps.push({ kind: "fin" });
	}
	return { steps, usage: parts.usage };
}

function framingHeader(framing: "length" | "chunked" | "close", length: number): Record<string, string> {
	switch (framing) {
		case "length":
			return { "content-length": String(length) };
		case "chunked":
			return { "transfer-encoding": "chunked" };
		case "close":
			return { connection: "close" };
		default:
			return framing satisfies never;
	}
}

export function json(status: number, body: unknown, options: Omit<ResponseParts, "status" | "body"> = {}): Reply {
	return respond({ ...options, status, body: JSON.stringify(body) });
}

/** An error in OpenAI's shape. */
export function errorJson(
	status: number,
	error: { readonly message?: string; readonly type?: string; readonly code?: string | null; readonly param?: string },
	headers: Readonly<Record<string, string>> = {},
): Reply {
	const body = { message: `upstream says ${status}`, type: "server_error", param: null, code: null, ...error };
	return json(status, { error: body }, { headers });
}

export const SSE_HEADERS = { "content-type": "text/event-stream; charset=utf-8" };

/** The text of a stream: one `data:` event for each value (objects as JSON, strings as they are). */
export function sseText(events: readonly unknown[], options: { readonly done?: boolean } = {}): string {
	const lines = events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`);
	return `${lines.join("")}${options.done === false ? "" : "data: [DONE]\n\n"}`;
}

/** A stream, chunked, one HTTP chunk an event unless `cuts` says otherwise. */
export function sse(
	events: readonly unknown[],
	options: Omit<ResponseParts, "body"> & { readonly done?: boolean } = {},
): Reply {
	const text = sseText(events, options);
	const offsets = [...text.matchAll(/\n\n/g)].map((match) => Buffer.byteLength(text.slice(0, match.index + 2)));
	return respond({
		framing: "chunked",
		cuts: offsets,
		...options,
		headers: { ...SSE_HEADERS, ...options.headers },
		body: text,
	});
}

/** A stream whose every event waits for its own promise: the test decides when each one leaves. */
export function gatedSse(
	events: readonly { readonly data: unknown; readonly after?: Promise<unknown> | undefined }[],
	options: { readonly done?: boolean; readonly usage?: ServedUsage | undefined } = {},
): Reply {
	const steps: Step[] = [bytesStep(head(200, { ...SSE_HEADERS, ...framingHeader("chunked", 0) }))];
	for (const { data, after } of events) {
		if (after !== undefined) {
			steps.push({ kind: "wait", until: after });
		}
		steps.push(bytesStep(httpChunk(Buffer.from(sseText([data], { done: false })))));
	}
	steps.push(bytesStep(`${options.done === false ? "" : httpChunk(Buffer.from("data: [DONE]\n\n"))}0\r\n\r\n`));
	return { steps, usage: options.usage };
}

export function httpChunk(piece: Uint8Array): Buffer {
	return piece.length === 0
		? Buffer.alloc(0)
		: Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
}

/** Pieces of a body, cut at the given offsets. Empty pieces are left out. */
function cutAt(body: Buffer, cuts: readonly number[]): Buffer[] {
	const edges = [...new Set([0, ...cuts.filter((cut) => cut > 0 && cut < body.length), body.length])].sort(
		(a, b) => a - b,
	);
	return edges.slice(1).map((edge, index) => body.subarray(edges[index], edge));
}

/** Every byte a reply would write, waits left out. For replies whose steps are an array. */
export function wireBytes(reply: Reply): Buffer {
	if (!Array.isArray(reply.steps)) {
		throw new Error("only replies made of an array of steps have known bytes");
	}
	// Array.isArray loses the element type.
	const steps = reply.steps as readonly Step[];
	return Buffer.concat(steps.flatMap((step) => (step.kind === "bytes" ? [step.bytes] : [])));
}

/** The reply's first `count` bytes on the wire, then FIN, RST or silence. */
export function breakAfter(reply: Reply, count: number, how: "fin" | "reset" | "hang"): Reply {
	const bytes = wireBytes(reply).subarray(0, count);
	return { steps: [...(bytes.length > 0 ? [bytesStep(bytes)] : []), { kind: how }] };
}

/** Everything up to and including the first occurrence of `marker` on the wire, then FIN, RST or silence. */
export function breakAfterText(reply: Reply, marker: string, how: "fin" | "reset" | "hang"): Reply {
	const at = wireBytes(reply).indexOf(marker);
	if (at < 0) {
		throw new Error(`the reply does not hold ${JSON.stringify(marker)}`);
	}
	return breakAfter(reply, at + Buffer.byteLength(marker), how);
}

/** The same reply, which stops after the first `marker` on the wire until the promise settles. */
export function holdAfter(reply: Reply, marker: string, opened: Promise<unknown>): Reply {
	const bytes = wireBytes(reply);
	const at = bytes.indexOf(marker);
	if (at < 0 || !Array.isArray(reply.steps)) {
		throw new Error(`the reply does not hold ${JSON.stringify(marker)}`);
	}
	const edge = at + Buffer.byteLength(marker);
	// Array.isArray loses the element type.
	const endings = (reply.steps as readonly Step[]).filter((step) => step.kind !== "bytes");
	return {
		...reply,
		steps: [
			bytesStep(bytes.subarray(0, edge)),
			{ kind: "wait", until: opened },
			...(edge < bytes.length ? [bytesStep(bytes.subarray(edge))] : []),
			...endings,
		],
	};
}

/** Named faults of an upstream (RELIABILITY §3.1). Each is a whole reply. */
export const fault = {
	silent: (): Reply => ({ steps: [{ kind: "hang" }] }),
	closed: (): Reply => ({ steps: [{ kind: "fin" }] }),
	reset: (): Reply => ({ steps: [{ kind: "reset" }] }),
	garbage: (): Reply => ({ steps: [bytesStep("\x16\x03\x01 not http at all\r\n\r\n"), { kind: "hang" }] }),
	resetInHead: (): Reply => ({ steps: [bytesStep("HTTP/1.1 200 OK\r\nContent-Ty"), { kind: "reset" }] }),
	headThenSilence: (): Reply => ({
		steps: [bytesStep(head(200, { ...SSE_HEADERS, "transfer-encoding": "chunked" })), { kind: "hang" }],
	}),
	headThenClosed: (): Reply => ({
		steps: [bytesStep(head(200, { ...SSE_HEADERS, connection: "close" })), { kind: "fin" }],
	}),
	redirect: (location: string, status = 302): Reply => respond({ status, headers: { location }, body: "" }),
	badChunkSize: (): Reply => ({
		steps: [
			bytesStep(`${head(200, { ...SSE_HEADERS, "transfer-encoding": "chunked" })}zz\r\nhello\r\n`),
			{ kind: "fin" },
		],
	}),
	html: (status = 200): Reply =>
		respond({
			status,
			headers: { "content-type": "text/html" },
			body: "<html><body>Sign in to the hotel network</body></html>",
		}),
} as const;
