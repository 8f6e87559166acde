import { NO_RATES } from "./no-rates.ts";
import { ADDED, SUPPLEMENT_VERSION, WHOLE } from "./price-supplement-data.ts";
import type { PriceSheet, Rates } from "./types.ts";

/** A whole price for a model of which the catalogue has none, or a wrong one. */
export function supplementSheet(catalogue: string, name: string): PriceSheet | undefined {
	const entry = WHOLE.find(({ catalogues, model }) => catalogues.includes(catalogue) && model.test(name));
	return entry && { version: entry.version, base: { ...NO_RATES, ...entry.rates }, tiers: [] };
}

/** The catalogue's price with the rates it lacks; the same sheet where it lacks none. */
export function withSupplement(sheet: PriceSheet, catalogue: string, name: string): PriceSheet {
	const entries = ADDED.filter(({ catalogues, model }) => catalogues.includes(catalogue) && model.test(name));
	const complete = (known: Rates): Rates => {
		let rates = known;
		for (const { lacking } of entries) {
			rates = { ...rates, ...onlyLacking(rates, lacking(rates)) };
		}
		return rates;
	};
	const base = complete(sheet.base);
	return isSame(base, sheet.base)
		? sheet
		: {
				version: `${sheet.version}+${SUPPLEMENT_VERSION}`,
				base,
				tiers: sheet.tiers.map((tier) => ({ ...tier, rates: complete(tier.rates) })),
			};
}

/** What the catalogue says wins: a later edition of it may know better. */
function onlyLacking(known: Rates, more: Partial<Rates>): Partial<Rates> {
	return Object.fromEntries(Object.entries(more).filter(([rate]) => known[rate as keyof Rates] === undefined));
}

function isSame(left: Rates, right: Rates): boolean {
	return Object.entries(left).every(([rate, amount]) => right[rate as keyof Rates] === amount);
}
