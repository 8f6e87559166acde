import { NO_RATES } from "../metering/no-rates.ts";
import type { PriceSheet, Rates } from "../metering/types.ts";

/** A price sheet with two rates and nothing else, nano-USD per million tokens. */
export function flatPrice(version: string, rates: Pick<Rates, "inputPerMillion" | "outputPerMillion">): PriceSheet {
	return Object.freeze({
		version,
		base: Object.freeze({ ...NO_RATES, ...rates }),
		tiers: Object.freeze([]),
	});
}
