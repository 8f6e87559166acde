import { badRequest } from "./errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./json-types.ts";

/** Nesting beyond this is refused before `JSON.parse` recurses into it. */
const JSON_DEPTH_MAX = 128;
/** Keys in the whole document, at every level. */
const JSON_KEYS_MAX = 100_000;
/** Objects and arrays in the whole document: `[],[],…` has no keys and still costs memory. */
const JSON_CONTAINERS_MAX = 200_000;
/** UTF-16 units of one key as it is spelled. */
const JSON_KEY_LENGTH_MAX = 16_384;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Offsets of a value in the text, white space around it excluded. */
interface JsonSpan {
	readonly start: number;
	readonly end: number;
}

type JsonFault =
	| { readonly kind: "not_object" | "too_deep" | "too_many_keys" | "too_many_containers" | "key_too_long" }
	| { readonly kind: "duplicate_key"; readonly key: string };

/** What one pass over the text found. The spans may be trusted once `JSON.parse` has accepted the same text. */
export interface JsonScan {
	/** The first reason to refuse the text unparsed. The pass stops there. */
	readonly fault: JsonFault | undefined;
	/** Value of each top-level key, by its decoded spelling, in the order of the text. */
	readonly spans: ReadonlyMap<string, JsonSpan>;
	/** Offset of the brace that closes the object; -1 when there is none. */
	readonly closingBrace: number;
	readonly depth: number;
	readonly keys: number;
}

export interface ParsedBody {
	/** The body as text: what an OpenAI-compatible provider gets, with a splice or without. */
	readonly text: string;
	readonly json: JsonObject;
	readonly scan: JsonScan;
}

// fatal: Bun's own readers turn a broken byte into U+FFFD silently. A byte order mark is dropped by the decoder.
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The text of UTF-8 bytes without their byte order mark; undefined when they are not UTF-8 or hold a NUL (as UTF-16 does). */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
	let text: string;
	try {
		text = decoder.decode(bytes);
	} catch {
		// The decoder has one complaint only: these bytes are not UTF-8.
		return undefined;
	}
	return text.includes("\0") ? undefined : text;
}

/**
 * Walks JSON text once, without recursion, and notes where the values of the top-level object are.
 * Checks limits, not grammar: `JSON.parse` does that afterwards, on a text known to be shallow.
 */
export function scanObject(text: string): JsonScan {
	const spans = new Map<string, JsonSpan>();
	let fault: JsonFault | undefined =
		text.charCodeAt(nonSpace(text, 0)) === OPEN_BRACE ? undefined : { kind: "not_object" };
	let depth = 0;
	let deepest = 0;
	let keys = 0;
	let containers = 0;
	let closingBrace = -1;
	let stringStart = 0;
	let stringEnd = 0;
	let key: string | undefined;
	let valueStart = 0;
	for (let index = 0; index < text.length; index += 1) {
		const code = text.charCodeAt(index);
		if (code === QUOTE) {
			stringStart = index + 1;
			stringEnd = closingQuote(text, stringStart);
			index = stringEnd;
		} else if (code === COLON) {
			keys += 1;
			if (keys > JSON_KEYS_MAX || stringEnd - stringStart > JSON_KEY_LENGTH_MAX) {
				fault = { kind: keys > JSON_KEYS_MAX ? "too_many_keys" : "key_too_long" };
				break;
			}
			if (depth === 1) {
				key = spelledKey(text.slice(stringStart, stringEnd));
				valueStart = index + 1;
			}
		} else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
			depth += 1;
			containers += 1;
			deepest = Math.max(deepest, depth);
			if (depth > JSON_DEPTH_MAX || containers > JSON_CONTAINERS_MAX) {
				fault = { kind: depth > JSON_DEPTH_MAX ? "too_deep" : "too_many_containers" };
				break;
			}
		} else if (code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET) {
			if (depth === 1 && key !== undefined) {
				if (spans.has(key)) {
					fault = { kind: "duplicate_key", key };
					break;
				}
				spans.set(key, trimmed(text, valueStart, index));
				key = undefined;
			}
			depth -= code === COMMA ? 0 : 1;
			closingBrace = depth === 0 && code === CLOSE_BRACE ? index : closingBrace;
		}
	}
	return { fault, spans, closingBrace, depth: deepest, keys };
}

/**
 * Reads a request body.
 * @throws GatewayError 400 with code `json_invalid_utf8`, `json_invalid`, `json_not_object`, `json_too_deep`,
 * `json_too_large` or `duplicate_key`. No message quotes the body.
 */
export function parseJsonBody(bytes: Uint8Array): ParsedBody {
	if (bytes.length === 0) {
		throw badRequest("The request body is empty; send a JSON object.", undefined, "json_invalid");
	}
	const text = decodeUtf8(bytes);
	if (text === undefined) {
		throw badRequest("The request body is not UTF-8 text.", undefined, "json_invalid_utf8");
	}
	const scan = scanObject(text);
	if (scan.fault !== undefined && scan.fault.kind !== "not_object") {
		throw refusal(scan.fault);
	}
	const json = parsed(text);
	if (!isJsonObject(json)) {
		throw badRequest("The request body must be a JSON object.", undefined, "json_not_object");
	}
	if (scan.spans.has("__proto__")) {
		throw badRequest("The key '__proto__' is not allowed in a request body.", "__proto__", "json_invalid");
	}
	return { text, json, scan };
}

/**
 * The same text with other values for some top-level keys, all else byte for byte. A key that is absent is added at the
 * end of the object; an edit that is `undefined` changes nothing.
 * @param edits JSON text by key.
 */
export function spliceTopLevel(
	text: string,
	scan: JsonScan,
	edits: Readonly<Record<string, string | undefined>>,
): string {
	const replacements: { readonly span: JsonSpan; readonly value: string }[] = [];
	let added = "";
	for (const [key, value] of Object.entries(edits)) {
		const span = scan.spans.get(key);
		if (value === undefined) {
			continue;
		}
		if (span === undefined) {
			added += `${scan.spans.size > 0 || added !== "" ? "," : ""}${JSON.stringify(key)}:${value}`;
		} else {
			replacements.push({ span, value });
		}
	}
	replacements.sort((left, right) => left.span.start - right.span.start);
	let result = "";
	let from = 0;
	for (const { span, value } of replacements) {
		result += text.slice(from, span.start) + value;
		from = span.end;
	}
	return added === ""
		? result + text.slice(from)
		: `${result}${text.slice(from, scan.closingBrace)}${added}${text.slice(scan.closingBrace)}`;
}

function parsed(text: string): JsonValue {
	try {
		return JSON.parse(text);
	} catch {
		// The engine's own message quotes the body, so it goes nowhere.
		const hint = "look for a trailing comma, a comment, a missing quote, NaN or text that was cut";
		throw badRequest(`The request body is not valid JSON: ${hint}.`, undefined, "json_invalid");
	}
}

function refusal(fault: JsonFault): Error {
	switch (fault.kind) {
		case "too_deep":
			return badRequest(`The request body nests deeper than ${JSON_DEPTH_MAX} levels.`, undefined, "json_too_deep");
		case "too_many_keys":
			return badRequest(`The request body has more than ${JSON_KEYS_MAX} keys.`, undefined, "json_too_large");
		case "too_many_containers":
			return badRequest(
				`The request body has more than ${JSON_CONTAINERS_MAX} objects and arrays.`,
				undefined,
				"json_too_large",
			);
		case "key_too_long":
			return badRequest(
				`The request body has a key longer than ${JSON_KEY_LENGTH_MAX} characters.`,
				undefined,
				"json_too_large",
			);
		case "not_object":
			return badRequest("The request body must be a JSON object.", undefined, "json_not_object");
		case "duplicate_key":
			return badRequest(
				"A key appears twice at the top of the request body; JSON readers disagree on which one counts.",
				fault.key.slice(0, 64),
				"duplicate_key",
			);
		default:
			return fault satisfies never;
	}
}

/** Offset of the quote that ends a string; the end of the text when there is none. */
function closingQuote(text: string, from: number): number {
	let quote = text.indexOf('"', from);
	while (quote > from && text.charCodeAt(quote - 1) === BACKSLASH) {
		let backslashes = 1;
		while (quote - backslashes > from && text.charCodeAt(quote - backslashes - 1) === BACKSLASH) {
			backslashes += 1;
		}
		if (backslashes % 2 === 0) {
			break;
		}
		quote = text.indexOf('"', quote + 1);
	}
	return quote === -1 ? text.length : quote;
}

/** A key may be spelled with escapes ("mod\u0065l"): what counts is what a JSON reader makes of it. */
function spelledKey(raw: string): string {
	if (!raw.includes("\\")) {
		return raw;
	}
	try {
		return String(JSON.parse(`"${raw}"`));
	} catch {
		// A broken escape: JSON.parse of the whole text refuses it in a moment.
		return raw;
	}
}

function trimmed(text: string, from: number, to: number): JsonSpan {
	const start = nonSpace(text, from);
	let end = to;
	while (end > start && isSpace(text.charCodeAt(end - 1))) {
		end -= 1;
	}
	return { start, end };
}

function nonSpace(text: string, from: number): number {
	let index = from;
	while (isSpace(text.charCodeAt(index))) {
		index += 1;
	}
	return index;
}

function isSpace(code: number): boolean {
	return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
