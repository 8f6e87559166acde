import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import type { ChatPart } from "../chat-hub/parts.ts";
import type { AskedToolCall, ChatTurn } from "../chat-hub/request.ts";
import { argumentsObject, type ConversationIds, createConversationIds } from "../chat-hub/tool-ids.ts";
import { CUSTOM_INPUT } from "../chat-hub/tools.ts";
import { assistantBlocks, type ContentContext, marked, userBlocks } from "./content.ts";
import type { ModelFacts } from "./models.ts";
import { thinkingOf } from "./reasoning.ts";
import { wireToolName } from "./tool-names.ts";

interface WireTurn {
	readonly role: "user" | "assistant" | "system";
	readonly blocks: readonly JsonObject[];
}

export interface Conversation {
	/** The blocks of `system`. */
	readonly system: readonly JsonObject[];
	readonly messages: readonly JsonObject[];
}

export interface ConversationContext extends ContentContext {
	readonly facts: ModelFacts;
	readonly model: string;
	/** Whether earlier thinking goes back. */
	readonly sendThinking: boolean;
}

interface TurnContext extends ConversationContext {
	readonly ids: ConversationIds;
}

/**
 * What a user says who says nothing: between two answers, at the end, and in front of a conversation that an assistant
 * began. Anthropic wants a user there, and wants a word of him.
 */
const NOTHING_SAID: JsonObject = { type: "text", text: "." };

/**
 * The turns as `system` and alternating `messages`: system turns at the start go to `system`, later ones stay where they
 * are, neighbours of one role become one, results stand in front of what else a user says.
 * @throws GatewayError 400 where nothing is left to send, and for the beginning of an answer the model will not go on with.
 */
export function conversationOf(turns: readonly ChatTurn[], given: ConversationContext): Conversation {
	const context = { ...given, ids: createConversationIds() };
	const { facts, platform, model } = context;
	const firstSaid = turns.findIndex((turn) => !isInstruction(turn));
	// Instructions alone are no conversation: the last of them is then what the user says.
	const leading = firstSaid === -1 ? Math.max(0, turns.length - 1) : firstSaid;
	const system = turns.slice(0, leading).flatMap((turn) => instructionBlocks(turn, context));
	const said = turns.slice(leading).map((turn): WireTurn => ({ role: roleOf(turn), blocks: blocksOf(turn, context) }));
	if (system.length === 0 && said.every(({ blocks }) => blocks.length === 0)) {
		throw badRequest("The field 'messages' holds no text that could be sent.", "messages");
	}
	const spoken = said.filter(({ role, blocks }) => role === "user" || blocks.length > 0);
	const merged = merge(placeInstructions(spoken, facts.systemTurns && platform.systemTurns));
	const opened: readonly WireTurn[] = merged[0]?.role === "user" ? merged : [{ role: "user", blocks: [] }, ...merged];
	return {
		system,
		messages: endedWell(opened, facts, model).map(({ role, blocks }) => ({
			role,
			content: blocks.length === 0 ? [{ ...NOTHING_SAID }] : [...blocks],
		})),
	};
}

function isInstruction(turn: ChatTurn): boolean {
	return turn.role === "system" || turn.role === "developer";
}

function roleOf(turn: ChatTurn): WireTurn["role"] {
	return turn.role === "assistant" ? "assistant" : isInstruction(turn) ? "system" : "user";
}

/** @throws GatewayError 400 for anything but text, which instructions are. */
function instructionBlocks(turn: ChatTurn, context: TurnContext): JsonObject[] {
	const other = turn.parts.find(({ kind }) => kind !== "text");
	if (other !== undefined) {
		throw badRequest(
			`Instructions to Claude are text: put the part '${other.param}' into a user's message.`,
			other.param,
			"unsupported_content",
		);
	}
	return blocksOf(turn, context);
}

function blocksOf(turn: ChatTurn, context: TurnContext): JsonObject[] {
	if (turn.name !== undefined && turn.role !== "tool") {
		context.drops.add("messages[].name");
	}
	switch (turn.role) {
		case "tool":
			return [resultBlock(turn, context)];
		case "assistant":
			return answerBlocks(turn, context);
		default:
			return withTurnMark(userBlocks(turn.parts, context), turn, context);
	}
}

/** Thinking in front, then words, then calls; thinking between the calls stays there. */
function answerBlocks(turn: ChatTurn, context: TurnContext): JsonObject[] {
	if (isJsonObject(turn.raw.audio)) {
		context.drops.add("messages[].audio");
	}
	const thinking = context.sendThinking ? thinkingOf(turn) : undefined;
	const calls = turn.toolCalls.flatMap((call) => [
		...(thinking?.beforeCall.get(call.id) ?? []),
		callBlock(call, context.ids.call(call.id, turn)),
	]);
	const parts = turn.parts.filter((part) => !isToldTwice(part, turn));
	const said = withTurnMark([...assistantBlocks(parts, context), ...calls], turn, context);
	return [...(thinking?.front ?? []), ...said];
}

/** A call that a client keeps both as a part and as a call. */
function isToldTwice(part: ChatPart, { toolCalls }: ChatTurn): boolean {
	return part.kind === "other" && part.type === "tool_use" && toolCalls.some(({ id }) => id === part.raw.id);
}

function withTurnMark(blocks: readonly JsonObject[], turn: ChatTurn, { drops }: TurnContext): JsonObject[] {
	const last = blocks.at(-1);
	if (last !== undefined) {
		return [...blocks.slice(0, -1), marked(last, turn.cache)];
	}
	if (turn.cache !== undefined) {
		drops.add("messages[].cache_control");
	}
	return [];
}

function callBlock(call: AskedToolCall, id: string): JsonObject {
	return {
		type: "tool_use",
		id,
		name: wireToolName(call.name),
		input: call.kind === "custom" ? { [CUSTOM_INPUT]: call.arguments } : argumentsObject(call.arguments),
	};
}

/** The marks of a result's parts go to the result: a breakpoint inside it would say no more. */
function resultBlock(turn: ChatTurn, context: TurnContext): JsonObject {
	const inner = userBlocks(
		turn.parts.map((part) => ({ ...part, cache: undefined })),
		context,
	);
	const block: JsonObject = { type: "tool_result", tool_use_id: context.ids.result(turn.toolCallId ?? "") };
	const only = inner.length === 1 ? inner[0] : undefined;
	if (only?.type === "text") {
		block.content = only.text;
	} else if (inner.length > 0) {
		block.content = inner;
	}
	if (turn.raw.is_error === true) {
		block.is_error = true;
	}
	return marked(block, turn.cache ?? turn.parts.findLast((part) => part.cache !== undefined)?.cache);
}

/**
 * A system turn may follow a user and go before an assistant or the end, on the models that know it at all. Anywhere
 * else its text is said by the user: in its place, as that matters more than the voice.
 * @see https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
 */
function placeInstructions(turns: readonly WireTurn[], allowed: boolean): WireTurn[] {
	const speakerAfter = new Map<number, WireTurn["role"] | undefined>();
	let next: WireTurn["role"] | undefined;
	for (let index = turns.length - 1; index >= 0; index -= 1) {
		speakerAfter.set(index, next);
		const role = turns[index]?.role;
		next = role === "system" ? next : role;
	}
	let before: WireTurn["role"] | undefined;
	return turns.map((turn, index) => {
		if (turn.role !== "system") {
			before = turn.role;
			return turn;
		}
		const fits =
			before === "user" && speakerAfter.get(index) !== "user" && turn.blocks.every(({ type }) => type === "text");
		return allowed && fits ? turn : { ...turn, role: "user" };
	});
}

function merge(turns: readonly WireTurn[]): WireTurn[] {
	const merged: { role: WireTurn["role"]; blocks: JsonObject[] }[] = [];
	for (const { role, blocks } of turns) {
		const last = merged.at(-1);
		if (last?.role === role) {
			for (const block of blocks) {
				last.blocks.push(block);
			}
		} else {
			merged.push({ role, blocks: [...blocks] });
		}
	}
	return merged.map((turn) => (turn.role === "user" ? { ...turn, blocks: resultsFirst(turn.blocks) } : turn));
}

/** @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls ("tool_result blocks must come first") */
function resultsFirst(blocks: readonly JsonObject[]): JsonObject[] {
	return [
		...blocks.filter((block) => block.type === "tool_result"),
		...blocks.filter((block) => block.type !== "tool_result"),
	];
}

/** The beginning of an answer may not end with white space, and from Claude 4.6 on it may not be there at all. */
function endedWell(turns: readonly WireTurn[], facts: ModelFacts, model: string): readonly WireTurn[] {
	const last = turns.at(-1);
	if (last?.role !== "assistant") {
		return turns;
	}
	if (!facts.prefill) {
		throw badRequest(
			`The model '${model}' does not go on with an answer that was begun: end 'messages' with a user's message or a tool's result.`,
			"messages",
			"unsupported_content",
		);
	}
	const text = last.blocks.at(-1);
	if (text?.type !== "text" || typeof text.text !== "string") {
		return turns;
	}
	const trimmed = { ...text, text: text.text.trimEnd() };
	return [...turns.slice(0, -1), { ...last, blocks: [...last.blocks.slice(0, -1), trimmed] }];
}
