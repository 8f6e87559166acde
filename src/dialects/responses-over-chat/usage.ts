import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { completionTokens, promptTokens } from "../../lib/usage.ts";
import { readTokenUsage } from "../token-usage.ts";

const OWN_NAMES: ReadonlySet<string> = new Set([
	"prompt_tokens",
	"completion_tokens",
	"total_tokens",
	"prompt_tokens_details",
	"completion_tokens_details",
	"input_tokens",
	"output_tokens",
	"input_tokens_details",
	"output_tokens_details",
]);

/**
 * A chat's usage in the words of Responses. Whatever else a provider counts stays where it was, so that both are read into
 * the same buckets. Thinking that a provider counts beside the completion is put inside it, as OpenAI does.
 * undefined where the provider has told no usable count.
 */
export function responseUsage(usage: JsonValue | undefined): JsonObject | undefined {
	const counted = readTokenUsage(usage);
	if (counted === undefined || !isJsonObject(usage)) {
		return undefined;
	}
	const input = promptTokens(counted);
	const output = completionTokens(counted);
	return {
		input_tokens: input,
		input_tokens_details: {
			...stated(usage.prompt_tokens_details ?? usage.input_tokens_details),
			cached_tokens: counted.cacheRead,
			cache_write_tokens: counted.cacheWrite,
		},
		output_tokens: output,
		output_tokens_details: {
			...stated(usage.completion_tokens_details ?? usage.output_tokens_details),
			reasoning_tokens: counted.reasoning,
		},
		total_tokens: input + output,
		...Object.fromEntries(Object.entries(usage).filter(([name]) => !OWN_NAMES.has(name))),
	};
}

function stated(details: JsonValue | undefined): JsonObject {
	return isJsonObject(details) ? Object.fromEntries(Object.entries(details).filter(([, value]) => value !== null)) : {};
}
