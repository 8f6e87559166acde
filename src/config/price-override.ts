import type { PriceSheet } from "../metering/types.ts";
import type { PriceFile } from "../schemas/price.ts";

/** The price sheet of a deployment's own `price` section. */
export function priceOverride(price: PriceFile): PriceSheet {
	return {
		version: "config",
		base: {
			// Absent only where the schema has seen a price per piece instead: then no tokens are charged.
			inputPerMillion: price.input_per_million ?? 0,
			outputPerMillion: price.output_per_million ?? 0,
			cachedInputPerMillion: price.cached_input_per_million,
			cacheWritePerMillion: price.cache_write_per_million,
			cacheWriteHourPerMillion: price.cache_write_1h_per_million,
			reasoningPerMillion: price.reasoning_per_million,
			audioInputPerMillion: price.audio_input_per_million,
			audioOutputPerMillion: price.audio_output_per_million,
			imageInputPerMillion: price.image_input_per_million,
			imageOutputPerMillion: price.image_output_per_million,
			perImage: price.per_image,
			perSecond: price.per_second,
			charactersPerMillion: price.characters_per_million,
			perSearch: price.per_search,
			perRequest: price.per_request,
		},
		tiers: [],
	};
}

/** The price of a model that runs on the user's own hardware. */
export const FREE_PRICE: PriceSheet = { ...priceOverride({}), version: "free" };
