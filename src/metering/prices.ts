import type { ConditionalPrice, ModelInfo, StartDateConstraint, TimeOfDateConstraint } from "@pydantic/genai-prices";
import manifest from "../../package.json" with { type: "json" };
import { abilitiesOf } from "./model-abilities.ts";
import { maxOutputTokensOf } from "./output-limits.ts";
import { findModel, plainModelName } from "./price-match.ts";
import { readPriceSheet } from "./price-sheet.ts";
import { supplementSheet, withSupplement } from "./price-supplement.ts";
import type { ModelFacts, PriceSheet } from "./types.ts";

/** Public prices and facts of models, shipped inside the gateway. */
export interface Catalogue {
	/**
	 * What a model costs at an instant (Unix milliseconds); undefined when the catalogue has no price for exactly this
	 * model. Prices with a date or a time of day change with the instant: ask again rather than keep the sheet for days.
	 */
	priceOf(request: {
		readonly catalogue: string;
		readonly model: string;
		readonly atMs: number;
	}): PriceSheet | undefined;
	/** undefined when the model is unknown. */
	factsOf(request: { readonly catalogue: string; readonly model: string }): ModelFacts | undefined;
}

interface Entry {
	readonly facts: ModelFacts | undefined;
	/** In the catalogue's order: the last whose condition holds is in force. */
	readonly prices: readonly { readonly holds: (atMs: number) => boolean; readonly sheet: PriceSheet | undefined }[];
}

/** The dependency is pinned exactly, so that the manifest (which is bundled) names the version of the data. */
const VERSION = `genai-prices@${manifest.dependencies["@pydantic/genai-prices"]}`;

/** Models remembered. Deployments are few; the bound is for whoever asks in a loop. */
const ENTRIES_MAX = 2_000;
const DAY_MS = 86_400_000;

export function createCatalogue(): Catalogue {
	const entries = new Map<string, Entry>();

	function entryOf(catalogue: string, model: string): Entry {
		const key = `${catalogue}\n${model}`;
		let entry = entries.get(key);
		if (!entry) {
			if (entries.size >= ENTRIES_MAX) {
				entries.clear();
			}
			entry = readEntry(catalogue, model);
			entries.set(key, entry);
		}
		return entry;
	}

	return {
		priceOf({ catalogue, model, atMs }): PriceSheet | undefined {
			const { prices } = entryOf(catalogue, model);
			return (prices.findLast(({ holds }) => holds(atMs)) ?? prices[0])?.sheet;
		},
		factsOf({ catalogue, model }): ModelFacts | undefined {
			return entryOf(catalogue, model).facts;
		},
	};
}

/** Every price that this edition of the catalogue has for a model, whenever it is in force. */
export function pricesOf(catalogue: string, model: string): readonly PriceSheet[] {
	return readEntry(catalogue, model).prices.flatMap(({ sheet }) => sheet ?? []);
}

function readEntry(catalogue: string, given: string): Entry {
	const model = plainModelName(catalogue, given);
	const info = findModel(catalogue, model);
	const supplement = supplementSheet(catalogue, model);
	const maxOutputTokens = maxOutputTokensOf(catalogue, model);
	const supports = abilitiesOf(catalogue, model);
	const known = info !== undefined || maxOutputTokens !== undefined || supports !== undefined;
	const facts = known ? { contextTokens: info?.context_window, maxOutputTokens, supports } : undefined;
	if (supplement) {
		return { facts, prices: [{ holds: () => true, sheet: supplement }] };
	}
	const prices = info ? conditionalPrices(info) : [];
	return {
		facts,
		prices: prices.map((price) => {
			const sheet = readPriceSheet(price.prices, VERSION);
			return { holds: condition(price.constraint), sheet: sheet && withSupplement(sheet, catalogue, model) };
		}),
	};
}

function conditionalPrices(info: ModelInfo): readonly ConditionalPrice[] {
	return Array.isArray(info.prices) ? info.prices : [{ prices: info.prices }];
}

function condition(constraint: StartDateConstraint | TimeOfDateConstraint | undefined): (atMs: number) => boolean {
	if (constraint === undefined) {
		return () => true;
	}
	if (constraint.type === "start_date") {
		const startMs = Date.parse(`${constraint.start_date}T00:00:00Z`);
		return (atMs) => atMs >= startMs;
	}
	const startMs = timeOfDayMs(constraint.start_time);
	const endMs = timeOfDayMs(constraint.end_time);
	return (atMs) => {
		const timeMs = ((atMs % DAY_MS) + DAY_MS) % DAY_MS;
		// A window over midnight ends before it starts.
		return endMs < startMs ? timeMs >= startMs || timeMs < endMs : timeMs >= startMs && timeMs < endMs;
	};
}

/** `16:30:00Z` or with an offset, as milliseconds after midnight UTC. */
function timeOfDayMs(text: string): number {
	const atMs = Date.parse(`1970-01-02T${text}`);
	if (Number.isNaN(atMs)) {
		throw new Error(`the price catalogue holds ${text}, which is no time of day`);
	}
	return atMs % DAY_MS;
}
