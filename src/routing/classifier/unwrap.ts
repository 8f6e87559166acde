import { isJsonObject, type JsonValue } from "../../lib/json-types.ts";

const FENCE = "```";
const DEPTH_MAX = 4;
/** A text inside JSON is part of the task when it is at least this long, against the longest one. */
const PART_SHARE = 0.25;
/** What must be one text of what looks like an envelope. */
const TEXT_SHARE = 0.12;

/** The text inside a wrapping that says nothing about the task: JSON around it, a fence, a tag, quotation marks. */
export function unwrap(text: string): string {
	const trimmed = text.trim();
	const first = trimmed[0];
	if (first === "{" || first === "[") {
		return fromJson(trimmed) ?? trimmed;
	}
	if (first === "`" && trimmed.startsWith(FENCE) && trimmed.endsWith(FENCE)) {
		return fromFence(trimmed);
	}
	if (first === "<") {
		return fromTag(trimmed);
	}
	return trimmed;
}

function fromJson(text: string): string | undefined {
	const last = text.at(-1);
	if (last !== "}" && last !== "]") {
		return undefined;
	}
	let value: JsonValue;
	try {
		// JSON.parse gives JSON values.
		value = JSON.parse(text) as JsonValue;
	} catch {
		// Code or text in brackets, or JSON cut in the middle: read as it stands.
		return undefined;
	}
	const texts: string[] = [];
	collectTexts(value, texts, 0);
	const longest = texts.reduce((most, { length }) => Math.max(most, length), 0);
	// Data, not a prompt in an envelope: hardly any of it is one text.
	if (longest < text.length * TEXT_SHARE || longest === 0) {
		return undefined;
	}
	return texts.filter(({ length }) => length >= longest * PART_SHARE).join("\n");
}

function collectTexts(value: JsonValue, texts: string[], depth: number): void {
	if (typeof value === "string") {
		texts.push(value);
		return;
	}
	if (depth >= DEPTH_MAX || value === null || typeof value !== "object") {
		return;
	}
	for (const entry of isJsonObject(value) ? Object.values(value) : value) {
		if (entry !== undefined) {
			collectTexts(entry, texts, depth + 1);
		}
	}
}

function fromFence(text: string): string {
	const line = text.indexOf("\n");
	const end = text.length - FENCE.length;
	// Exactly one fence around everything; a second one inside means that there is text between.
	if (line < 0 || line > end || text.indexOf(FENCE, FENCE.length) !== end) {
		return text;
	}
	return text.slice(line + 1, end);
}

/** `<prompt>…</prompt>`: the same name at both ends. */
function fromTag(text: string): string {
	const close = text.indexOf(">");
	const name = text.slice(1, close);
	const end = `</${name}>`;
	return close > 1 && close < 40 && text.endsWith(end) ? text.slice(close + 1, -end.length) : text;
}
