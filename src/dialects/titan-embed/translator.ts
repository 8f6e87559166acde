import { isJsonObject } from "../../lib/json-types.ts";
import { bedrockFault } from "../bedrock-converse/faults.ts";
import { type EmbeddingsWire, onlyText, translateEmbeddings, vectorOf } from "../embeddings-shared.ts";
import { count } from "../token-usage.ts";
import type { Translator } from "../translation.ts";

/**
 * Amazon Titan Text Embeddings through Bedrock's InvokeModel: one text a call.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
 */
const WIRE: EmbeddingsWire = {
	mapped: () => ["normalize"],
	body: (request, { normalize }) => ({
		inputText: onlyText(request),
		...(request.dimensions === undefined ? {} : { dimensions: request.dimensions }),
		...(typeof normalize === "boolean" ? { normalize } : {}),
	}),
	read({ embedding, embeddingsByType, inputTextTokenCount }) {
		const vector =
			vectorOf(embedding) ?? (isJsonObject(embeddingsByType) ? vectorOf(embeddingsByType.float) : undefined);
		return vector === undefined ? undefined : { vectors: [vector], promptTokens: count(inputTextTokenCount) };
	},
	readFault: bedrockFault,
};

/** OpenAI's embeddings by way of Amazon Titan. */
export const titanEmbed: Translator = {
	translate: (request, target) => translateEmbeddings(request, target, WIRE),
};
