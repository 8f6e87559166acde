import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { writeChatUsage } from "../chat-hub/usage.ts";
import { count } from "../token-usage.ts";

/**
 * The usage of an answer in OpenAI's words; undefined where half of it is missing. Anthropic counts fresh, cached and
 * written tokens beside each other, OpenAI's prompt holds all of them.
 */
export function chatUsage(usage: JsonValue | undefined): JsonObject | undefined {
	if (!isJsonObject(usage)) {
		return undefined;
	}
	const input = count(usage.input_tokens);
	const output = count(usage.output_tokens);
	if (input === undefined || output === undefined) {
		return undefined;
	}
	const written = cacheWrites(usage);
	const cacheRead = count(usage.cache_read_input_tokens) ?? 0;
	const details = isJsonObject(usage.output_tokens_details) ? usage.output_tokens_details : {};
	const thought = count(details.thinking_tokens);
	const tools = isJsonObject(usage.server_tool_use) ? usage.server_tool_use : {};
	return writeChatUsage({
		prompt: input + cacheRead + written.short + written.hour,
		completion: output,
		cacheRead,
		cacheWrite: written.short,
		cacheWriteHour: written.hour,
		reasoning: thought === undefined ? undefined : Math.min(thought, output),
		searches: count(tools.web_search_requests),
	});
}

/** Tokens written for five minutes and for an hour. In a stream the total is corrected later than the two parts of it. */
function cacheWrites(usage: JsonObject): { short: number; hour: number } {
	const parts = isJsonObject(usage.cache_creation) ? usage.cache_creation : {};
	const hour = count(parts.ephemeral_1h_input_tokens) ?? 0;
	const total = count(usage.cache_creation_input_tokens) ?? hour + (count(parts.ephemeral_5m_input_tokens) ?? 0);
	return { short: Math.max(0, total - hour), hour: Math.min(hour, total) };
}

/**
 * The counts of a stream are cumulative: what a later event says takes the place of what an earlier one said, unless it
 * is no count at all.
 */
export function laterUsage(earlier: JsonObject | undefined, later: JsonValue | undefined): JsonObject | undefined {
	if (!isJsonObject(later)) {
		return earlier;
	}
	const merged: JsonObject = { ...earlier };
	for (const [name, value] of Object.entries(later)) {
		const isUsable = !name.endsWith("_tokens") || count(value) !== undefined;
		if (value !== undefined && value !== null && isUsable) {
			merged[name] = value;
		}
	}
	return merged;
}

/** The tier that served an answer, in OpenAI's words. */
export function servedTier(usage: JsonValue | undefined): string | undefined {
	const tier = isJsonObject(usage) ? usage.service_tier : undefined;
	return typeof tier !== "string" ? undefined : tier === "standard" ? "default" : tier;
}
