/** How much thinking is meant by a word or a number, for Claude wherever it is served. */

/** Anthropic takes no smaller budget. https://platform.claude.com/docs/en/build-with-claude/extended-thinking */
export const BUDGET_MIN = 1_024;

/** Tokens to think with, for models that want a number. */
export const BUDGETS: ReadonlyMap<string, number> = new Map([
	["minimal", BUDGET_MIN],
	["low", 2_048],
	["medium", 8_192],
	["high", 16_384],
	["xhigh", 32_000],
	["max", 32_000],
]);

/** Where thinking was asked for without a measure. */
export const BUDGET_UNSAID = 8_192;

/** The most tokens of a budget that an effort stands for, for models that want a word. */
export const EFFORT_OF_BUDGET: readonly (readonly [number, string])[] = [
	[2_048, "low"],
	[8_192, "medium"],
	[24_576, "high"],
];
