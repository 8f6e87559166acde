import { isJsonObject, type JsonObject, type JsonValue, stringOf } from "../../lib/json-types.ts";
import { type AnsweredToolCall, type AnswerFacts, chatCompletion } from "../chat-hub/answer.ts";
import type { ReasoningDetail } from "../chat-hub/reasoning.ts";
import { createCallIds } from "../chat-hub/tool-ids.ts";
import { customInput } from "../chat-hub/tools.ts";
import { faultAnswer } from "../fault-answer.ts";
import { declaredFault } from "../provider-fault.ts";
import type { Target } from "../translation.ts";
import { type CitationNotes, createCitationNotes } from "./citations.ts";
import { readFault } from "./faults.ts";
import { finishReason, refusalOf } from "./finish.ts";
import { SEAL_FORMAT } from "./reasoning.ts";
import type { AnswerPlan } from "./request.ts";
import { createThoughts, type Thoughts } from "./thoughts.ts";
import { chatUsage, servedTier } from "./usage.ts";

/** What the blocks of an answer come to. */
interface Gathered {
	text: string;
	reasoning: string;
	/** The input of the tool that takes the answer: it is the text then. */
	json: string | undefined;
	readonly thoughts: Thoughts;
	readonly calls: AnsweredToolCall[];
	readonly notes: CitationNotes;
	readonly callId: ReturnType<typeof createCallIds>;
}

/** A whole message as a chat completion; undefined where it is no message. */
export function chatAnswer(answer: JsonObject, plan: AnswerPlan, target: Target): JsonObject | undefined {
	if (answer.type === "error" || declaredFault(answer) !== undefined) {
		return faultAnswer(readFault(answer, undefined));
	}
	const blocks = contentOf(answer);
	if (blocks === undefined) {
		return undefined;
	}
	const gathered: Gathered = {
		text: "",
		reasoning: "",
		json: undefined,
		thoughts: createThoughts(),
		calls: [],
		notes: createCitationNotes(),
		callId: createCallIds(target.answerId),
	};
	for (const block of blocks) {
		if (isJsonObject(block)) {
			gather(block, gathered, plan);
		}
	}
	const { calls, notes, json } = gathered;
	const text = json ?? gathered.text;
	return chatCompletion(
		answerFacts(answer, plan, target),
		[
			{
				text: text === "" ? null : text,
				refusal: refusalOf(answer),
				reasoning: plan.hideThinking ? undefined : gathered.reasoning,
				reasoningDetails: shownDetails(gathered.thoughts.details(), plan),
				toolCalls: calls,
				annotations: json === undefined ? notes.annotations : [],
				finishReason: finishReason(answer.stop_reason, calls.length),
				extra: json === undefined && notes.citations.length > 0 ? { citations: [...notes.citations] } : {},
			},
		],
		chatUsage(answer.usage),
	);
}

/** The blocks of a message; some servers write one text without a block around it, or null for nothing. */
function contentOf({ type, content }: JsonObject): readonly JsonValue[] | undefined {
	if (Array.isArray(content)) {
		return content;
	}
	const isText = typeof content === "string";
	return isText ? [{ type: "text", text: content }] : type === "message" ? [] : undefined;
}

export function answerFacts(message: JsonObject, plan: AnswerPlan, target: Target): AnswerFacts {
	return {
		id: stringOf(message.id) || `chatcmpl-${target.answerId}`,
		model: stringOf(message.model) || target.model,
		createdAtSeconds: target.createdAtSeconds,
		legacyFunctions: plan.legacyFunctions,
		serviceTier: servedTier(message.usage),
	};
}

/** Thinking that the client does not want to see still goes back with the next turn, where its seal shows nothing. */
export function shownDetails(details: readonly ReasoningDetail[], plan: AnswerPlan): readonly ReasoningDetail[] {
	return plan.hideThinking
		? details.filter((detail) => detail.type !== "reasoning.text" || detail.text === "")
		: details;
}

function gather(block: JsonObject, gathered: Gathered, plan: AnswerPlan): void {
	const thought = thoughtOf(block);
	if (thought !== undefined) {
		gathered.reasoning += stringOf(block.thinking);
		gathered.thoughts.add(() => thought, gathered.text === "" && gathered.calls.length === 0);
	} else if (block.type === "tool_use") {
		gatherCall(block, gathered, plan);
	} else if (isText(block)) {
		const start = gathered.text.length;
		gathered.text += stringOf(block.text);
		gathered.notes.add(block.citations, start, gathered.text.length);
	}
}

function thoughtOf(block: JsonObject): ReasoningDetail | undefined {
	switch (block.type) {
		case "thinking":
			return sealed(stringOf(block.thinking), stringOf(block.signature));
		case "redacted_thinking":
			return { type: "reasoning.encrypted", format: SEAL_FORMAT, data: stringOf(block.data) };
		default:
			return undefined;
	}
}

export function sealed(text: string, signature: string): ReasoningDetail {
	return { type: "reasoning.text", format: SEAL_FORMAT, text, signature: signature === "" ? undefined : signature };
}

function gatherCall(block: JsonObject, gathered: Gathered, plan: AnswerPlan): void {
	const called = stringOf(block.name);
	const input = inputText(block.input);
	if (called === plan.jsonTool) {
		gathered.json ??= input;
		return;
	}
	const name = plan.toolName(called);
	const id = gathered.callId(block.id);
	const isCustom = plan.customTools.has(name);
	gathered.thoughts.call(id);
	gathered.calls.push({
		id,
		name,
		arguments: isCustom ? customInput(input) : input,
		kind: isCustom ? "custom" : "function",
	});
}

/** The input of a call as JSON text; some servers write it as text already. */
export function inputText(input: JsonValue | undefined): string {
	return typeof input === "string" ? input || "{}" : JSON.stringify(input ?? {});
}

/**
 * Whether a block's `text` is part of the answer: text, and blocks of a kind unknown yet that hold a text. The blocks of
 * the provider's own tools hold none, and what is in their results is not said to the user.
 */
function isText(block: JsonObject): boolean {
	return block.type === "text" || (typeof block.text === "string" && !isOwnBusiness(block.type));
}

/** Blocks that tell what the provider did on its side. */
export function isOwnBusiness(type: JsonValue | undefined): boolean {
	return typeof type === "string" && (type.endsWith("_tool_result") || type.endsWith("_tool_use"));
}
