import type { Thresholds, Tier } from "../config/types.ts";
import type { PromptView } from "../lib/prompt-view.ts";
import { type Classifier, createClassifier } from "./classifier/classify.ts";
import { readWeights } from "./classifier/weights.ts";
import type { RouteScore } from "./types.ts";

/** Thirds of ordinary traffic. */
export const DEFAULT_THRESHOLDS: Thresholds = { medium: 0.33, complex: 0.66 };

/** Read from the executable with the first prompt: commands that score nothing do not wait for it. */
let classifier: Classifier | undefined;

/**
 * How hard a prompt is, 0 to 1: the share of ordinary prompts that are easier, so that the buckets are thirds of ordinary
 * traffic. See docs/router.md. No text scores 0.
 */
export function scorePrompt(view: PromptView, thresholds: Thresholds = DEFAULT_THRESHOLDS): RouteScore {
	classifier ??= createClassifier(readWeights());
	const { score, signals } = classifier(view);
	return {
		score,
		bucket: bucketOf(score, thresholds),
		get signals() {
			return signals();
		},
	};
}

export function bucketOf(score: number, { medium, complex }: Thresholds): Tier {
	if (score < medium) {
		return "simple";
	}
	return score < complex ? "medium" : "complex";
}
