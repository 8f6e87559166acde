import type { Rates } from "./types.ts";

/** Tokens for nothing and no other price: the ground that a price sheet is built on. */
export const NO_RATES: Rates = Object.freeze({
	inputPerMillion: 0,
	outputPerMillion: 0,
	cachedInputPerMillion: undefined,
	cacheWritePerMillion: undefined,
	cacheWriteHourPerMillion: undefined,
	reasoningPerMillion: undefined,
	audioInputPerMillion: undefined,
	audioOutputPerMillion: undefined,
	imageInputPerMillion: undefined,
	imageOutputPerMillion: undefined,
	perImage: undefined,
	perSecond: undefined,
	charactersPerMillion: undefined,
	perSearch: undefined,
	perRequest: undefined,
});
