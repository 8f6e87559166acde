import type { ModelPrice } from "@pydantic/genai-prices";
import { type NanoUsd, parseUsd } from "../lib/money.ts";
import type { PriceSheet, Rates } from "./types.ts";

/**
 * Turns one price of the catalogue (dollars per million tokens, thousand requests or hour) into a sheet of integer
 * nano-dollars. undefined when it holds no unit that the gateway meters: such a model is unpriced, not free.
 *
 * Not metered, so not in a sheet: searches of a provider's own tools, pages of OCR, the one-hour price of cache writes
 * (all are charged at the ordinary one), citation tokens.
 */
export function readPriceSheet(prices: ModelPrice, version: string): PriceSheet | undefined {
	const starts = new Set<number>();
	for (const price of Object.values(prices)) {
		if (typeof price === "object") {
			for (const { start } of price.tiers) {
				starts.add(start);
			}
		}
	}
	const base = readRates(prices, 0);
	if (!base) {
		return undefined;
	}
	const tiers: PriceSheet["tiers"][number][] = [];
	for (const start of [...starts].sort((left, right) => left - right)) {
		// The catalogue's tier begins above its start, ours at its first token.
		const fromPromptTokens = start + 1;
		const rates = readRates(prices, fromPromptTokens);
		if (!rates) {
			return undefined;
		}
		tiers.push({ fromPromptTokens, rates });
	}
	return { version, base, tiers };
}

function readRates(prices: ModelPrice, promptTokens: number): Rates | undefined {
	const usd = (key: string): number | undefined => priceAt(prices[key], promptTokens);
	const input = usd("input_mtok");
	const output = usd("output_mtok");
	const seconds = usd("input_audio_hours");
	const requests = usd("requests_kcount");
	if (input === undefined && output === undefined && seconds === undefined && requests === undefined) {
		return undefined;
	}
	// A model that draws or films is priced higher for that than for its words, and usage does not tell them apart:
	// all visible output counts as the dearer. Likewise pictures in, where there is an answer (not for embeddings).
	const visible = dearest(output, usd("output_image_mtok"), usd("output_video_mtok"));
	const drawn = visible !== output;
	const seen = output === undefined ? input : dearest(input, usd("input_image_mtok"));
	const cached =
		output === undefined ? usd("cache_read_mtok") : dearest(usd("cache_read_mtok"), usd("cache_image_read_mtok"));
	return {
		// One of the two missing: embeddings have no output, and old completion models one price for both.
		inputPerMillion: nanoOf(seen ?? output ?? 0),
		outputPerMillion: nanoOf(visible ?? input ?? 0),
		cachedInputPerMillion: optionalNano(cached),
		cacheWritePerMillion: optionalNano(usd("cache_write_mtok")),
		reasoningPerMillion: optionalNano(usd("output_reasoning_mtok") ?? (drawn ? output : undefined)),
		audioInputPerMillion: optionalNano(usd("input_audio_mtok")),
		audioOutputPerMillion: optionalNano(usd("output_audio_mtok")),
		perImage: undefined,
		perSecond: optionalNano(seconds, 3_600),
		charactersPerMillion: undefined,
		perRequest: optionalNano(requests, 1_000),
	};
}

function priceAt(price: ModelPrice[string], promptTokens: number): number | undefined {
	if (typeof price !== "object") {
		return price;
	}
	let current = price.base;
	for (const tier of price.tiers) {
		if (promptTokens > tier.start) {
			current = tier.price;
		}
	}
	return current;
}

function dearest(...prices: readonly (number | undefined)[]): number | undefined {
	const known = prices.filter((price) => price !== undefined);
	return known.length === 0 ? undefined : Math.max(...known);
}

function optionalNano(usd: number | undefined, per = 1): NanoUsd | undefined {
	return usd === undefined ? undefined : nanoOf(usd, per);
}

/** Exact from the decimal digits; a division (hours to seconds) is rounded up to the next nano-dollar. */
function nanoOf(usd: number, per = 1): NanoUsd {
	const nano = parseUsd(usd);
	if (nano === undefined) {
		throw new Error(`the price catalogue holds ${usd}, which is no amount of dollars`);
	}
	return Math.ceil(nano / per);
}
