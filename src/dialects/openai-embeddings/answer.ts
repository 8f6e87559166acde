import { isJsonObject } from "../../lib/json-types.ts";
import { NO_USAGE } from "../../lib/usage.ts";
import { neverStreamed } from "../never-streamed.ts";
import { declaredFault } from "../provider-fault.ts";
import { count } from "../token-usage.ts";
import type { AnswerReader } from "../types.ts";

export const embeddingsAnswer: AnswerReader = {
	operation: "embeddings",
	answer: "json",
	usage(answer) {
		// Nothing is generated, whatever a provider writes under `completion_tokens`.
		const input = isJsonObject(answer.usage) ? count(answer.usage.prompt_tokens) : undefined;
		return input === undefined ? undefined : { ...NO_USAGE, input };
	},
	fault: declaredFault,
	outputTokensSeen: () => 0,
	openStream: neverStreamed("embeddings"),
};
