import type { ServerSettings } from "../config/types.ts";
import type { Ingress } from "../dialects/types.ts";
import type { KeyRecord } from "../keys/types.ts";
import type { Deadlines } from "../lib/deadlines.ts";
import { GatewayError } from "../lib/errors.ts";
import { parseJsonBody } from "../lib/json.ts";
import { parseMultipart } from "../lib/multipart.ts";
import type { RequestScope } from "./live.ts";
import type { GatewayDeps, ParsedBody, Received } from "./types.ts";

/** Stage 1: reads the body within its bounds, parses it once, and takes from it what the gateway needs to know. */
export async function receive(
	request: Request,
	ingress: Ingress,
	who: { readonly scope: RequestScope; readonly principal: KeyRecord; readonly server: ServerSettings },
	deps: GatewayDeps,
): Promise<Received> {
	const { scope, principal, server } = who;
	const contentType = checkContentType(request.headers, ingress);
	const multipart = ingress.body === "multipart";
	const bytes = await readBytes(request, {
		bytesMax: multipart ? server.uploadBytesMax : server.bodyBytesMax,
		silenceMs: server.readTimeoutMs,
		deadlines: deps.runtime.deadlines,
	});
	const body: ParsedBody = multipart
		? { kind: "multipart", form: parseMultipart(bytes, contentType) }
		: { kind: "json", ...parseJsonBody(bytes) };
	return {
		scope,
		principal,
		ingress,
		body,
		envelope: ingress.readEnvelope(body),
		clientHeaders: request.headers,
		recollection: undefined,
	};
}

function checkContentType(headers: Headers, ingress: Ingress): string {
	checkEncoding(headers.get("content-encoding"));
	const given = headers.get("content-type");
	if (ingress.body === "multipart") {
		if (given === null || mediaType(given) !== "multipart/form-data") {
			throw unsupportedMedia("This endpoint takes multipart/form-data.");
		}
		return given;
	}
	checkJsonType(given);
	return given ?? "application/json";
}

/** A compressed body is refused: what it would unpack to is bounded by nothing. */
export function checkEncoding(given: string | null): void {
	if (given !== null && given.trim().toLowerCase() !== "identity") {
		throw unsupportedMedia("Compressed request bodies are not accepted. Send the body without Content-Encoding.");
	}
}

/** A missing content type is read as JSON; anything else but JSON in UTF-8 is refused. */
export function checkJsonType(given: string | null): void {
	if (given === null) {
		return;
	}
	const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(given)?.[1]?.toLowerCase();
	if (mediaType(given) !== "application/json" || (charset !== undefined && charset !== "utf-8" && charset !== "utf8")) {
		throw unsupportedMedia("This endpoint takes a JSON body: send Content-Type: application/json (UTF-8).");
	}
}

function mediaType(contentType: string): string {
	return (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
}

function unsupportedMedia(message: string): GatewayError {
	return new GatewayError({ status: 415, type: "invalid_request_error", message, code: "unsupported_media_type" });
}

export interface ReadBounds {
	readonly bytesMax: number;
	/** Longest time without a single byte arriving. */
	readonly silenceMs: number;
	readonly deadlines: Deadlines;
}

/** A body this small arrives with its headers or in a moment: one wait for the whole is enough. */
const SMALL_BODY_BYTES = 256 * 1024;

/** The whole body, or GatewayError 413 (too large), 408 (silence), 400 (connection broke in mid-body). */
export async function readBytes(request: Request, bounds: ReadBounds): Promise<Uint8Array<ArrayBuffer>> {
	if (request.body === null) {
		return new Uint8Array(0);
	}
	const declared = Number(request.headers.get("content-length") ?? Number.NaN);
	if (declared > bounds.bytesMax) {
		throw tooLarge(bounds.bytesMax);
	}
	return declared <= SMALL_BODY_BYTES ? readAtOnce(request, bounds) : readPiecewise(request.body, bounds);
}

function readAtOnce(request: Request, bounds: ReadBounds): Promise<Uint8Array<ArrayBuffer>> {
	return new Promise((resolve, reject) => {
		const deadline = bounds.deadlines.after(bounds.silenceMs, () => reject(tooSlow(bounds.silenceMs)));
		request.arrayBuffer().then(
			(buffer) => {
				deadline.clear();
				resolve(new Uint8Array(buffer));
			},
			(cause: unknown) => {
				deadline.clear();
				reject(brokenBody(cause));
			},
		);
	});
}

async function readPiecewise(body: ReadableStream<Uint8Array>, bounds: ReadBounds): Promise<Uint8Array<ArrayBuffer>> {
	const reader = body.getReader();
	const chunks: Uint8Array[] = [];
	let length = 0;
	let silent = false;
	const deadline = bounds.deadlines.after(bounds.silenceMs, () => {
		silent = true;
		reader.cancel().catch(() => {
			// The client is gone: the read below ends either way.
		});
	});
	try {
		for (let next = await reader.read(); !next.done; next = await reader.read()) {
			length += next.value.length;
			if (length > bounds.bytesMax) {
				throw tooLarge(bounds.bytesMax);
			}
			chunks.push(next.value);
			deadline.reset(bounds.silenceMs);
		}
	} catch (cause) {
		throw cause instanceof GatewayError ? cause : brokenBody(cause);
	} finally {
		deadline.clear();
	}
	if (silent) {
		throw tooSlow(bounds.silenceMs);
	}
	return Buffer.concat(chunks, length);
}

function tooLarge(bytesMax: number): GatewayError {
	return new GatewayError({
		status: 413,
		type: "invalid_request_error",
		message: `The request body is larger than ${bytesMax} bytes.`,
		code: "request_too_large",
		headers: { connection: "close" },
	});
}

function tooSlow(silenceMs: number): GatewayError {
	return new GatewayError({
		status: 408,
		type: "invalid_request_error",
		message: `No byte of the request body arrived for ${silenceMs} ms.`,
		code: "request_timeout",
		headers: { connection: "close" },
	});
}

function brokenBody(cause: unknown): GatewayError {
	return new GatewayError({
		status: 400,
		type: "invalid_request_error",
		message: "The request body ended before it was complete.",
		code: "incomplete_body",
		cause,
	});
}
