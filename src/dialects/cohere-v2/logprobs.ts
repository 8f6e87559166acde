import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/**
 * Cohere's `{text, token_ids, logprobs}`, one or a list, as OpenAI's. A piece of text may be several tokens, whose own
 * texts it does not tell: it becomes one entry with the probability of them all. undefined where there is nothing.
 */
export function chatLogprobs(value: JsonValue | undefined): JsonObject | undefined {
	const content = (Array.isArray(value) ? value : [value]).filter(isJsonObject).flatMap(entryOf);
	return content.length === 0 ? undefined : { content, refusal: null };
}

function entryOf({ text, logprobs }: JsonObject): JsonObject[] {
	const values = Array.isArray(logprobs) ? logprobs.filter((value) => typeof value === "number") : [];
	if (typeof text !== "string" || values.length === 0) {
		return [];
	}
	const logprob = values.reduce((sum, value) => sum + value, 0);
	return [{ token: text, logprob, bytes: [...Buffer.from(text, "utf8")], top_logprobs: [] }];
}
