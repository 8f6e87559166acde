import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { faultAnswer } from "../fault-answer.ts";
import { declaredFault } from "../provider-fault.ts";
import type { Target } from "../translation.ts";
import { createCallWriter } from "./calls.ts";
import { GENERATION_FAILED, mistralFault } from "./faults.ts";
import { finishReason, isFailure } from "./finish.ts";
import { createContentReader } from "./parts.ts";

/** A whole answer with every message in OpenAI's form; all other fields are as they came. */
export function openaiAnswer(answer: JsonObject, target: Target): JsonObject | undefined {
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
	return { ...answer, choices: choices.map((choice, index) => openaiChoice(choice, index, target)) };
}

function openaiChoice(choice: JsonValue, index: number, target: Target): JsonValue {
	if (!isJsonObject(choice)) {
		return choice;
	}
	const { message, finish_reason: reason } = choice;
	return {
		...choice,
		...(isJsonObject(message) ? { message: openaiMessage(message, index, target) } : {}),
		...(reason === undefined ? {} : { finish_reason: finishReason(reason) ?? null }),
	};
}

function openaiMessage(message: JsonObject, index: number, target: Target): JsonObject {
	const { content, tool_calls: calls } = message;
	const told = calls ? { tool_calls: createCallWriter(target, index).write(calls, false) } : {};
	if (!Array.isArray(content)) {
		return { ...message, content: content ?? null, ...told };
	}
	const { text, reasoning, citations, annotations, images } = createContentReader().read(content);
	return {
		...message,
		content: text,
		...(reasoning === "" ? {} : { reasoning_content: reasoning }),
		...(citations.length === 0 ? {} : { citations: [...citations] }),
		...(annotations.length === 0 ? {} : { annotations: [...annotations] }),
		...(images.length === 0 ? {} : { images: [...images] }),
		...told,
	};
}
