import { bedrockFault } from "../bedrock-converse/faults.ts";
import { cohereVectors, INPUT_TYPE_DEFAULT } from "../cohere-embed/vectors.ts";
import { type EmbeddingsWire, translateEmbeddings } from "../embeddings-shared.ts";
import type { Translator } from "../translation.ts";

/**
 * Cohere's Embed through Bedrock's InvokeModel, which names the model in the address and counts tokens in a header.
 * `output_dimension` is known to version 4 only, so it is sent only where the client asks for a length.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v4.html
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v3.html
 */
const WIRE: EmbeddingsWire = {
	mapped: () => ["input_type", "truncate"],
	body: ({ texts, dimensions }, json) => ({
		texts: [...texts],
		input_type: json.input_type ?? INPUT_TYPE_DEFAULT,
		embedding_types: ["float"],
		truncate: json.truncate ?? "NONE",
		...(dimensions === undefined ? {} : { output_dimension: dimensions }),
	}),
	read(answer, headers) {
		const vectors = cohereVectors(answer);
		return vectors === undefined ? undefined : { vectors, promptTokens: inputTokens(headers) };
	},
	readFault: bedrockFault,
};

/**
 * The count that Bedrock writes on every answer of InvokeModel: the only one for these models.
 * @see https://github.com/vercel/ai/pull/15973
 */
function inputTokens(headers: Headers | undefined): number | undefined {
	const told = headers?.get("x-amzn-bedrock-input-token-count");
	return told && /^\d{1,15}$/.test(told) ? Number(told) : undefined;
}

/** OpenAI's embeddings by way of Cohere's models on Bedrock. */
export const bedrockCohereEmbed: Translator = {
	translate: (request, target) => translateEmbeddings(request, target, WIRE),
};
