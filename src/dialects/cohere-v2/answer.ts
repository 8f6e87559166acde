import { isJsonObject, type JsonObject, type JsonValue, objectsIn, stringOf } from "../../lib/json-types.ts";
import { type AnsweredToolCall, type AnswerFacts, chatCompletion } from "../chat-hub/answer.ts";
import { createCallIds } from "../chat-hub/tool-ids.ts";
import { customInput } from "../chat-hub/tools.ts";
import { faultAnswer } from "../fault-answer.ts";
import { declaredFault } from "../provider-fault.ts";
import { createCitations } from "./citations.ts";
import { failedFinish } from "./faults.ts";
import { finishReason } from "./finish.ts";
import { modernAnswer } from "./legacy.ts";
import { chatLogprobs } from "./logprobs.ts";
import { createThoughts } from "./reasoning.ts";
import { cohereUsage } from "./usage.ts";

/** What the request said of its answer. */
export interface AnswerTerms {
	readonly facts: AnswerFacts;
	/** Names the calls that have no id. */
	readonly answerId: string;
	/** The client's name for the tool that a model calls. */
	toolName(called: string): string;
	/** Custom tools, which were sent as functions. */
	readonly customTools: ReadonlySet<string>;
	/** The client does not want to see the thinking. */
	readonly hidesReasoning: boolean;
}

/** A whole answer of `/v2/chat` as a chat completion; undefined when it is none. */
export function cohereAnswer(given: JsonObject, terms: AnswerTerms): JsonObject | undefined {
	const answer = modernAnswer(given);
	const { message } = answer;
	if (!isJsonObject(message)) {
		const declared = declaredFault(answer);
		return declared === undefined ? undefined : faultAnswer(declared);
	}
	const failure = failedFinish(answer.finish_reason, answer.error);
	if (failure !== undefined) {
		return faultAnswer(failure);
	}
	const content = readContent(message);
	const citations = content.citations.citations();
	const callId = createCallIds(terms.answerId);
	const shown = terms.hidesReasoning ? {} : { reasoning: content.reasoning, reasoningDetails: content.details };
	const id = typeof answer.id === "string" && answer.id !== "" ? answer.id : terms.facts.id;
	return chatCompletion(
		{ ...terms.facts, id },
		[
			{
				text: content.text,
				...shown,
				toolCalls: objectsIn(message.tool_calls).map((call) => toolCallOf(call, callId, terms)),
				annotations: content.citations.annotations(),
				finishReason: finishReason(answer.finish_reason),
				logprobs: chatLogprobs(answer.logprobs),
				extra: citations.length === 0 ? undefined : { citations: [...citations] },
			},
		],
		cohereUsage(answer.usage),
	);
}

/** The text, the thinking and the citations of a message, in the order of its content. */
function readContent(message: JsonObject) {
	const { content: given } = message;
	const content = typeof given === "string" ? [{ type: "text", text: given }] : objectsIn(given);
	const thoughts = createThoughts();
	const citations = createCitations();
	let text: string | null = null;
	let reasoning = "";
	for (const [block, part] of content.entries()) {
		if (typeof part.text === "string" && (part.type ?? "text") === "text") {
			text = (text ?? "") + part.text;
			citations.text(block, part.text);
		} else if (typeof part.thinking === "string") {
			reasoning += part.thinking;
			thoughts.add(part.thinking, block);
		}
	}
	// The plan of its calls is no thinking: it is in the details only, for its way back.
	thoughts.add(stringOf(message.tool_plan), undefined);
	citations.add(message.citations);
	return { text, reasoning, details: thoughts.details(), citations };
}

function toolCallOf(call: JsonObject, callId: ReturnType<typeof createCallIds>, terms: AnswerTerms): AnsweredToolCall {
	const described = isJsonObject(call.function) ? call.function : call;
	const name = terms.toolName(stringOf(described.name));
	const given = argumentsText(described.arguments);
	const isCustom = terms.customTools.has(name);
	return {
		id: callId(call.id),
		name,
		kind: isCustom ? "custom" : "function",
		arguments: isCustom ? customInput(given) : given,
	};
}

/** JSON text. For a function without parameters Cohere writes "null", or nothing. */
export function argumentsText(value: JsonValue | undefined): string {
	if (typeof value !== "string") {
		return isJsonObject(value) ? JSON.stringify(value) : "";
	}
	return value.trim() === "null" ? "" : value;
}
