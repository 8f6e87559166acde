import type { PriceSheet, Rates } from "./types.ts";

/**
 * What the price catalogue lacks for endpoints that the gateway serves, kept by hand. Each entry names the page
 * that decides. The speech prices were compared with it on 2026-11-22; the others are widely known figures that were not,
 * so look them up there before a release. Left out on purpose, and so unpriced until the deployment sets `price`:
 * `dall-e-3` (0.04 to 0.12 dollars an image by size and quality, which usage does not tell),
 * speech by `gpt-4o-mini-tts` (billed by audio tokens that its answer does not report).
 */
const SUPPLEMENT_VERSION = "gateway-supplement@2026-11";

const NO_RATES: Rates = {
	inputPerMillion: 0,
	outputPerMillion: 0,
	cachedInputPerMillion: undefined,
	cacheWritePerMillion: undefined,
	reasoningPerMillion: undefined,
	audioInputPerMillion: undefined,
	audioOutputPerMillion: undefined,
	perImage: undefined,
	perSecond: undefined,
	charactersPerMillion: undefined,
	perRequest: undefined,
};

const DOLLAR = 1_000_000_000;

interface SupplementEntry {
	/** Whole model name, lower case. */
	readonly model: RegExp;
	readonly version: string;
	readonly rates: Partial<Rates>;
}

/** OpenAI's models; Azure sells them under the same names and prices. */
const OPENAI_WHOLE: readonly SupplementEntry[] = [
	// "The moderation endpoint is free to use": https://developers.openai.com/api/docs/guides/moderation
	{ model: /^(?:omni|text)-moderation-[a-z0-9-]+$/, version: "free", rates: {} },
	// 15 and 30 dollars a million characters: https://developers.openai.com/api/docs/models/tts-1 (2026-11-22).
	{ model: /^tts-1(?:-1106)?$/, version: SUPPLEMENT_VERSION, rates: { charactersPerMillion: 15 * DOLLAR } },
	{ model: /^tts-1-hd(?:-1106)?$/, version: SUPPLEMENT_VERSION, rates: { charactersPerMillion: 30 * DOLLAR } },
	// 0.016 to 0.02 dollars an image: the price of the default size, 1024 × 1024, which is also the dearest.
	// https://platform.openai.com/docs/models/dall-e-2
	{ model: /^dall-e-2$/, version: SUPPLEMENT_VERSION, rates: { perImage: DOLLAR / 50 } },
];

/** The catalogue has these models' text prices only, and spoken tokens cost 16 times as much. */
const OPENAI_SPOKEN: readonly SupplementEntry[] = [
	// https://openai.com/api/pricing, audio tokens of the preview models, by snapshot.
	{
		model: /^gpt-4o-audio-preview-2024-10-01$/,
		version: SUPPLEMENT_VERSION,
		rates: { audioInputPerMillion: 100 * DOLLAR, audioOutputPerMillion: 200 * DOLLAR },
	},
	{
		model: /^gpt-4o-audio-preview(?:-|$)/,
		version: SUPPLEMENT_VERSION,
		rates: { audioInputPerMillion: 40 * DOLLAR, audioOutputPerMillion: 80 * DOLLAR },
	},
	{
		model: /^gpt-4o-mini-audio-preview(?:-|$)/,
		version: SUPPLEMENT_VERSION,
		rates: { audioInputPerMillion: 10 * DOLLAR, audioOutputPerMillion: 20 * DOLLAR },
	},
];

/** A whole price for a model of which the catalogue has none. */
export function supplementSheet(catalogue: string, model: string): PriceSheet | undefined {
	const entry = entryOf(OPENAI_WHOLE, catalogue, model);
	return entry && { version: entry.version, base: { ...NO_RATES, ...entry.rates }, tiers: [] };
}

/** The catalogue's price with the rates it lacks; the same sheet where it lacks none. */
export function withSupplement(sheet: PriceSheet, catalogue: string, model: string): PriceSheet {
	const entry = entryOf(OPENAI_SPOKEN, catalogue, model);
	if (!entry) {
		return sheet;
	}
	return {
		version: `${sheet.version}+${entry.version}`,
		base: { ...sheet.base, ...entry.rates },
		tiers: sheet.tiers.map((tier) => ({ ...tier, rates: { ...tier.rates, ...entry.rates } })),
	};
}

function entryOf(entries: readonly SupplementEntry[], catalogue: string, model: string): SupplementEntry | undefined {
	if (catalogue !== "openai" && catalogue !== "azure") {
		return undefined;
	}
	const name = model.trim().toLowerCase();
	return entries.find((entry) => entry.model.test(name));
}
