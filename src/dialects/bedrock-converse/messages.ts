import { badRequest } from "../../lib/errors.ts";
import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
import type { ChatPart } from "../chat-hub/parts.ts";
import type { ChatTurn } from "../chat-hub/request.ts";
import { argumentsObject, type ConversationIds } from "../chat-hub/tool-ids.ts";
import { plainToolName } from "../chat-hub/tool-names.ts";
import { CUSTOM_INPUT } from "../chat-hub/tools.ts";
import type { CachePoints } from "./cache.ts";
import { type ContentContext, contentBlock } from "./content.ts";
import type { BedrockModel } from "./models.ts";
import { reasoningBlocks } from "./thinking-blocks.ts";

export interface MessageContext extends ContentContext {
	readonly model: BedrockModel;
	readonly cache: CachePoints;
	readonly toolIds: ConversationIds;
	/** Whether earlier thinking goes back: not where this request does not think and the model would mind. */
	readonly sendThinking: boolean;
}

interface Message {
	readonly role: "user" | "assistant";
	readonly content: JsonValue[];
}

/** Converse wants a user first, and words beside a document: said where a conversation has none of its own. */
const OPENING = "Continue.";
const DOCUMENT_ATTACHED = "See the attached document.";
const NO_OUTPUT = "(no output)";

/**
 * The conversation as Converse wants it: instructions at its start apart, user and assistant in turns. Later instructions
 * are said by the user, in their place, as that matters more than the voice.
 * @throws GatewayError 400 where nothing is left to send.
 */
export function converseMessages(
	turns: readonly ChatTurn[],
	context: MessageContext,
): { readonly system: JsonValue[]; readonly messages: JsonObject[] } {
	const system: JsonValue[] = [];
	const messages: Message[] = [];
	const leading = leadingInstructions(turns);
	for (const [index, turn] of turns.entries()) {
		if (turn.name !== undefined && turn.role !== "tool") {
			context.drops.add("messages[].name");
		}
		if (index < leading) {
			addSystem(system, turn, context);
			continue;
		}
		const role = turn.role === "assistant" ? "assistant" : "user";
		const last = messages.at(-1);
		const message: Message = last?.role === role ? last : { role, content: [] };
		const before = message.content.length;
		addTurn(message.content, turn, context, index === turns.length - 1);
		if (message !== last && message.content.length > before) {
			messages.push(message);
		}
	}
	if (messages.length === 0) {
		throw badRequest("The field 'messages' holds no text that could be sent.", "messages");
	}
	return { system, messages: completed(messages) };
}

/** How many turns at the start are instructions. They alone are no conversation: the last one is what the user says. */
function leadingInstructions(turns: readonly ChatTurn[]): number {
	const first = turns.findIndex((turn) => turn.role !== "system" && turn.role !== "developer");
	return first === -1 ? turns.length - 1 : first;
}

function addSystem(system: JsonValue[], turn: ChatTurn, context: MessageContext): void {
	const before = system.length;
	for (const part of turn.parts) {
		const block = contentBlock(part, context);
		if (block === undefined) {
			continue;
		}
		if (!("text" in block) && !("guardContent" in block)) {
			throw badRequest(
				`Bedrock's system prompt is text only: put the part '${part.param}' into a user message.`,
				part.param,
				"unsupported_content",
			);
		}
		system.push(block);
		context.cache.after(system, part.cache, "system", "messages[].content[].cache_control");
	}
	if (system.length > before) {
		context.cache.after(system, turn.cache, "system", "messages[].cache_control");
	}
}

function addTurn(content: JsonValue[], turn: ChatTurn, context: MessageContext, isLast: boolean): void {
	const before = content.length;
	if (turn.role === "tool") {
		addToolResult(content, turn, context);
	} else if (turn.role === "assistant") {
		addAssistant(content, turn, context, isLast);
	} else {
		addParts(content, turn.parts, context);
	}
	if (content.length > before) {
		context.cache.after(content, turn.cache, "messages", "messages[].cache_control");
	}
}

function addParts(content: JsonValue[], parts: readonly ChatPart[], context: MessageContext): void {
	for (const part of parts) {
		const block = contentBlock(part, context);
		if (block !== undefined) {
			content.push(block);
			context.cache.after(content, part.cache, "messages", "messages[].content[].cache_control");
		}
	}
}

/** Thinking first, as its models demand, then words, then calls. */
function addAssistant(content: JsonValue[], turn: ChatTurn, context: MessageContext, isLast: boolean): void {
	if (context.sendThinking) {
		content.push(...reasoningBlocks(turn.reasoning, context.model));
	}
	if (turn.raw.audio !== undefined && turn.raw.audio !== null) {
		context.drops.add("messages[].audio");
	}
	const media = turn.parts.find((part) => part.kind !== "text" && part.kind !== "other");
	if (media !== undefined) {
		throw badRequest(
			`Bedrock takes no ${media.kind} in an assistant's message: put the part '${media.param}' into a user message.`,
			media.param,
			"unsupported_content",
		);
	}
	addParts(content, isLast && turn.toolCalls.length === 0 ? prefill(turn.parts) : turn.parts, context);
	for (const call of turn.toolCalls) {
		const input = call.kind === "custom" ? { [CUSTOM_INPUT]: call.arguments } : argumentsObject(call.arguments);
		const name = plainToolName(call.name);
		content.push({ toolUse: { toolUseId: context.toolIds.call(call.id, turn), name, input } });
	}
}

/** An answer begun by the client may not end in white space: a model would not go on from there. */
function prefill(parts: readonly ChatPart[]): readonly ChatPart[] {
	const last = parts.at(-1);
	return last?.kind === "text" ? [...parts.slice(0, -1), { ...last, text: last.text.trimEnd() }] : parts;
}

function addToolResult(content: JsonValue[], turn: ChatTurn, context: MessageContext): void {
	if (turn.toolCallId === undefined) {
		throw badRequest(
			`The message '${turn.param}' answers no call: give it the 'tool_call_id' of one.`,
			`${turn.param}.tool_call_id`,
		);
	}
	const blocks: JsonValue[] = [];
	for (const part of turn.parts) {
		const block = contentBlock(part, context);
		if (block === undefined) {
			continue;
		}
		// API_runtime_ToolResultContentBlock.
		if ("audio" in block || "guardContent" in block) {
			throw badRequest(
				`Bedrock takes neither sound nor guarded text in a tool's result: put the part '${part.param}' into a user message.`,
				part.param,
				"unsupported_content",
			);
		}
		blocks.push(block);
	}
	const result: JsonObject = {
		toolUseId: context.toolIds.result(turn.toolCallId),
		content: blocks.length === 0 ? [{ text: NO_OUTPUT }] : blocks,
	};
	if (turn.raw.is_error === true || turn.raw.status === "error") {
		addErrorStatus(result, context);
	}
	// Claude wants all results of a turn before any words of the user.
	content.splice(content.findLastIndex(isResult) + 1, 0, { toolResult: result });
	const mark = turn.parts.findLast((part) => part.cache !== undefined)?.cache;
	context.cache.after(content, mark, "messages", "messages[].content[].cache_control");
}

/** "This field is only supported by Amazon Nova and Anthropic Claude": API_runtime_ToolResultBlock. */
function addErrorStatus(result: JsonObject, { model, drops }: MessageContext): void {
	if (model.family === "anthropic" || model.family === "nova" || model.family === "unknown") {
		result.status = "error";
	} else {
		drops.add("messages[].is_error");
	}
}

function isResult(entry: JsonValue): boolean {
	return typeof entry === "object" && entry !== null && "toolResult" in entry;
}

/** In place: cache points are taken out of these lists later. */
function completed(messages: readonly Message[]): JsonObject[] {
	for (const { content } of messages) {
		const has = (name: string) => content.some((block) => typeof block === "object" && block !== null && name in block);
		if (has("document") && !has("text")) {
			content.push({ text: DOCUMENT_ATTACHED });
		}
	}
	const opening: readonly Message[] =
		messages[0]?.role === "user" ? [] : [{ role: "user", content: [{ text: OPENING }] }];
	return [...opening, ...messages].map(({ role, content }) => ({ role, content }));
}
