import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
import { type ReasoningDetail, writeReasoningDetails } from "./reasoning.ts";

/** Why a choice ended, in OpenAI's words. */
export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter";

/** What stands on every chunk of an answer, and on the whole one. */
export interface AnswerFacts {
	readonly id: string;
	readonly model: string;
	/** Unix seconds. */
	readonly createdAtSeconds: number;
	/** The client used `functions`, OpenAI's older words for tools: it is answered in them. */
	readonly legacyFunctions?: boolean | undefined;
	readonly serviceTier?: string | undefined;
}

export interface AnsweredToolCall {
	readonly id: string;
	readonly name: string;
	/** JSON text; of a custom tool: its input, free text. "" becomes `{}` for a function. */
	readonly arguments: string;
	readonly kind: "function" | "custom";
	/** Fields beside OpenAI's (`extra_content` of Gemini's thought signatures). */
	readonly extra?: JsonObject | undefined;
}

/** One choice of a whole answer. */
export interface AnsweredChoice {
	/** null where the model said nothing. */
	readonly text: string | null;
	readonly refusal?: string | undefined;
	/** Thinking in plain words. */
	readonly reasoning?: string | undefined;
	readonly reasoningDetails?: readonly ReasoningDetail[] | undefined;
	readonly toolCalls?: readonly AnsweredToolCall[] | undefined;
	/** OpenAI's `url_citation` entries. */
	readonly annotations?: readonly JsonObject[] | undefined;
	readonly finishReason: FinishReason;
	readonly logprobs?: JsonValue | undefined;
	/** Further fields of the message: `citations`, `images`, `audio`. */
	readonly extra?: JsonObject | undefined;
}

/** A whole chat completion. */
export function chatCompletion(
	facts: AnswerFacts,
	choices: readonly AnsweredChoice[],
	usage: JsonObject | undefined,
): JsonObject {
	return {
		id: facts.id,
		object: "chat.completion",
		created: facts.createdAtSeconds,
		model: facts.model,
		...(facts.serviceTier === undefined ? {} : { service_tier: facts.serviceTier }),
		choices: choices.map((choice, index) => ({
			index,
			message: messageOf(choice, facts.legacyFunctions === true),
			logprobs: choice.logprobs ?? null,
			finish_reason: legacyReason(choice.finishReason, facts),
		})),
		...(usage === undefined ? {} : { usage }),
	};
}

function messageOf(choice: AnsweredChoice, legacy: boolean): JsonObject {
	const isInstead = choice.toolCalls?.length || choice.refusal || choice.extra?.audio || choice.extra?.images;
	const message: JsonObject = {
		role: "assistant",
		// OpenAI says nothing with an empty text, and null where something else is said instead.
		content: choice.text || (isInstead ? null : ""),
		refusal: choice.refusal ?? null,
	};
	if (choice.reasoning) {
		message.reasoning_content = choice.reasoning;
	}
	if (choice.reasoningDetails?.length) {
		message.reasoning_details = writeReasoningDetails(choice.reasoningDetails);
	}
	if (choice.annotations?.length) {
		message.annotations = [...choice.annotations];
	}
	const first = choice.toolCalls?.[0];
	if (first !== undefined && legacy) {
		message.function_call = { name: first.name, arguments: first.arguments || "{}" };
	} else if (choice.toolCalls?.length) {
		message.tool_calls = choice.toolCalls.map(toolCallOf);
	}
	return { ...message, ...choice.extra };
}

function toolCallOf(call: AnsweredToolCall): JsonObject {
	const { id, name, kind, extra } = call;
	return kind === "custom"
		? { id, type: "custom", custom: { name, input: call.arguments }, ...extra }
		: { id, type: "function", function: { name, arguments: call.arguments || "{}" }, ...extra };
}

/** `function_call` is what `tool_calls` was called. */
export function legacyReason(reason: FinishReason, { legacyFunctions }: AnswerFacts): string {
	return reason === "tool_calls" && legacyFunctions === true ? "function_call" : reason;
}
