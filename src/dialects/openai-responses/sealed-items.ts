import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";
import { GEMINI, googleSignature, messageSeals, withoutSignature } from "../chat-hub/seals.ts";
import { SEAL, unseal } from "../responses-over-chat/reasoning.ts";
import { type IsLeftOut, markOf, OPAQUE, type Seal } from "../seal.ts";
import { isOwnId } from "./own-items.ts";

/** Whether there is anything to look for: cheap, as most requests have nothing of the kind, and large ones many items. */
export function mayHoldSeals(input: JsonValue | undefined): boolean {
	if (!Array.isArray(input)) {
		return false;
	}
	for (const item of input) {
		if (!isJsonObject(item)) {
			continue;
		}
		const { type } = item;
		const isPlain =
			type === "message" || type === "function_call_output" || (type === undefined && item.role !== undefined);
		if (!isPlain && (type !== "function_call" || item.extra_content !== undefined)) {
			return true;
		}
	}
	return false;
}

/** What of a request's `input` only a provider can read. In order of the conversation. */
export function itemSeals(input: JsonValue | undefined): Seal[] {
	const items = objectsIn(input);
	const lastAsked = items.findLastIndex(({ role }) => role === "user");
	return items.flatMap((item, index) => sealsOf(item, index > lastAsked));
}

function sealsOf(item: JsonObject, isCurrent: boolean): Seal[] {
	const { encrypted_content: content } = item;
	if (typeof content === "string" && content.startsWith(SEAL)) {
		return messageSeals(unseal(content), { prefix: "", isCurrent }).map((seal) => ({
			...seal,
			field: "input[].reasoning",
		}));
	}
	const signature = googleSignature(item);
	if (signature !== undefined) {
		const field = "input[].extra_content";
		return [{ format: GEMINI, marks: [markOf(signature)], field, isCurrent, isEssential: false }];
	}
	const marks = opaqueMarks(item);
	const type = isReference(item) ? "item_reference" : String(item.type);
	return marks.length === 0
		? []
		: [{ format: OPAQUE, marks, field: `input[].${type}`, isCurrent, isEssential: !isThinking(item) }];
}

/** The marks of what a provider has sealed, or of what it alone keeps; none for what anybody can read. */
function opaqueMarks(item: JsonObject): string[] {
	const { id, encrypted_content: content } = item;
	const sealed = typeof content === "string" && content !== "" ? [markOf(content)] : [];
	const isKept = sealed.length > 0 || item.type === "reasoning" || isReference(item);
	return typeof id === "string" && id !== "" && isKept && !isOwnId(id) ? [markOf(id), ...sealed] : sealed;
}

/** `{ "type": "item_reference", "id": "rs_…" }`, whose type may be left out. */
function isReference({ type, role, id, content }: JsonObject): boolean {
	return type === "item_reference" || (type === undefined && role === undefined && id !== undefined && !content);
}

/** A model can go on without what it thought. A compaction, or a reference to a message, stands for what was said. */
function isThinking(item: JsonObject): boolean {
	return item.type === "reasoning" || (isReference(item) && typeof item.id === "string" && item.id.startsWith("rs_"));
}

/** The marks of what a response has brought: of each item of its output, by which it may come again. */
export function outputMarks(response: JsonObject): string[] {
	return objectsIn(response.output).flatMap(({ id, encrypted_content: content }) =>
		[id, content].flatMap((text) => (typeof text === "string" && text !== "" ? [markOf(text)] : [])),
	);
}

/** What a model makes after it has thought, and what may be said without an id. */
const MADE: ReadonlySet<string> = new Set(["message", "function_call", "custom_tool_call"]);

/**
 * The same `input` without the thinking that is to be left out. What was made upon it loses its ids: a provider that knows
 * them wants the thinking along ("'function_call' was provided without its required 'reasoning' item"), one that does not
 * cannot make anything of them.
 * @see https://github.com/langchain-ai/langchainjs/pull/9082
 */
export function withoutSealedItems(input: JsonValue | undefined, isLeftOut: IsLeftOut): JsonValue | undefined {
	if (!Array.isArray(input)) {
		return input;
	}
	let isOrphan = false;
	return input.flatMap((item): JsonValue[] => {
		if (!isJsonObject(item)) {
			return [item];
		}
		if (isThinking(item)) {
			const marks = sealsOf(item, false).flatMap((seal) => seal.marks);
			isOrphan = marks.length > 0 && isLeftOut(marks);
			return isOrphan ? [] : [item];
		}
		const isMade = MADE.has(String(item.type)) && item.role !== "user";
		isOrphan &&= isMade;
		const kept = withoutSignature(item, isLeftOut);
		return [isOrphan ? { ...kept, id: undefined } : kept];
	});
}
