import { isJsonObject } from "../../lib/json-types.ts";
import { neverStreamed } from "../never-streamed.ts";
import { declaredFault } from "../provider-fault.ts";
import { readTokenUsage } from "../token-usage.ts";
import type { AnswerReader } from "../types.ts";

export const embeddingsAnswer: AnswerReader = {
	operation: "embeddings",
	answer: "json",
	usage(answer) {
		const { usage } = answer;
		// Nothing is generated, whatever a provider writes under `completion_tokens`.
		return isJsonObject(usage)
			? readTokenUsage({
					prompt_tokens: usage.prompt_tokens,
					prompt_tokens_details: usage.prompt_tokens_details,
					completion_tokens: 0,
				})
			: undefined;
	},
	withUsage: (answer, promptTokens) => ({
		...answer,
		usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
	}),
	fault: declaredFault,
	outputTokensSeen: () => 0,
	openStream: neverStreamed("embeddings"),
};
