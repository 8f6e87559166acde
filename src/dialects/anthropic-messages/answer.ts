import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { type AnsweredToolCall, type AnswerFacts, chatCompletion } from "../chat-hub/answer.ts";
import type { ReasoningDetail } from "../chat-hub/reasoning.ts";
import { customInput } from "../chat-hub/tools.ts";
import { declaredFault } from "../provider-fault.ts";
import type { Target } from "../translation.ts";
import { type CitationNotes, createCitationNotes } from "./citations.ts";
import { readFault } from "./faults.ts";
import { finishReason, refusalOf } from "./finish.ts";
import { SEAL_FORMAT } from "./reasoning.ts";
import type { AnswerPlan } from "./request.ts";
import { chatUsage, servedTier } from "./usage.ts";

/** What the blocks of an answer come to. */
interface Gathered {
	text: string;
	reasoning: string;
	/** The input of the tool that takes the answer: it is the text then. */
	json: string | undefined;
	readonly details: ReasoningDetail[];
	readonly calls: AnsweredToolCall[];
	readonly notes: CitationNotes;
}

/** A whole message as a chat completion; undefined where it is no message. */
export function chatAnswer(answer: JsonObject, plan: AnswerPlan, target: Target): JsonObject | undefined {
	if (answer.type === "error" || declaredFault(answer) !== undefined) {
		const { message, type, code, status } = readFault(answer, undefined);
		return { error: { message, type: type ?? "upstream_error", param: null, code: code ?? null, status } };
	}
	if (!Array.isArray(answer.content)) {
		return undefined;
	}
	const gathered: Gathered = {
		text: "",
		reasoning: "",
		json: undefined,
		details: [],
		calls: [],
		notes: createCitationNotes(),
	};
	for (const block of answer.content) {
		if (isJsonObject(block)) {
			gather(block, gathered, plan, target);
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
				reasoningDetails: shownDetails(gathered.details, plan),
				toolCalls: calls,
				annotations: json === undefined ? notes.annotations : [],
				finishReason: finishReason(answer.stop_reason, calls.length),
				extra: json === undefined && notes.citations.length > 0 ? { citations: [...notes.citations] } : {},
			},
		],
		chatUsage(answer.usage),
	);
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

function gather(block: JsonObject, gathered: Gathered, plan: AnswerPlan, target: Target): void {
	switch (block.type) {
		case "thinking":
			gathered.reasoning += stringOf(block.thinking);
			gathered.details.push(sealed(stringOf(block.thinking), stringOf(block.signature)));
			return;
		case "redacted_thinking":
			gathered.details.push({ type: "reasoning.encrypted", format: SEAL_FORMAT, data: stringOf(block.data) });
			return;
		case "tool_use":
			gatherCall(block, gathered, plan, target);
			return;
		default:
			if (isText(block)) {
				const start = gathered.text.length;
				gathered.text += stringOf(block.text);
				gathered.notes.add(block.citations, start, gathered.text.length);
			}
	}
}

export function sealed(text: string, signature: string): ReasoningDetail {
	return { type: "reasoning.text", format: SEAL_FORMAT, text, signature: signature === "" ? undefined : signature };
}

function gatherCall(block: JsonObject, gathered: Gathered, plan: AnswerPlan, target: Target): void {
	const name = stringOf(block.name);
	const input = JSON.stringify(block.input ?? {});
	if (name === plan.jsonTool) {
		gathered.json ??= input;
		return;
	}
	const isCustom = plan.customTools.has(name);
	gathered.calls.push({
		id: stringOf(block.id) || madeCallId(target, gathered.calls.length),
		name,
		arguments: isCustom ? customInput(input) : input,
		kind: isCustom ? "custom" : "function",
	});
}

export function madeCallId(target: Target, position: number): string {
	return `call_${target.answerId}_${position}`;
}

/**
 * Whether a block's `text` is part of the answer: text, and blocks of a kind unknown yet that hold a text. The blocks of
 * the provider's own tools hold none, and what is in their results is not said to the user.
 */
export function isText(block: JsonObject): boolean {
	return block.type === "text" || (typeof block.text === "string" && !isOwnBusiness(block.type));
}

/** Blocks that tell what the provider did on its side. */
export function isOwnBusiness(type: JsonValue | undefined): boolean {
	return typeof type === "string" && (type.endsWith("_tool_result") || type.endsWith("_tool_use"));
}

export function stringOf(value: JsonValue | undefined): string {
	return typeof value === "string" ? value : "";
}
