import type { JsonObject } from "../../lib/json-types.ts";
import { jsonOf } from "../body-kind.ts";
import {
	asksForUsage,
	boolean,
	CHOICES_MAX,
	checkFields,
	checkStreamOptions,
	fieldRules,
	integerBetween,
	integerField,
	logitBias,
	metadata,
	missing,
	numberBetween,
	OUTPUT_TOKENS_MAX,
	requiredModel,
	seed,
	stopSequences,
	textField,
	textUpTo,
} from "../fields.ts";
import { PLAIN_ENVELOPE } from "../plain-envelope.ts";
import { readTokenInput, tokenInputSize, tokenInputText } from "../token-input.ts";
import type { Envelope, Ingress, PromptTokensUpperBound } from "../types.ts";

const PROMPTS_MAX = 2_048;

const RULES = fieldRules({
	stream: boolean,
	echo: boolean,
	temperature: numberBetween(0, 2),
	top_p: numberBetween(0, 1),
	// 0 is allowed here: with `echo` it scores a prompt without completing it.
	max_tokens: integerBetween(0, OUTPUT_TOKENS_MAX),
	n: integerBetween(1, CHOICES_MAX),
	best_of: integerBetween(0, CHOICES_MAX),
	logprobs: integerBetween(0, 20),
	stop: stopSequences,
	seed,
	frequency_penalty: numberBetween(-2, 2),
	presence_penalty: numberBetween(-2, 2),
	logit_bias: logitBias,
	suffix: textUpTo(1_048_576),
	user: textUpTo(4_096),
	metadata,
});

export function createCompletionsIngress(bound: PromptTokensUpperBound): Ingress {
	return {
		operation: "completions",
		path: "/completions",
		body: "json",
		readEnvelope: (body) => readEnvelope(jsonOf(body), bound),
		promptText: (body) => tokenInputText(jsonOf(body).prompt),
	};
}

function readEnvelope(json: JsonObject, bound: PromptTokensUpperBound): Envelope {
	const model = requiredModel(json.model);
	checkFields(json, RULES);
	checkStreamOptions(json);
	const { prompt } = json;
	if (prompt === undefined || prompt === null) {
		throw missing("prompt");
	}
	const input = readTokenInput(prompt, "prompt", { promptsMax: PROMPTS_MAX, emptyTextAllowed: true });
	const maxOutputTokens = integerField(json, "max_tokens");
	const answersEach = Math.max(integerField(json, "n") ?? 1, integerField(json, "best_of") ?? 1);
	const suffixTokens = input.tokens === undefined ? 0 : bound(textField(json, "suffix") ?? "");
	return {
		...PLAIN_ENVELOPE,
		model,
		stream: json.stream === true,
		includeUsage: asksForUsage(json),
		maxOutputTokens,
		maxOutputField: maxOutputTokens === undefined ? undefined : "max_tokens",
		choices: answersEach * input.prompts,
		generates: true,
		promptTokensMax: tokenInputSize(json, input, bound) + suffixTokens,
	};
}
