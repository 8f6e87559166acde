import type { JsonObject } from "../../lib/json-types.ts";
import { NO_PROMPT } from "../../lib/prompt-view.ts";
import { jsonOf } from "../body-kind.ts";
import { checkFields, fieldRules, integerBetween, missing, oneOf, requiredModel, textUpTo } from "../fields.ts";
import { PLAIN_ENVELOPE } from "../plain-envelope.ts";
import { readTokenInput, tokenInputSize } from "../token-input.ts";
import type { Envelope, Ingress, PromptTokensUpperBound } from "../types.ts";

const INPUTS_MAX = 2_048;
const DIMENSIONS_MAX = 65_536;

const RULES = fieldRules({
	encoding_format: oneOf("float", "base64"),
	dimensions: integerBetween(1, DIMENSIONS_MAX),
	user: textUpTo(4_096),
});

export function createEmbeddingsIngress(bound: PromptTokensUpperBound): Ingress {
	return {
		operation: "embeddings",
		path: "/embeddings",
		body: "json",
		readEnvelope: (body) => readEnvelope(jsonOf(body), bound),
		promptText: () => NO_PROMPT,
	};
}

function readEnvelope(json: JsonObject, bound: PromptTokensUpperBound): Envelope {
	const model = requiredModel(json.model);
	checkFields(json, RULES);
	const { input } = json;
	if (input === undefined || input === null) {
		throw missing("input");
	}
	const read = readTokenInput(input, "input", { promptsMax: INPUTS_MAX, emptyTextAllowed: false });
	return { ...PLAIN_ENVELOPE, model, promptTokensMax: tokenInputSize(json, read, bound) };
}
