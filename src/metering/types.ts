import type { NanoUsd } from "../lib/money.ts";

/** Unit prices: nano-USD per million units (tokens, characters), or per single piece for images, seconds and searches. */
export interface Rates {
	readonly inputPerMillion: NanoUsd;
	readonly outputPerMillion: NanoUsd;
	/** undefined = as input. */
	readonly cachedInputPerMillion: NanoUsd | undefined;
	readonly cacheWritePerMillion: NanoUsd | undefined;
	/** Written for an hour; undefined = as an ordinary cache write. */
	readonly cacheWriteHourPerMillion: NanoUsd | undefined;
	/** undefined = as output. */
	readonly reasoningPerMillion: NanoUsd | undefined;
	/** undefined = as input / output. */
	readonly audioInputPerMillion: NanoUsd | undefined;
	readonly audioOutputPerMillion: NanoUsd | undefined;
	readonly imageInputPerMillion: NanoUsd | undefined;
	/** Only models that draw have it. */
	readonly imageOutputPerMillion: NanoUsd | undefined;
	/** Nano-USD for one image, one second, a million characters; undefined = the provider does not price by it. */
	readonly perImage: NanoUsd | undefined;
	readonly perSecond: NanoUsd | undefined;
	readonly charactersPerMillion: NanoUsd | undefined;
	/** Nano-USD for one web search of the provider's own tool; undefined = searches cost nothing but their tokens. */
	readonly perSearch: NanoUsd | undefined;
	/** Added once to each request. */
	readonly perRequest: NanoUsd | undefined;
}

/** What a model costs. Tiers apply to the whole request by its prompt tokens. */
export interface PriceSheet {
	/** Names the source, so that a row can be recomputed: `genai-prices@0.1.8`, `config`, `free`. */
	readonly version: string;
	readonly base: Rates;
	/** Ascending by `fromPromptTokens`; a request with at least that many prompt tokens pays these rates throughout. */
	readonly tiers: readonly { readonly fromPromptTokens: number; readonly rates: Rates }[];
}

/** What a request may need of a model: to use tools, see images, hear audio, keep to a JSON schema. */
export type Ability = "tools" | "images" | "audio" | "json_schema";

/** What the catalogue knows of a model besides its price. */
export interface ModelFacts {
	readonly contextTokens: number | undefined;
	readonly maxOutputTokens: number | undefined;
	/** What it can do; undefined = nothing is known to be missing. */
	readonly supports?: readonly Ability[] | undefined;
}
