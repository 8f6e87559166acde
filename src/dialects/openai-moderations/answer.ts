import { neverStreamed } from "../never-streamed.ts";
import { declaredFault } from "../provider-fault.ts";
import { readTokenUsage } from "../token-usage.ts";
import type { AnswerReader } from "../types.ts";

export const moderationsAnswer: AnswerReader = {
	operation: "moderations",
	answer: "json",
	// OpenAI moderates for free and counts nothing; Mistral counts as it does for chat.
	usage: (answer) => readTokenUsage(answer.usage),
	fault: declaredFault,
	outputTokensSeen: () => 0,
	openStream: neverStreamed("moderations"),
};
