import type { JsonObject } from "../../lib/json-types.ts";

/** Tokens of an answer as OpenAI counts them. `undefined` = the provider does not say, and so it is not written. */
export interface ChatUsage {
	/** All prompt tokens: fresh, read from a cache, written to one, audio. */
	readonly prompt: number;
	/** All output tokens, thinking included. */
	readonly completion: number;
	readonly cacheRead?: number | undefined;
	/** Written to a cache for five minutes, the usual time. */
	readonly cacheWrite?: number | undefined;
	/** Written to a cache for an hour, at another price. Not in `cacheWrite`. */
	readonly cacheWriteHour?: number | undefined;
	readonly audioInput?: number | undefined;
	readonly imageInput?: number | undefined;
	readonly reasoning?: number | undefined;
	readonly audioOutput?: number | undefined;
	readonly imageOutput?: number | undefined;
	/** Searches of the provider's own tool, billed by the piece. */
	readonly searches?: number | undefined;
}

/**
 * The usage object of a chat answer. `readTokenUsage` reads it back into the disjoint buckets of the ledger, so what a
 * client is shown is what is charged. `cache_write_tokens`, `cache_write_1h_tokens`, `image_tokens` and
 * `server_tool_use.web_search_requests` are extensions.
 */
export function writeChatUsage(usage: ChatUsage): JsonObject {
	return {
		prompt_tokens: usage.prompt,
		completion_tokens: usage.completion,
		total_tokens: usage.prompt + usage.completion,
		prompt_tokens_details: {
			cached_tokens: usage.cacheRead ?? 0,
			audio_tokens: usage.audioInput ?? 0,
			...(usage.cacheWrite ? { cache_write_tokens: usage.cacheWrite } : {}),
			...(usage.cacheWriteHour ? { cache_write_1h_tokens: usage.cacheWriteHour } : {}),
			...(usage.imageInput ? { image_tokens: usage.imageInput } : {}),
		},
		completion_tokens_details: {
			...(usage.reasoning === undefined ? {} : { reasoning_tokens: usage.reasoning }),
			audio_tokens: usage.audioOutput ?? 0,
			...(usage.imageOutput ? { image_tokens: usage.imageOutput } : {}),
		},
		...(usage.searches ? { server_tool_use: { web_search_requests: usage.searches } } : {}),
	};
}
