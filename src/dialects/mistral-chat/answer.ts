import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { faultAnswer } from "../fault-answer.ts";
import { declaredFault } from "../provider-fault.ts";
import type { Target } from "../translation.ts";
import { createCallWriter } from "./calls.ts";
import { GENERATION_FAILED, mistralFault } from "./faults.ts";
import { finishReason, isFailure } from "./finish.ts";
import { createContentReader } from "./parts.ts";

/** What the request said of its answer. */
export interface AnswerTerms {
	readonly target: Target;
	/** The client's name for the tool that a model calls. */
	toolName(called: string): string;
	/** Tools that take free text, sent as functions. */
	readonly customTools: ReadonlySet<string>;
	/** The client used `functions`. */
	readonly legacy: boolean;
	/** The beginning of the answer, where the client wrote one: Mistral says it again. "" where there is none. */
	readonly prefix: string;
}

/** A whole answer with every message in OpenAI's form; all other fields are as they came. */
export function openaiAnswer(answer: JsonObject, terms: AnswerTerms): JsonObject | undefined {
	if (declaredFault(answer) !== undefined) {
		return faultAnswer(mistralFault(answer, undefined));
	}
	const { choices } = answer;
	if (!Array.isArray(choices)) {
		return undefined;
	}
	if (choices.some((choice) => isJsonObject(choice) && isFailure(choice.finish_reason))) {
		return faultAnswer(GENERATION_FAILED);
	}
	return { ...answer, choices: choices.map((choice, index) => openaiChoice(choice, index, terms)) };
}

function openaiChoice(choice: JsonValue, index: number, terms: AnswerTerms): JsonValue {
	if (!isJsonObject(choice)) {
		return choice;
	}
	const { message, finish_reason: reason } = choice;
	return {
		...choice,
		...(isJsonObject(message) ? { message: openaiMessage(message, index, terms) } : {}),
		...(reason === undefined ? {} : { finish_reason: finishReason(reason, terms.legacy) ?? null }),
	};
}

function openaiMessage(message: JsonObject, index: number, terms: AnswerTerms): JsonObject {
	const { content, tool_calls: calls, ...rest } = message;
	const told = calls ? createCallWriter(terms, index).whole(calls) : calls === undefined ? {} : { tool_calls: calls };
	if (content === undefined || content === null) {
		return { ...rest, content: null, ...told };
	}
	const reader = createContentReader(terms.prefix);
	const { text, reasoning, citations, annotations, images } = reader.read(content);
	return {
		...rest,
		content: text + reader.rest(),
		...(reasoning === "" ? {} : { reasoning_content: reasoning }),
		...(citations.length === 0 ? {} : { citations: [...citations] }),
		...(annotations.length === 0 ? {} : { annotations: [...annotations] }),
		...(images.length === 0 ? {} : { images: [...images] }),
		...told,
	};
}
