import { isJsonObject, type JsonValue } from "../../lib/json-types.ts";
import { withoutLetter } from "./letter.ts";

const FENCE = "```";
/** Wrappings inside one another that are taken off. */
const LAYERS_MAX = 4;
const DEPTH_MAX = 6;
/** A text inside JSON is part of the task when it is at least this long, against the longest one. */
const PART_SHARE = 0.25;
/** What must be one text of what looks like an envelope. */
const TEXT_SHARE = 0.12;
/** The same of one text whose name says that it is the prompt. */
const NAMED_SHARE = 0.02;
/** Of what stands in front of JSON that holds the prompt: "Answer the question in this JSON:". */
const HEAD_LENGTH_MAX = 160;
/** What a prompt is called in JSON around it. */
const PROMPT_NAMES = new Set(
	"prompt question query text content message input instruction instructions task request body ask problem q".split(
		" ",
	),
);
/** A fence around text that is no code. */
const TEXT_FENCE = /^```(?:text|txt|plain|plaintext|markdown|md)?[ \t]*\n([\s\S]*?)\n```[ \t]*$/gm;
/** Texts with more are read as they stand. */
const FENCES_MAX = 10;
const CODE_MARKS = /[{};=]|\w\(|^(?: {2,}|\t)\S/m;
const TAG = /^<([a-z][\w-]{0,38})(?:\s[^<>]{0,80})?>([\s\S]*)<\/\1>$/i;
/** Headings of a template: "### Instruction:". */
const LABEL = /^#+ *(?:instruction|question|prompt|task|user|human|input|query) ?: *\n/i;
const LABEL_LENGTH_MAX = 40;
const ANSWER_LABEL = /\n[ \t]*#+ *(?:response|answer|assistant|output|solution) ?:$/i;

/** The text inside a wrapping that says nothing about the task: JSON around it, a fence, a tag, labels, a letter. */
export function unwrap(text: string): string {
	let inner = text.trim();
	for (let layer = 0; layer < LAYERS_MAX; layer += 1) {
		const next = withoutLayer(inner).trim();
		if (next === inner || next === "") {
			return inner;
		}
		inner = next;
	}
	return inner;
}

function withoutLayer(text: string): string {
	const first = text[0];
	const last = text.at(-1);
	if (first === "{" || first === "[") {
		return fromJson(text, false) ?? text;
	}
	if (first === "`" && text.startsWith(FENCE) && text.endsWith(FENCE)) {
		return fromFence(text);
	}
	if (first === "<") {
		return last === ">" ? (TAG.exec(text)?.[2] ?? text) : text;
	}
	if (last === "}" || last === "]") {
		return fromEmbedded(text);
	}
	if (text.includes(FENCE)) {
		return withoutTextFences(text);
	}
	const unlabelled = first === "#" ? text.replace(LABEL, "") : text;
	return withoutLetter(last === ":" ? withoutAnswerLabel(unlabelled) : unlabelled);
}

function withoutTextFences(text: string): string {
	return text.split(FENCE).length > FENCES_MAX
		? text
		: text.replace(TEXT_FENCE, (block, inside: string) => (CODE_MARKS.test(inside) ? block : inside));
}

/** "Response:" at the end. */
function withoutAnswerLabel(text: string): string {
	const from = text.lastIndexOf("#") < text.length - LABEL_LENGTH_MAX ? -1 : text.search(ANSWER_LABEL);
	return from < 0 ? text : text.slice(0, from);
}

/** `Input: {"question": "…"}`. */
function fromEmbedded(text: string): string {
	const start = text.search(/[[{]/);
	if (start < 0 || start > HEAD_LENGTH_MAX) {
		return text;
	}
	const inside = fromJson(text.slice(start), true);
	return inside === undefined ? text : `${text.slice(0, start).replace(/\bjson\b/i, "")}\n${inside}`;
}

interface Texts {
	readonly named: string[];
	readonly others: string[];
}

function fromJson(text: string, needsName: boolean): string | undefined {
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
	const texts: Texts = { named: [], others: [] };
	collectTexts(value, "", texts, 0);
	const [only] = texts.named;
	if (only !== undefined && texts.named.length === 1 && only.length >= text.length * NAMED_SHARE) {
		return only;
	}
	if (needsName) {
		return undefined;
	}
	const all = [...texts.named, ...texts.others];
	const longest = all.reduce((most, { length }) => Math.max(most, length), 0);
	// Data, not a prompt in an envelope: hardly any of it is one text.
	if (longest < text.length * TEXT_SHARE || longest === 0) {
		return undefined;
	}
	return all.filter(({ length }) => length >= longest * PART_SHARE).join("\n");
}

function collectTexts(value: JsonValue, name: string, texts: Texts, depth: number): void {
	if (typeof value === "string") {
		(PROMPT_NAMES.has(name) ? texts.named : texts.others).push(value);
		return;
	}
	if (depth >= DEPTH_MAX || value === null || typeof value !== "object") {
		return;
	}
	for (const [key, entry] of isJsonObject(value) ? Object.entries(value) : value.map((part) => [name, part] as const)) {
		if (entry !== undefined) {
			collectTexts(entry, key.toLowerCase(), texts, depth + 1);
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
