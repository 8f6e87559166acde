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
/** What adds less is not told. */
const TOLD_FROM = 5e-4;

const NAMES = [...new Set(FEATURE_NAMES)];
/** Of each feature: the place of its group's name. */
const GROUP_OF = Uint8Array.from(FEATURE_NAMES, (name) => NAMES.indexOf(name));

/** What the score of a text was worked out from, kept after the reader has gone on to another. */
export interface Evidence {
	readonly features: Float32Array;
	readonly words: number;
	readonly raw: number;
	readonly unheld: number;
}

/** Of the text the reader holds. */
export function evidenceOf(model: Model, { features, collected }: Reader, { raw, unheld }: TextScore): Evidence {
	return { features: features.slice(), words: hashedPart(model, collected) / 3, raw, unheld };
}

/**
 * What each group of features adds to the score of a text, before anything around it counts. The raw
 * score is a sum; the score is its percentile. Each part gets its share of the distance between the two percentiles, so
 * that the parts and `ordinary_prompt` sum to the score.
 */
export function featureSignals(model: Model, { features, words, raw, unheld }: Evidence): Signal[] {
	const parts = featureParts(model, features);
	const sums = new Float64Array(NAMES.length);
	for (let index = 0; index < parts.length; index += 1) {
		const group = GROUP_OF[index] ?? 0;
		sums[group] = (sums[group] ?? 0) + (parts[index] ?? 0);
	}
	const ordinary = percentile(model, model.base);
	const distance = raw - model.base;
	const perRaw =
		Math.abs(distance) < NEAR
			? (percentile(model, model.base + NEAR) - percentile(model, model.base - NEAR)) / (2 * NEAR)
			: (unheld - ordinary) / distance;
	const signals: Signal[] = [];
	const add = (name: string, contribution: number) => {
		if (Math.abs(contribution) >= TOLD_FROM) {
			signals.push({ name, contribution });
		}
	};
	add("ordinary_prompt", ordinary);
	add("words", words * perRaw);
	for (const [group, name] of NAMES.entries()) {
		add(name, (sums[group] ?? 0) * perRaw);
	}
	return signals;
}
