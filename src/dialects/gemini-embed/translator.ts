import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { allVectors, type EmbeddingsWire, translateEmbeddings, vectorOf } from "../embeddings-shared.ts";
import { readGoogleFault } from "../gemini-generate/faults.ts";
import { count } from "../token-usage.ts";
import type { Translator } from "../translation.ts";
import { googleTaskType, taskFields } from "./task-type.ts";

/**
 * `POST /v1beta/models/{model}:batchEmbedContents`, for one text as for many. Google takes at most 100 a call and says
 * so itself.
 * @see https://ai.google.dev/api/embeddings
 */
const WIRE: EmbeddingsWire = {
	mapped: taskFields,
	body({ texts, dimensions }, json, { model }) {
		const taskType = googleTaskType(json, model);
		return {
			requests: texts.map((text) => ({
				model: model.startsWith("models/") ? model : `models/${model}`,
				content: { parts: [{ text }] },
				...(dimensions === undefined ? {} : { outputDimensionality: dimensions }),
				...(taskType === undefined ? {} : { taskType }),
			})),
		};
	},
	read(answer) {
		// `embedding` is what the call for a single text answers.
		const list = Array.isArray(answer.embeddings) ? answer.embeddings : [answer.embedding];
		const vectors = allVectors(list.map((entry) => (isJsonObject(entry) ? vectorOf(entry.values) : undefined)));
		return vectors === undefined ? undefined : { vectors, promptTokens: promptTokens(answer) };
	},
	readFault: readGoogleFault,
};

/** Told by some models only. */
function promptTokens({ usageMetadata }: JsonObject): number | undefined {
	return isJsonObject(usageMetadata) ? count(usageMetadata.promptTokenCount) : undefined;
}

/** OpenAI's embeddings by way of the Gemini API. */
export const geminiEmbed: Translator = {
	translate: (request, target) => translateEmbeddings(request, target, WIRE),
};
