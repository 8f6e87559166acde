import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import { readParts, textOf } from "../chat-hub/parts.ts";
import { plainToolName } from "../chat-hub/tool-names.ts";
import { mistralContent } from "./content.ts";
import { inWordsOfToday } from "./legacy.ts";
import { withThinking } from "./reasoning.ts";
import { mistralToolId } from "./tool-ids.ts";
import { askedCalls } from "./tools.ts";

/** The conversation in Mistral's words, and the beginning of the answer, where the client wrote one. */
export function mistralMessages(
	given: JsonValue | undefined,
	thinks: boolean,
	drops: Drops,
): { readonly messages: JsonValue[]; readonly prefix: string } {
	const messages = inWordsOfToday((Array.isArray(given) ? given : []).filter(isJsonObject));
	const sent = inOrder(messages.map((message, index) => mistralMessage(message, { index, thinks }, drops)));
	const last = sent.at(-1);
	if (last?.role !== "assistant" || hasCalls(last)) {
		return { messages: sent, prefix: "" };
	}
	const content = typeof last.content === "string" ? last.content.trimEnd() : (last.content ?? "");
	return {
		messages: [...sent.slice(0, -1), { ...last, content, prefix: true }],
		prefix: textOf(readParts(content, "")),
	};
}

/** Said for the model where a user goes on after the results of tools: Mistral wants to hear an assistant in between. */
const BRIDGE: JsonObject = { role: "assistant", content: "Done." };

/**
 * Mistral is strict about who may speak after whom: 400 `invalid_request_message_order`. After an assistant no system
 * message: it is said by the user, in its place. After a tool's result only an assistant. And an assistant that neither
 * spoke nor called (its answer was cut or filtered) is not heard.
 * https://github.com/mistralai/mistral-common/blob/main/src/mistral_common/protocol/instruct/validator.py
 * https://github.com/BerriAI/litellm/issues/17761
 */
function inOrder(messages: readonly JsonObject[]): JsonObject[] {
	const sent: JsonObject[] = [];
	for (const message of messages) {
		if (message.role === "assistant" && !hasContent(message) && !hasCalls(message)) {
			continue;
		}
		const before = sent.at(-1)?.role;
		const isLate = message.role === "system" && (before === "assistant" || before === "tool");
		if (before === "tool" && (isLate || message.role === "user")) {
			sent.push(BRIDGE);
		}
		sent.push(isLate ? { ...message, role: "user" } : message);
	}
	return sent;
}

function hasContent({ content }: JsonObject): boolean {
	return Array.isArray(content) ? content.length > 0 : content !== undefined && content !== null && content !== "";
}

function hasCalls({ tool_calls: calls }: JsonObject): boolean {
	return Array.isArray(calls) && calls.length > 0;
}

/** What a message may hold beside Mistral's own fields, which answers every other with 422. */
const UNKNOWN_TO_MISTRAL = [
	"annotations",
	"audio",
	"cache_control",
	"citations",
	"function_call",
	"images",
	// Of OpenAI's own client, which reads the text once more.
	"parsed",
] as const;

function mistralMessage(
	given: JsonObject,
	{ index, thinks }: { readonly index: number; readonly thinks: boolean },
	drops: Drops,
): JsonObject {
	const role = given.role === "developer" ? "system" : given.role;
	const { refusal, ...rest } = given;
	// Only the result of a tool has a name.
	const known = without(rest, role === "tool" ? UNKNOWN_TO_MISTRAL : [...UNKNOWN_TO_MISTRAL, "name"], drops);
	const isRefused = typeof refusal === "string" && refusal !== "" && !given.content;
	const message: JsonObject = { ...known, role, ...(isRefused ? { content: refusal } : {}) };
	const told = role === "assistant" ? withThinking(message, thinks, drops) : message;
	const { content, tool_calls: calls, tool_call_id: answered } = told;
	return {
		...told,
		...(content === undefined ? {} : { content: mistralContent(content, `messages[${index}].content`, drops) }),
		...(calls === undefined ? {} : { tool_calls: askedCalls(calls) }),
		...(typeof answered === "string" ? { tool_call_id: mistralToolId(answered) } : {}),
		...(role === "tool" && typeof told.name === "string" ? { name: plainToolName(told.name) } : {}),
	};
}

function without(message: JsonObject, names: readonly string[], drops: Drops): JsonObject {
	const kept: JsonObject = {};
	for (const [name, value] of Object.entries(message)) {
		if (!names.includes(name)) {
			kept[name] = value;
		} else if (value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)) {
			drops.add(`messages[].${name}`);
		}
	}
	return kept;
}
