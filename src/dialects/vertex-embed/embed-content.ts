import { isJsonObject } from "../../lib/json-types.ts";
import { type EmbeddingsWire, onlyText, translateEmbeddings, vectorOf } from "../embeddings-shared.ts";
import { readGoogleFault } from "../gemini-generate/faults.ts";
import { count } from "../token-usage.ts";
import type { Translator } from "../translation.ts";

/**
 * `:embedContent` of Vertex AI: one text a call. Gemini Embedding 2 is served by no other method there; `:predict` answers
 * it with 400 FAILED_PRECONDITION, and the models before it are not served by this one.
 * @see https://docs.cloud.google.com/python/docs/reference/aiplatform/latest/google.cloud.aiplatform_v1beta1.types.EmbedContentRequest
 * @see https://github.com/vercel/ai/issues/15853
 */
const WIRE: EmbeddingsWire = {
	mapped: () => [],
	body: (request) => ({
		content: { parts: [{ text: onlyText(request) }] },
		autoTruncate: false,
		...(request.dimensions === undefined ? {} : { outputDimensionality: request.dimensions }),
	}),
	read({ embedding, usageMetadata }) {
		const vector = isJsonObject(embedding) ? vectorOf(embedding.values) : undefined;
		const promptTokens = isJsonObject(usageMetadata) ? count(usageMetadata.promptTokenCount) : undefined;
		return vector === undefined ? undefined : { vectors: [vector], promptTokens };
	},
	readFault: readGoogleFault,
};

/** OpenAI's embeddings by way of Gemini Embedding 2 on Vertex AI. */
export const vertexEmbedContent: Translator = {
	translate: (request, target) => translateEmbeddings(request, target, WIRE),
};
