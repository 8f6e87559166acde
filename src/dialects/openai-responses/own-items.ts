import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { SEAL } from "../responses-over-chat/reasoning.ts";

/** Ids that were made here: a prefix, a ULID, and the place of what a model said. Providers write theirs in lower case. */
const OWN_ID = /^[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{26}(?:_\w{1,16})?$/;
const OWN_ID_IN_TEXT = /"[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{26}(?:_\w{1,16})?"/;

/** What OpenAI's document knows of a message and of a call, but for their ids. */
const FIELDS: ReadonlySet<string> = new Set([
	"type",
	"status",
	"role",
	"content",
	"phase",
	"call_id",
	"name",
	"arguments",
	"input",
]);

/** Whether an id was made here. */
export function isOwnId(id: string): boolean {
	return OWN_ID.test(id);
}

/** Whether the text of a request may hold items that were made here: an app that keeps its conversation sends them back. */
export function mayHoldOwnItems(text: string): boolean {
	return text.includes(`"${SEAL}`) || OWN_ID_IN_TEXT.test(text);
}

/**
 * A request for a provider that speaks Responses, without what means nothing to it. Thinking that came from another
 * provider is left out, as its seals are: "The encrypted content … could not be verified"
 * (https://github.com/openai/codex/issues/8145), "Item with id 'rs_…' not found" (https://github.com/vercel/ai/issues/7543).
 * Everything else that was said goes on without the ids, and the fields, that this provider has never given.
 */
export function withoutOwnItems(request: JsonObject): JsonObject {
	const { input } = request;
	return Array.isArray(input) ? { ...request, input: input.flatMap(withoutOwn) } : request;
}

function withoutOwn(item: JsonValue): JsonValue[] {
	if (!isJsonObject(item)) {
		return [item];
	}
	const { id, type, encrypted_content: seal } = item;
	const isOwn = typeof id === "string" && isOwnId(id);
	if (type === "reasoning") {
		return isOwn || (typeof seal === "string" && seal.startsWith(SEAL)) ? [] : [item];
	}
	switch (isOwn ? type : undefined) {
		case "message":
		case "function_call":
		case "custom_tool_call":
			return [plain(item)];
		default:
			// Of other kinds an id may be all there is.
			return [item];
	}
}

function plain(item: JsonObject): JsonObject {
	const known = Object.fromEntries(Object.entries(item).filter(([name]) => FIELDS.has(name)));
	return Array.isArray(known.content) ? { ...known, content: known.content.map(withoutCitations) } : known;
}

/** Citations without an address are the gateway's own way to tell them. */
function withoutCitations(part: JsonValue): JsonValue {
	if (!isJsonObject(part)) {
		return part;
	}
	const { citations: _, ...rest } = part;
	return rest;
}
