import { badRequest } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { AskedToolCall, ChatTurn } from "../chat-hub/request.ts";
import { CUSTOM_INPUT } from "../chat-hub/tools.ts";
import { resultContent, textContent, userContent } from "./content.ts";
import { earlierThoughts, hasUnplacedThoughts } from "./reasoning.ts";

export interface CohereMessages {
	readonly messages: readonly JsonObject[];
	/** Those of the client's files that are text. */
	readonly documents: readonly JsonObject[];
}

export function cohereMessages(turns: readonly ChatTurn[], drops: Drops): CohereMessages {
	const documents: JsonObject[] = [];
	const messages = turns.flatMap((turn) => {
		nameWhatIsLost(turn, drops);
		return saysSomething(turn) ? [messageOf(turn, documents, drops)] : [];
	});
	return { messages, documents };
}

/**
 * Cohere refuses an assistant that neither spoke nor called, as one whose answer was cut or filtered: such a turn is left
 * out.
 */
function saysSomething({ role, parts, toolCalls }: ChatTurn): boolean {
	const isSilent = parts.every((part) => part.kind === "text" && part.text === "");
	return role !== "assistant" || !isSilent || toolCalls.length > 0;
}

function messageOf(turn: ChatTurn, documents: JsonObject[], drops: Drops): JsonObject {
	switch (turn.role) {
		case "system":
		case "developer":
			return { role: "system", content: textContent(turn.parts, drops) };
		case "user":
			return { role: "user", content: userContent(turn.parts, documents, drops) };
		case "assistant":
			return assistantMessage(turn, drops);
		case "tool":
			return toolMessage(turn, drops);
	}
}

function assistantMessage(turn: ChatTurn, drops: Drops): JsonObject {
	const { thinking, plan } = earlierThoughts(turn);
	const said = textContent(turn.parts, drops);
	const spoken = typeof said === "string" ? (said === "" ? [] : [{ type: "text", text: said }]) : said;
	const content = thinking.length === 0 || !Array.isArray(spoken) ? said : [...thinking, ...spoken];
	const calls = turn.toolCalls.map(toolCall);
	return {
		role: "assistant",
		...(plan === undefined ? {} : { tool_plan: plan }),
		...(content === "" ? {} : { content }),
		...(calls.length === 0 ? {} : { tool_calls: calls }),
	};
}

/** A call of a custom tool goes back as the call of the function that stood in for it. */
function toolCall(call: AskedToolCall): JsonObject {
	const text = call.kind === "custom" ? JSON.stringify({ [CUSTOM_INPUT]: call.arguments }) : call.arguments;
	return { id: call.id, type: "function", function: { name: call.name, arguments: text.trim() === "" ? "{}" : text } };
}

function toolMessage(turn: ChatTurn, drops: Drops): JsonObject {
	if (turn.toolCallId === undefined) {
		const param = `${turn.param}.tool_call_id`;
		throw badRequest(`The field '${param}' must name the tool call that this message answers.`, param);
	}
	return { role: "tool", tool_call_id: turn.toolCallId, content: resultContent(turn.parts, drops) };
}

function nameWhatIsLost(turn: ChatTurn, drops: Drops): void {
	const { role, name, cache, raw } = turn;
	// The name of a tool's result only says again which tool it was.
	if (name !== undefined && role !== "tool") {
		drops.add("messages[].name");
	}
	if (cache !== undefined) {
		drops.add("messages[].cache_control");
	}
	if (raw.audio !== undefined && raw.audio !== null) {
		drops.add("messages[].audio");
	}
	if (hasUnplacedThoughts(turn)) {
		drops.add("messages[].reasoning_content");
	}
	if (!saysSomething(turn) && earlierThoughts(turn).thinking.length > 0) {
		drops.add("messages[].reasoning_details");
	}
}
