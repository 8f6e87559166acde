import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type PromptView, plainPrompt } from "../../../src/lib/prompt-view.ts";
import { vectorWords } from "../lexicon.ts";
import { areaUnderCurve, rankCorrelation } from "../metrics.ts";
import { createParaphrase } from "../neighbours.ts";
import { createRandom } from "../random.ts";
import { REWRITES } from "../rewrites.ts";
import { CHECKING } from "../surroundings.ts";
import { orderings } from "./orderings.ts";

export type ViewScorer = (view: PromptView) => number;

/** The thirds that scores are compared by: fixed for the classifier, taken from the texts for baselines. */
export interface Thirds {
	readonly low: number;
	readonly high: number;
}

export interface Stability {
	readonly rewrite: string;
	readonly sameBucket: number;
	readonly rank: number;
	/** Share of the simple ones that became complex. */
	readonly raised: number;
}

export function stability(texts: readonly string[], score: ViewScorer, thirds: Thirds): readonly Stability[] {
	const bucket = (value: number) => (value < thirds.low ? 0 : value < thirds.high ? 1 : 2);
	const before = texts.map((text) => score(plainPrompt(text)));
	const paraphrase = createParaphrase(vectorWords());
	const changes: readonly (readonly [string, (text: string, random: () => number) => string])[] = [
		["other_words", paraphrase],
		...Object.entries(REWRITES).map(
			([name, change]) => [name, (text: string, random: () => number) => change(text, random, CHECKING)] as const,
		),
	];
	return changes.map(([rewrite, change]) => {
		const random = createRandom(17);
		const after = texts.map((text) => score(plainPrompt(change(text, random))));
		const same = before.filter((value, index) => bucket(value) === bucket(after[index] ?? 0)).length;
		const simple = before.flatMap((value, index) => (bucket(value) === 0 ? [after[index] ?? 0] : []));
		return {
			rewrite,
			sameBucket: same / texts.length,
			rank: rankCorrelation(before, after),
			raised: simple.filter((value) => bucket(value) === 2).length / Math.max(1, simple.length),
		};
	});
}

/** The names of the pairs whose harder request does not score higher. */
export function wrongOrderings(score: ViewScorer): { readonly total: number; readonly wrong: readonly string[] } {
	const all = orderings();
	return {
		total: all.length,
		wrong: all.filter(({ easier, harder }) => !(score(harder) > score(easier))).map(({ name }) => name),
	};
}

export interface LanguageResult {
	readonly language: string;
	readonly auc: number;
}

export function languages(score: ViewScorer): readonly LanguageResult[] {
	const sets = new Map<string, Map<string, readonly number[]>>();
	for (const line of readFileSync(join(import.meta.dir, "languages.txt"), "utf8").split("\n")) {
		const [, language, level, texts] = /^(\w+) (easy|hard): (.*)$/.exec(line) ?? [];
		if (language !== undefined && level !== undefined && texts !== undefined) {
			const scores = texts.split(" | ").map((text) => score(plainPrompt(text)));
			sets.set(language, (sets.get(language) ?? new Map()).set(level, scores));
		}
	}
	return [...sets].map(([language, levels]) => ({
		language,
		auc: areaUnderCurve(levels.get("easy") ?? [], levels.get("hard") ?? []),
	}));
}
