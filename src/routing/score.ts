import type { Tier } from "../config/types.ts";
import type { RoutingText } from "../dialects/types.ts";
import { scanText, type TextCounts } from "./scan.ts";
import type { RouteScore } from "./types.ts";

const MEDIUM_FROM = 0.33;
const COMPLEX_FROM = 0.66;
/** A reply of at most this many words can be nothing but "yes, do it" or "thanks". */
const SHORT_REPLY_WORDS_MAX = 6;
/** How far back an approval looks for the task it approves. */
const CONTEXT_TURNS_MAX = 12;
/** A question of at most this many words that opens like one is usually looked up, not worked out. */
const PLAIN_QUESTION_WORDS_MAX = 16;
/**
 * All that words alone may add, so that a line of big words cannot buy the flagship: the rest has to come from the
 * work itself, its length, code, formulas, numbers and steps.
 */
const VOCABULARY_MAX = 0.25;

/** The most each signal adds, and how much of it there must be to get half of that. */
const LENGTH = { max: 0.38, half: 55 };
const REASONING = { max: 0.28, half: 1 };
const TECHNICAL = { max: 0.26, half: 2 };
const LONG_WORDS = { max: 0.12, half: 0.15 };
const CODE = { max: 0.3, half: 14 };
const MATH = { max: 0.3, half: 10 };
const NUMBERS = { max: 0.2, half: 6 };
const STEP_WORDS = { max: 0.1, half: 2 };
const LIST_LINES = { max: 0.24, half: 3 };
const TOOLS = { max: 0.14, half: 8 };
/** The share that a plain question takes away again. */
const PLAIN_QUESTION = 0.5;

type Signal = RouteScore["signals"][number];

/**
 * How hard a prompt is, 0 to 1: a first version that adds up what can be counted, to be replaced by a trained one.
 * Looks at the last user message; system prompts and the mere presence of a schema do not move it, tools do a little.
 * A short approval ("yes, do it") scores as the task it approves. No text scores 0.
 */
export function scorePrompt(text: RoutingText): RouteScore {
	const counts = scanText(text.task);
	if (counts.words === 0) {
		return { score: 0, bucket: "simple", signals: [] };
	}
	if (says("approval", counts)) {
		const approved = approvedTask(text);
		if (approved !== undefined) {
			return scored([...taskSignals(approved), ...toolSignals(text.tools)]);
		}
	}
	return scored([...taskSignals(counts), ...toolSignals(text.tools)]);
}

/** Whether a short text consists of nothing but words of this kind. */
function says(kind: "approval" | "courtesy", counts: TextCounts): boolean {
	return counts.words <= SHORT_REPLY_WORDS_MAX && counts.all[kind] === counts.words;
}

/** The latest user message before this one that is not itself an approval. */
function approvedTask({ context }: RoutingText): TextCounts | undefined {
	for (const turn of context.slice(-CONTEXT_TURNS_MAX).reverse()) {
		const counts = turn.role === "user" ? scanText(turn.text) : undefined;
		if (counts !== undefined && counts.words > 0 && !says("approval", counts)) {
			return counts;
		}
	}
	return undefined;
}

function taskSignals(counts: TextCounts): readonly Signal[] {
	if (says("courtesy", counts)) {
		return [{ name: "courtesy", contribution: 0.01 }];
	}
	const { words, distinct } = counts;
	const plainQuestion =
		words <= PLAIN_QUESTION_WORDS_MAX && distinct.question > 0 && distinct.reasoning === 0 && counts.codeMarks === 0;
	const signals = [
		{ name: "length", contribution: saturating(words, LENGTH) },
		...vocabularySignals(counts),
		{ name: "code", contribution: saturating(counts.codeMarks, CODE) },
		{ name: "math", contribution: saturating(counts.mathMarks, MATH) },
		{ name: "numbers", contribution: saturating(counts.numbers, NUMBERS) },
		{ name: "list", contribution: saturating(counts.listLines, LIST_LINES) },
	];
	return plainQuestion
		? [...signals, { name: "plain_question", contribution: -PLAIN_QUESTION * sum(signals) }]
		: signals;
}

/** What the choice of words adds, scaled down together where it would be more than words may add. */
function vocabularySignals({ words, longWords, distinct }: TextCounts): readonly Signal[] {
	const signals = [
		{ name: "reasoning_words", contribution: saturating(distinct.reasoning, REASONING) },
		{ name: "technical_words", contribution: saturating(distinct.technical, TECHNICAL) },
		{ name: "step_words", contribution: saturating(distinct.steps, STEP_WORDS) },
		{ name: "long_words", contribution: saturating(longWords / words, LONG_WORDS) },
	];
	const scale = Math.min(1, VOCABULARY_MAX / Math.max(sum(signals), VOCABULARY_MAX));
	return signals.map(({ name, contribution }) => ({ name, contribution: contribution * scale }));
}

function toolSignals(tools: number): readonly Signal[] {
	return [{ name: "tools", contribution: saturating(tools, TOOLS) }];
}

/** Rises from 0 towards `max`, half of it at `half`: the tenth of a thing says less than the first. */
function saturating(amount: number, { max, half }: { readonly max: number; readonly half: number }): number {
	return (max * amount) / (amount + half);
}

function scored(all: readonly Signal[]): RouteScore {
	const signals = all
		.filter(({ contribution }) => contribution !== 0)
		.sort((left, right) => Math.abs(right.contribution) - Math.abs(left.contribution));
	const score = Math.min(1, Math.max(0, sum(signals)));
	return { score, bucket: bucketOf(score), signals };
}

function sum(signals: readonly Signal[]): number {
	return signals.reduce((total, { contribution }) => total + contribution, 0);
}

function bucketOf(score: number): Tier {
	if (score < MEDIUM_FROM) {
		return "simple";
	}
	return score < COMPLEX_FROM ? "medium" : "complex";
}
