import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { allVectors, type EmbeddingsWire, translateEmbeddings, vectorOf } from "../embeddings-shared.ts";
import { googleTaskType, taskFields } from "../gemini-embed/task-type.ts";
import { readGoogleFault } from "../gemini-generate/faults.ts";
import { count } from "../token-usage.ts";
import type { Translator } from "../translation.ts";

/**
 * `:predict` of Vertex AI's text embedding models. A text that is too long is an error, as it is at OpenAI, instead of
 * being cut without a word.
 * @see https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
 */
const WIRE: EmbeddingsWire = {
	mapped: taskFields,
	body({ texts, dimensions }, json, { model }) {
		const taskType = googleTaskType(json, model);
		return {
			instances: texts.map((content) => ({ content, ...(taskType === undefined ? {} : { task_type: taskType }) })),
			parameters: {
				autoTruncate: false,
				...(dimensions === undefined ? {} : { outputDimensionality: dimensions }),
			},
		};
	},
	read({ predictions }) {
		const embeddings = Array.isArray(predictions) ? predictions.map(embeddingOf) : [];
		const vectors = allVectors(embeddings.map(({ values }) => vectorOf(values)));
		return vectors === undefined ? undefined : { vectors, promptTokens: total(embeddings) };
	},
	readFault: readGoogleFault,
};

function embeddingOf(prediction: JsonValue): JsonObject {
	return isJsonObject(prediction) && isJsonObject(prediction.embeddings) ? prediction.embeddings : {};
}

/** undefined where one of the texts is not counted: half a count is none. */
function total(embeddings: readonly JsonObject[]): number | undefined {
	let tokens = 0;
	for (const { statistics } of embeddings) {
		const counted = isJsonObject(statistics) ? count(statistics.token_count) : undefined;
		if (counted === undefined) {
			return undefined;
		}
		tokens += counted;
	}
	return tokens;
}

/** OpenAI's embeddings by way of Vertex AI, for the models before Gemini Embedding 2. */
export const vertexEmbed: Translator = {
	translate: (request, target) => translateEmbeddings(request, target, WIRE),
};
