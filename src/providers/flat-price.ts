import type { PriceSheet, Rates } from "../metering/types.ts";

/** A price sheet with two rates and nothing else, nano-USD per million tokens. */
export function flatPrice(version: string, rates: Pick<Rates, "inputPerMillion" | "outputPerMillion">): PriceSheet {
	return Object.freeze({
		version,
		base: Object.freeze({
			...rates,
			cachedInputPerMillion: undefined,
			cacheWritePerMillion: undefined,
			reasoningPerMillion: undefined,
			audioInputPerMillion: undefined,
			audioOutputPerMillion: undefined,
			perImage: undefined,
			perSecond: undefined,
			charactersPerMillion: undefined,
			perRequest: undefined,
		}),
		tiers: Object.freeze([]),
	});
}
