import type { Usage } from "./sdk-client.ts";

/** Dollars per million tokens (and for one search). All different, so that a mixed-up bucket shows. */
export const NATIVE_PRICE = {
	input_per_million: 3,
	cached_input_per_million: 0.7,
	cache_write_per_million: 5,
	cache_write_1h_per_million: 8,
	output_per_million: 11,
	reasoning_per_million: 13,
	audio_input_per_million: 17,
	audio_output_per_million: 19,
	image_input_per_million: 23,
	image_output_per_million: 29,
	per_search: 0.01,
} as const;

const NANO_PER_TOKEN_AT_ONE_DOLLAR = 1_000;
const NANO_PER_DOLLAR = 1_000_000_000;

/**
 * What an answer costs at NATIVE_PRICE by the usage that its client was shown, in nano-dollars: the formula written a
 * second time and by hand. Every count is a part of its total.
 */
export function nativeCost(usage: Usage): number {
	const read = usage.prompt_tokens_details ?? {};
	const made = usage.completion_tokens_details ?? {};
	const cached = read.cached_tokens ?? 0;
	const written = read.cache_write_tokens ?? 0;
	const writtenHour = read.cache_write_1h_tokens ?? 0;
	const heard = read.audio_tokens ?? 0;
	const seen = read.image_tokens ?? 0;
	const thought = made.reasoning_tokens ?? 0;
	const spoken = made.audio_tokens ?? 0;
	const drawn = made.image_tokens ?? 0;
	const dollarsPerMillion =
		(usage.prompt_tokens - cached - written - writtenHour - heard - seen) * NATIVE_PRICE.input_per_million +
		cached * NATIVE_PRICE.cached_input_per_million +
		written * NATIVE_PRICE.cache_write_per_million +
		writtenHour * NATIVE_PRICE.cache_write_1h_per_million +
		heard * NATIVE_PRICE.audio_input_per_million +
		seen * NATIVE_PRICE.image_input_per_million +
		(usage.completion_tokens - thought - spoken - drawn) * NATIVE_PRICE.output_per_million +
		thought * NATIVE_PRICE.reasoning_per_million +
		spoken * NATIVE_PRICE.audio_output_per_million +
		drawn * NATIVE_PRICE.image_output_per_million;
	const searches = usage.server_tool_use?.web_search_requests ?? 0;
	return Math.round(
		dollarsPerMillion * NANO_PER_TOKEN_AT_ONE_DOLLAR + searches * NATIVE_PRICE.per_search * NANO_PER_DOLLAR,
	);
}
