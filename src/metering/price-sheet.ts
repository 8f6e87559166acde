import type { ModelPrice } from "@pydantic/genai-prices";
import { type NanoUsd, parseUsd } from "../lib/money.ts";
import type { PriceSheet, Rates } from "./types.ts";

/**
 * Turns one price of the catalogue (dollars per million tokens, thousand requests or hour) into a sheet of integer
 * nano-dollars. undefined when it holds no unit that the gateway meters: such a model is unpriced, not free.
 *
 * Not metered, so not in a sheet: searches in files, pages of OCR, video in (as input), cached audio (as cached input),
 * citation tokens.
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
	const text = usd("output_mtok");
	const seconds = usd("input_audio_hours");
	const requests = usd("requests_kcount");
	if (input === undefined && text === undefined && seconds === undefined && requests === undefined) {
		return undefined;
	}
	// No usage tells the tokens of films from those of words, nor cached images from cached words: all pay the dearer.
	const output = dearest(text, usd("output_video_mtok"));
	const cached = dearest(usd("cache_read_mtok"), usd("cache_image_read_mtok"));
	return {
		// One of the two missing: embeddings have no output, and old completion models one price for both.
		inputPerMillion: nanoOf(input ?? output ?? 0),
		outputPerMillion: nanoOf(output ?? input ?? 0),
		cachedInputPerMillion: optionalNano(cached),
		cacheWritePerMillion: optionalNano(usd("cache_write_mtok")),
		cacheWriteHourPerMillion: optionalNano(usd("cache_write_1h_mtok")),
		reasoningPerMillion: optionalNano(usd("output_reasoning_mtok")),
		audioInputPerMillion: optionalNano(usd("input_audio_mtok")),
		audioOutputPerMillion: optionalNano(usd("output_audio_mtok")),
		imageInputPerMillion: optionalNano(usd("input_image_mtok")),
		imageOutputPerMillion: optionalNano(usd("output_image_mtok")),
		perImage: undefined,
		perSecond: optionalNano(seconds, 3_600),
		charactersPerMillion: undefined,
		perSearch: optionalNano(usd("web_searches_kcount"), 1_000),
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
