import { FEATURE_NAMES } from "./features.ts";
import { featureParts, hashedPart, type Model, percentile } from "./model.ts";
import type { Reader } from "./read-features.ts";
import type { TextScore } from "./text-score.ts";

export interface Signal {
	readonly name: string;
	readonly contribution: number;
}

/** Nearer to the ordinary prompt than this, the distance is too small to divide by. */
const NEAR = 1e-3;

/**
 * What each group of features adds to the score of the text the reader holds, before anything around it counts. The raw
 * score is a sum; the score is its percentile. Each part gets its share of the distance between the two percentiles, so
 * that the parts and `ordinary_prompt` sum to the score.
 */
export function featureSignals(model: Model, reader: Reader, { raw, unheld }: TextScore): readonly Signal[] {
	const groups = new Map<string, number>([["words", hashedPart(model, reader.collected) / 3]]);
	for (const [index, part] of featureParts(model, reader.features).entries()) {
		const name = FEATURE_NAMES[index] ?? "";
		groups.set(name, (groups.get(name) ?? 0) + part);
	}
	const ordinary = percentile(model, model.base);
	const distance = raw - model.base;
	const perRaw =
		Math.abs(distance) < NEAR
			? (percentile(model, model.base + NEAR) - percentile(model, model.base - NEAR)) / (2 * NEAR)
			: (unheld - ordinary) / distance;
	return [
		{ name: "ordinary_prompt", contribution: ordinary },
		...[...groups].map(([name, part]) => ({ name, contribution: part * perRaw })),
	].filter(({ contribution }) => Math.abs(contribution) >= 5e-4);
}
