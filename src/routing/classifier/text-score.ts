import { classBit } from "./classes.ts";
import { type Collected, resetCollected } from "./collect.ts";
import { type Model, percentile, rawScore } from "./model.ts";
import { markPasted, unmarkPasted } from "./pasted.ts";
import { lastPart, type Reader, readSegments, readText } from "./read-features.ts";
import { ASKS, ROLE } from "./roles.ts";
import { FIELD, FIELDS, type Scan } from "./scan-state.ts";
import { followUpShare, kindOf, type TextKind } from "./text-kind.ts";

export interface TextScore {
	readonly kind: TextKind;
	/** The share of ordinary prompts that are easier, 0 to 1. */
	readonly score: number;
	/** The same before the last line was held to what one line may add. */
	readonly unheld: number;
	/** Of the whole text. */
	readonly raw: number;
	/** Words of substance. */
	readonly content: number;
	/** Sentences and words like "then", "also", "finally". */
	readonly steps: number;
	/** Of a follow-up: the share of the earlier task it stands for. */
	readonly share: number;
}

/** How far a last line may move a text that asks for something without it; and what it may add to one that does not. */
const LINE_MOVES_MAX = 0.06;
const LINE_COMPLETES_MAX = 0.32;
/** The most that lines of big words are after nothing but a greeting. */
const GREETED_MAX = 0.62;
/** One word that asks for nothing is a heading: "Input:". */
const PROMPT_CONTENT_MIN = 2;
/** What something pasted may add to a request that says by itself what is to be done. */
const PASTED_ADDS_MAX = 0.2;
/** Lines with so many words of substance are a task, whatever they ask. */
const TASK_CONTENT_MIN = 12;
/** What goes beyond is divided by this: what is harder still scores higher. */
const HOLD = 100;
const STEP_TOKENS_MAX = 512;
const HELP = classBit("help");
const CONJUNCTION = classBit("conjunction");

/** Scores one text by itself. Afterwards the reader holds its features. */
export function scoreText(model: Model, reader: Reader, text: string): TextScore {
	const { scan, collected, features } = reader;
	readText(reader, text);
	const request = requestAlone(model, reader);
	const last = lastPart(reader, scan.segments);
	const before = last === 0 ? 0 : lastPart(reader, last);
	const unbound = collected.greetsWithBigWords ? { lowest: 0, highest: GREETED_MAX } : UNBOUNDED;
	let bounds = unbound;
	let from = 0;
	let raw = model.base;
	let unheld = 0;
	let score = 0;
	// Without the last two lines, without the last, whole: each held to what one line may change of the one before.
	for (const end of [before, last, scan.segments]) {
		if (end > from) {
			readSegments(reader, from, end);
			if (wasChatter(collected, from)) {
				bounds = unbound;
			}
			raw = rawScore(model, collected, features);
			unheld = percentile(model, raw);
			score = held(unheld, bounds);
			bounds = boundsAfter(reader, score, end) ?? unbound;
			from = end;
		}
	}
	score = held(score, { lowest: 0, highest: Math.min(request + PASTED_ADDS_MAX, unbound.highest) });
	const kind = kindOf(scan);
	return {
		kind,
		unheld,
		score,
		raw,
		content: collected.totals[FIELD.content] ?? 0,
		steps: stepsOf(reader),
		share: kind === "follow_up" ? followUpShare(scan) : 0,
	};
}

interface Bounds {
	readonly lowest: number;
	readonly highest: number;
}

const UNBOUNDED: Bounds = { lowest: 0, highest: 1 };

/**
 * Between what the score may be with one more line (or sentence), where what was read up to `end` has this one;
 * undefined where that was nothing yet.
 */
function boundsAfter({ collected, scan }: Reader, score: number, end: number): Bounds | undefined {
	const content = collected.totals[FIELD.content] ?? 0;
	const isLine = scan.segmentLine[end] !== scan.segmentLine[end - 1];
	const asks =
		(collected.leadClasses & ASKS) !== 0 ||
		(collected.totals[FIELD.questions] ?? 0) > 0 ||
		(isLine && content >= TASK_CONTENT_MIN);
	if (content < 1 ? !isPrompt(scan, collected, end) : content < PROMPT_CONTENT_MIN && !asks) {
		return undefined;
	}
	return asks
		? { lowest: score - LINE_MOVES_MAX, highest: score + LINE_MOVES_MAX }
		: { lowest: 0, highest: score + LINE_COMPLETES_MAX };
}

/** The score of a request without what is pasted beside it; 1 where there is no such thing. */
function requestAlone(model: Model, reader: Reader): number {
	const { scan, collected, features } = reader;
	if (!markPasted(scan, collected)) {
		return 1;
	}
	collected.leftOut |= ROLE.pasted;
	readSegments(reader, 0, scan.segments);
	const alone = percentile(model, rawScore(model, collected, features));
	unmarkPasted(scan, collected.roles);
	resetCollected(collected);
	collected.leftOut &= ~ROLE.pasted;
	return alone;
}

/** Whether all before `end` was taken for the task, and turned out to be chatter before it. */
function wasChatter({ roles, leftOut }: Collected, end: number): boolean {
	let all = 0;
	for (let segment = 0; segment < end; segment += 1) {
		const role = roles[segment] ?? 0;
		if ((role & leftOut) === 0) {
			return false;
		}
		all |= role;
	}
	return (all & ROLE.chatter) !== 0;
}

/**
 * Whether what was left out as polite is all there is to a prompt: "How are you?", "Give me a synonym for nice". "Could
 * you help me?" is not: it stands before the task.
 */
function isPrompt({ counts, segmentClasses }: Scan, { roles, leftOut }: Collected, end: number): boolean {
	let questions = 0;
	let content = 0;
	let classes = 0;
	for (let segment = 0; segment < end; segment += 1) {
		if ((roles[segment] ?? 0) & leftOut & ~ROLE.empty) {
			continue;
		}
		questions += counts[segment * FIELDS + FIELD.questions] ?? 0;
		content += counts[segment * FIELDS + FIELD.content] ?? 0;
		classes |= segmentClasses[segment] ?? 0;
	}
	return content > 0 ? (classes & ASKS) !== 0 : questions > 0 && (classes & HELP) === 0;
}

function held(score: number, { lowest, highest }: Bounds): number {
	const bounded = Math.max(lowest, Math.min(highest, score));
	return bounded + (score - bounded) / HOLD;
}

/** Sentences, and words like "then", "and", "finally". */
function stepsOf({ scan, collected }: Reader): number {
	let steps = Math.max(0, collected.segments - 1);
	for (let token = 0; token < Math.min(scan.tokens, STEP_TOKENS_MAX); token += 1) {
		steps += (scan.tokenClasses[token] ?? 0) & CONJUNCTION ? 1 : 0;
	}
	return steps;
}
