import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { writeChatUsage } from "../chat-hub/usage.ts";
import { count } from "../token-usage.ts";

/**
 * Cohere counts twice: `tokens` is what the model read and wrote, `billed_units` what of it is charged (less: its own
 * preamble is free). The first is what every other provider calls usage; the second only stands in where it is missing.
 * `cached_tokens` is part of the input.
 */
export function cohereUsage(value: JsonValue | undefined): JsonObject | undefined {
	if (!isJsonObject(value)) {
		return undefined;
	}
	for (const counted of [value.tokens, value.billed_units]) {
		const prompt = isJsonObject(counted) ? count(counted.input_tokens) : undefined;
		const completion = isJsonObject(counted) ? count(counted.output_tokens) : undefined;
		if (prompt !== undefined && completion !== undefined) {
			const cached = count(value.cached_tokens);
			return writeChatUsage({
				prompt,
				completion,
				cacheRead: cached === undefined ? undefined : Math.min(cached, prompt),
			});
		}
	}
	return undefined;
}
