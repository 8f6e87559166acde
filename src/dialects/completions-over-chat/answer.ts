import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { faultAnswer } from "../fault-answer.ts";
import { declaredFault } from "../provider-fault.ts";
import type { Target } from "../translation.ts";
import { spokenText } from "./content.ts";
import { completionFinish } from "./finish.ts";

/** A chat's whole answer as a completion. Fields beside OpenAI's stay on it and on its choices. */
export function completionOf(answer: JsonObject, echo: string, target: Target): JsonObject | undefined {
	const fault = declaredFault(answer);
	if (fault !== undefined) {
		return faultAnswer(fault);
	}
	const { choices, ...rest } = answer;
	if (!Array.isArray(choices)) {
		return undefined;
	}
	return {
		...rest,
		...completionFacts(answer, target),
		choices: choices.filter(isJsonObject).map((choice, position) => {
			const text = `${echo}${spokenText(choice.message)}`;
			return completionChoice(choice, { position, text, finish: completionFinish(choice.finish_reason) ?? "stop" });
		}),
	};
}

/** What stands on a completion and on each of its chunks. */
export function completionFacts({ id, created, model }: JsonObject, target: Target): JsonObject {
	return {
		id: completionId(id, target),
		object: "text_completion",
		created: typeof created === "number" ? created : target.createdAtSeconds,
		model: typeof model === "string" && model !== "" ? model : target.model,
	};
}

/** The chat's own id with the prefix of completions. */
function completionId(id: JsonValue | undefined, { answerId }: Target): string {
	return `cmpl-${typeof id === "string" && id !== "" ? id.replace(/^chatcmpl-/, "") : answerId}`;
}

export function completionChoice(
	choice: JsonObject,
	told: { readonly position: number; readonly text: string; readonly finish: string | null },
): JsonObject {
	const { message, delta, ...rest } = choice;
	return {
		...rest,
		text: told.text,
		index: typeof choice.index === "number" ? choice.index : told.position,
		logprobs: null,
		finish_reason: told.finish,
	};
}
