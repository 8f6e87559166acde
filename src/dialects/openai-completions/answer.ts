import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { openChoiceStream } from "../choice-stream.ts";
import { declaredFault } from "../provider-fault.ts";
import { estimatedTokens } from "../token-estimate.ts";
import { readTokenUsage } from "../token-usage.ts";
import type { AnswerReader } from "../types.ts";

export const completionsAnswer: AnswerReader = {
	operation: "completions",
	answer: "json",
	usage: (answer) => readTokenUsage(answer.usage),
	fault: declaredFault,
	outputTokensSeen(answer) {
		let tokens = 0;
		for (const choice of Array.isArray(answer.choices) ? answer.choices : []) {
			tokens += (isJsonObject(choice) ? textTokens(choice) : undefined) ?? 0;
		}
		return Math.ceil(tokens);
	},
	openStream: (choices = 1) => openChoiceStream(textTokens, choices),
};

function textTokens(choice: JsonObject): number | undefined {
	const { text } = choice;
	return typeof text === "string" && text !== "" ? estimatedTokens(text) : undefined;
}
