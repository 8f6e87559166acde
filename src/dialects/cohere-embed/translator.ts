import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { readCohereFault } from "../cohere-v2/faults.ts";
import { type EmbeddingsWire, translateEmbeddings } from "../embeddings-shared.ts";
import { count } from "../token-usage.ts";
import type { Translator } from "../translation.ts";
import { cohereVectors, INPUT_TYPE_DEFAULT } from "./vectors.ts";

/**
 * `POST /v2/embed`. Left alone, Cohere cuts texts that are too long; OpenAI refuses them, and so does this unless the
 * client sets `truncate`.
 * @see https://docs.cohere.com/reference/embed
 */
const WIRE: EmbeddingsWire = {
	mapped: () => ["input_type", "truncate"],
	body: ({ texts, dimensions }, json, { model }) => ({
		model,
		texts: [...texts],
		input_type: json.input_type ?? INPUT_TYPE_DEFAULT,
		embedding_types: ["float"],
		truncate: json.truncate ?? "NONE",
		...(dimensions === undefined ? {} : { output_dimension: dimensions }),
	}),
	read(answer) {
		const vectors = cohereVectors(answer);
		return vectors === undefined ? undefined : { vectors, promptTokens: billedTokens(answer) };
	},
	readFault: readCohereFault,
};

function billedTokens({ meta }: JsonObject): number | undefined {
	return isJsonObject(meta) && isJsonObject(meta.billed_units) ? count(meta.billed_units.input_tokens) : undefined;
}

/** OpenAI's embeddings by way of Cohere. */
export const cohereEmbed: Translator = {
	translate: (request, target) => translateEmbeddings(request, target, WIRE),
};
