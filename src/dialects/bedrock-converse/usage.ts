import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { writeChatUsage } from "../chat-hub/usage.ts";
import { count } from "../token-usage.ts";

/**
 * The usage of an answer in OpenAI's words. `inputTokens` holds only what was neither read from a cache nor written to
 * one. undefined where it is missing or unusable: half a count is none.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
 */
export function chatUsage(usage: JsonValue | undefined): JsonObject | undefined {
	if (!isJsonObject(usage)) {
		return undefined;
	}
	const input = count(usage.inputTokens);
	const output = count(usage.outputTokens);
	if (input === undefined || output === undefined) {
		return undefined;
	}
	// The older spelling still stands beside the newer one.
	const cacheRead = count(usage.cacheReadInputTokens) ?? count(usage.cacheReadInputTokenCount) ?? 0;
	const written = count(usage.cacheWriteInputTokens) ?? count(usage.cacheWriteInputTokenCount) ?? 0;
	const cacheWriteHour = Math.min(written, writtenForAnHour(usage.cacheDetails));
	return writeChatUsage({
		prompt: input + cacheRead + written,
		completion: output,
		cacheRead,
		cacheWrite: written - cacheWriteHour,
		cacheWriteHour,
	});
}

/** `cacheDetails: [{ttl: "1h", inputTokens}]` tells apart what `cacheWriteInputTokens` adds up. */
function writtenForAnHour(details: JsonValue | undefined): number {
	let tokens = 0;
	for (const detail of Array.isArray(details) ? details : []) {
		if (isJsonObject(detail) && detail.ttl === "1h") {
			tokens += count(detail.inputTokens) ?? 0;
		}
	}
	return tokens;
}
