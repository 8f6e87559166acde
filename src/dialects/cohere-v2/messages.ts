import { badRequest } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import type { Drops } from "../chat-hub/drops.ts";
import type { AskedToolCall, ChatTurn } from "../chat-hub/request.ts";
import { argumentsText, type ConversationIds, createConversationIds } from "../chat-hub/tool-ids.ts";
import { CUSTOM_INPUT } from "../chat-hub/tools.ts";
import { resultContent, textContent, userContent } from "./content.ts";
import { earlierThoughts, hasUnplacedThoughts } from "./reasoning.ts";
import { cohereToolName } from "./tool-names.ts";

export interface CohereMessages {
	readonly messages: readonly JsonObject[];
	/** Those of the client's files that are text. */
	readonly documents: readonly JsonObject[];
}

/** What the messages of one request share. */
interface MessageContext {
	readonly documents: JsonObject[];
	readonly ids: ConversationIds;
	readonly drops: Drops;
}

/**
 * The turns as messages. "System turn must be the first in the list", and there is one: instructions at the start are
 * joined, later ones are said by the user, in their place. Turns that say nothing are refused by Cohere, and left out.
 * @see https://docs.cohere.com/reference/errors
 * @throws GatewayError 400 where nothing is left to send.
 */
export function cohereMessages(turns: readonly ChatTurn[], drops: Drops): CohereMessages {
	const context: MessageContext = { documents: [], ids: createConversationIds((id) => id), drops };
	for (const turn of turns) {
		nameWhatIsLost(turn, drops);
	}
	const said = turns.filter(saysSomething);
	const firstSaid = said.findIndex((turn) => !isInstruction(turn));
	// Instructions alone are no conversation: the last of them is then what the user says.
	const leading = firstSaid === -1 ? said.length - 1 : firstSaid;
	const instructions = said.slice(0, Math.max(0, leading)).flatMap(({ parts }) => parts);
	const system = instructions.length === 0 ? [] : [{ role: "system", content: textContent(instructions, drops) }];
	const messages = said.slice(Math.max(0, leading)).map((turn) => messageOf(turn, context));
	if (messages.length === 0) {
		throw badRequest("The field 'messages' holds no text that could be sent.", "messages");
	}
	return { messages: [...system, ...messages], documents: context.documents };
}

function isInstruction({ role }: ChatTurn): boolean {
	return role === "system" || role === "developer";
}

/** A result says something even without words: that it is there. */
function saysSomething({ role, parts, toolCalls }: ChatTurn): boolean {
	return role === "tool" || toolCalls.length > 0 || parts.some((part) => part.kind !== "text" || part.text !== "");
}

function messageOf(turn: ChatTurn, context: MessageContext): JsonObject {
	switch (turn.role) {
		case "assistant":
			return assistantMessage(turn, context);
		case "tool":
			return toolMessage(turn, context);
		default:
			return { role: "user", content: userContent(turn.parts, context.documents, context.drops) };
	}
}

function assistantMessage(turn: ChatTurn, { ids, drops }: MessageContext): JsonObject {
	const { thinking, plan } = earlierThoughts(turn);
	const said = textContent(turn.parts, drops);
	const spoken = typeof said === "string" ? (said === "" ? [] : [{ type: "text", text: said }]) : said;
	const content = thinking.length === 0 || !Array.isArray(spoken) ? said : [...thinking, ...spoken];
	const calls = turn.toolCalls.map((call) => toolCall(call, ids.call(call.id, turn)));
	return {
		role: "assistant",
		...(plan === undefined ? {} : { tool_plan: plan }),
		...(content === "" ? {} : { content }),
		...(calls.length === 0 ? {} : { tool_calls: calls }),
	};
}

/** A call of a custom tool goes back as the call of the function that stood in for it. */
function toolCall(call: AskedToolCall, id: string): JsonObject {
	const text =
		call.kind === "custom" ? JSON.stringify({ [CUSTOM_INPUT]: call.arguments }) : argumentsText(call.arguments);
	return { id, type: "function", function: { name: cohereToolName(call.name), arguments: text } };
}

const NO_OUTPUT = "(no output)";

function toolMessage(turn: ChatTurn, { ids, drops }: MessageContext): JsonObject {
	if (turn.toolCallId === undefined) {
		const param = `${turn.param}.tool_call_id`;
		throw badRequest(`The field '${param}' must name the tool call that this message answers.`, param);
	}
	const content = resultContent(turn.parts, drops) || NO_OUTPUT;
	return { role: "tool", tool_call_id: ids.result(turn.toolCallId), content };
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
