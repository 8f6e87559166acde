import { isJsonObject, type JsonObject, type JsonValue } from "../lib/json-types.ts";
import { NO_USAGE, type Usage } from "../lib/usage.ts";

/** A count of tokens as a provider may state it; undefined for text, fractions, negatives and whatever is no count. */
export function count(value: JsonValue | undefined): number | undefined {
	return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) + 0 : undefined;
}

/** Seconds as a provider states them, rounded up as they are billed. */
export function seconds(value: JsonValue | undefined): number | undefined {
	return typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? Math.ceil(value) : undefined;
}

/**
 * Reads the usage object of chat, completions, embeddings and Responses into disjoint buckets. The two spellings
 * (`prompt_tokens`, `input_tokens`) are read alike, since some servers answer one API in the words of the other.
 * undefined when the count of prompt or completion tokens is missing or unusable: half a count is none.
 */
export function readTokenUsage(value: JsonValue | undefined): Usage | undefined {
	if (!isJsonObject(value)) {
		return undefined;
	}
	const prompt = count(value.prompt_tokens ?? value.input_tokens);
	const completion = count(value.completion_tokens ?? value.output_tokens);
	return prompt === undefined || completion === undefined
		? undefined
		: {
				...NO_USAGE,
				...promptBuckets(value, prompt),
				...completionBuckets(value, { prompt, completion }),
				searches: searches(value),
			};
}

/**
 * Cached, written, spoken and drawn tokens are part of the prompt's count; what a provider claims beyond it is not
 * believed.
 */
function promptBuckets(
	usage: JsonObject,
	prompt: number,
): Pick<Usage, "input" | "cacheRead" | "cacheWrite" | "cacheWriteHour" | "audioInput" | "imageInput"> {
	const details = detailsOf(usage.prompt_tokens_details ?? usage.input_tokens_details);
	let input = prompt;
	const take = (claimed: number | undefined): number => {
		const taken = Math.min(input, claimed ?? 0);
		input -= taken;
		return taken;
	};
	const cacheRead = take(cachedTokens(usage, details));
	// `cache_creation_input_tokens`: Vercel's gateway, in Anthropic's word.
	const cacheWrite = take(count(details.cache_write_tokens) ?? count(usage.cache_creation_input_tokens));
	const cacheWriteHour = take(count(details.cache_write_1h_tokens));
	const audioInput = take(count(details.audio_tokens));
	const imageInput = take(count(details.image_tokens));
	return { input, cacheRead, cacheWrite, cacheWriteHour, audioInput, imageInput };
}

/**
 * Searches of the provider's own tool: Anthropic's place, which translators write and OpenRouter uses as well; xAI's, with
 * its searches on X (https://docs.x.ai/docs/guides/tools/overview); Perplexity's. OpenAI tells them beside the usage.
 */
function searches(usage: JsonObject): number {
	const ran = detailsOf(usage.server_tool_use);
	const xai = detailsOf(usage.server_side_tool_usage_details);
	return (
		count(ran.web_search_requests) ??
		count(usage.num_search_queries) ??
		(count(xai.web_search_calls) ?? 0) + (count(xai.x_search_calls) ?? 0)
	);
}

/** OpenAI's place first, then DeepSeek's, Moonshot's and Mistral's own names. A stated zero is an answer. */
function cachedTokens(usage: JsonObject, details: JsonObject): number {
	return (
		count(details.cached_tokens) ??
		count(usage.prompt_cache_hit_tokens) ??
		count(usage.cached_tokens) ??
		count(usage.num_cached_tokens) ??
		0
	);
}

/**
 * OpenAI counts reasoning inside the completion, xAI and Gemini (behind compatible servers) beside it. The total tells:
 * it is then the sum of all three. More reasoning than completion can only be beside it, and a total above
 * prompt + completion without a word on reasoning is Gemini's thinking, billed all the same.
 * https://docs.x.ai/docs/guides/reasoning https://ai.google.dev/gemini-api/docs/openai
 */
function completionBuckets(
	usage: JsonObject,
	counts: { readonly prompt: number; readonly completion: number },
): Pick<Usage, "output" | "reasoning" | "audioOutput" | "imageOutput"> {
	const details = detailsOf(usage.completion_tokens_details ?? usage.output_tokens_details);
	const audioOutput = Math.min(counts.completion, count(details.audio_tokens) ?? 0);
	const imageOutput = Math.min(counts.completion - audioOutput, count(details.image_tokens) ?? 0);
	const written = counts.completion - audioOutput - imageOutput;
	const unaccounted = Math.max(0, (count(usage.total_tokens) ?? 0) - counts.prompt - counts.completion);
	const stated = count(details.reasoning_tokens) ?? count(usage.reasoning_tokens);
	if (stated === undefined) {
		return { output: written, reasoning: unaccounted, audioOutput, imageOutput };
	}
	const isBeside = stated > written || (stated > 0 && stated === unaccounted);
	return { output: isBeside ? written : written - stated, reasoning: stated, audioOutput, imageOutput };
}

function detailsOf(value: JsonValue | undefined): JsonObject {
	return isJsonObject(value) ? value : NO_DETAILS;
}

const NO_DETAILS: JsonObject = Object.freeze({});
