import { newItemId } from "../lib/ids.ts";
import { type JsonObject, type JsonValue, objectsIn } from "../lib/json-types.ts";
import type { Item } from "./types.ts";

const ID_LENGTH_MAX = 256;

/**
 * How OpenAI begins the id of each kind of item (seen in its recorded answers and in the examples of its OpenAPI
 * document, https://github.com/openai/openai-openapi). A kind that is not here begins with `item`.
 */
const PREFIXES: ReadonlyMap<string, string> = new Map([
	["message", "msg"],
	["reasoning", "rs"],
	["function_call", "fc"],
	["function_call_output", "fco"],
	["custom_tool_call", "ctc"],
	["custom_tool_call_output", "ctco"],
	["web_search_call", "ws"],
	["file_search_call", "fs"],
	["image_generation_call", "ig"],
	["code_interpreter_call", "ci"],
	["computer_call", "cu"],
	["computer_call_output", "cuo"],
	["local_shell_call", "lsh"],
	["local_shell_call_output", "lsho"],
	["shell_call", "sh"],
	["shell_call_output", "sho"],
	["apply_patch_call", "apc"],
	["apply_patch_call_output", "apco"],
	["tool_search_call", "tsc"],
	["tool_search_output", "tso"],
	["additional_tools", "at"],
	["program", "cm"],
	["program_output", "cmo"],
	["compaction", "cmp"],
	["mcp_call", "mcp"],
	["mcp_list_tools", "mcpl"],
	["mcp_approval_request", "mcpr"],
	["mcp_approval_response", "mcpa"],
]);

/** Kinds that OpenAI lists with a status although clients need not send one. */
const WITH_STATUS: ReadonlySet<string> = new Set([
	"message",
	"function_call",
	"function_call_output",
	"custom_tool_call",
	"custom_tool_call_output",
	"computer_call_output",
	"shell_call",
	"shell_call_output",
]);

/** What the client's side says: kinds for which providers give no id, and some refuse one they have not given. */
const SAID_BY_CLIENT: ReadonlySet<string> = new Set([
	"function_call_output",
	"custom_tool_call_output",
	"mcp_approval_response",
]);

/** The kind of an item. Clients may leave out `type: "message"`. */
function kindOf(item: JsonObject): string {
	return typeof item.type === "string" ? item.type : typeof item.role === "string" ? "message" : "";
}

/** `{ "type": "item_reference", "id": "msg_…" }`, whose type may be left out. */
export function isReference(item: JsonObject): boolean {
	return item.type === "item_reference" || (kindOf(item) === "" && item.id !== undefined && item.content === undefined);
}

/** The id a client or a provider gave; undefined where there is none worth the name. */
export function idOf(item: JsonObject): string | undefined {
	const { id } = item;
	return typeof id === "string" && id !== "" && id.length <= ID_LENGTH_MAX ? id : undefined;
}

/**
 * An item as OpenAI lists it: with an id, a message with its type, status and content parts. Every other field lives on.
 */
export function toItem(given: JsonObject): Item {
	const kind = kindOf(given);
	const id = idOf(given) ?? newItemId(PREFIXES.get(kind) ?? "item");
	const item = { ...given, id, ...(WITH_STATUS.has(kind) ? { status: given.status ?? "completed" } : {}) };
	return kind === "message" ? { ...item, type: "message", content: contentParts(given) } : item;
}

/** The same item under an id of its own. */
export function renamed(item: Item): Item {
	return { ...item, id: newItemId(PREFIXES.get(kindOf(item)) ?? "item") };
}

function contentParts({ role, content }: JsonObject): JsonValue {
	if (typeof content !== "string") {
		return content ?? [];
	}
	return role === "assistant"
		? [{ type: "output_text", text: content, annotations: [], logprobs: [] }]
		: [{ type: "input_text", text: content }];
}

/** The input of a request as a list. A text is what a user says. */
export function inputList(input: JsonValue | undefined): readonly JsonObject[] {
	if (typeof input === "string") {
		return [{ type: "message", role: "user", content: [{ type: "input_text", text: input }] }];
	}
	return objectsIn(input);
}

/** What a response answered, as items. */
export function outputItems(response: JsonObject): readonly Item[] {
	return inputList(Array.isArray(response.output) ? response.output : []).map(toItem);
}

/**
 * A kept item as a provider takes it back: ids that the gateway gave to the client's own words stay here, those of what a
 * model made (messages, calls, reasoning with its seal) travel.
 */
export function asInput(item: Item): JsonObject {
	const kind = kindOf(item);
	if (SAID_BY_CLIENT.has(kind) || (kind === "message" && item.role !== "assistant")) {
		const { id: _ours, status: _known, ...said } = item;
		return said;
	}
	return item;
}
