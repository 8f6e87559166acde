import { classBit, FRAME, STOP } from "./classes.ts";
import { saysSomething } from "./collect.ts";
import { type Model, percentile, rawScore } from "./model.ts";
import { lastPart, type Reader, readSegments, readText } from "./read-features.ts";
import { FIELD, FIELDS, type Scan } from "./scan-state.ts";

/** What kind of message a text is. */
export type TextKind =
	/** "Yes, do it": stands for the turn it approves. */
	| "approval"
	/** "Thanks!": asks for nothing. */
	| "courtesy"
	/** A title, tags, an emoji for something: work about the conversation, easy whatever it quotes. */
	| "heading"
	/** "Still fails", "and in Rust?": means little without what was said before. */
	| "follow_up"
	| "task";

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
/** Lines with so many words of substance are a task, whatever they ask. */
const TASK_CONTENT_MIN = 12;
/** What goes beyond is divided by this: what is harder still scores higher. */
const HOLD = 100;
const ONE_WORD_MAX = 8;
const FOLLOW_UP_WORDS_MAX = 14;
const FOLLOW_UP_CONTENT_MAX = 6;
/** Words that say nothing here may miss from the table, as far as characters without spaces go. */
const UNKNOWN_WORDS_MAX = 1.2;
/** A heading is asked for within the first words of a sentence. */
const HEADING_WORDS = 10;
const STEP_TOKENS_MAX = 512;
const HELP = classBit("help");

const APPROVAL = classBit("approval");
const COURTESY = classBit("courtesy");
const CONTINUATION = classBit("continuation");
const HEADING = classBit("heading");
const ANAPHORA = classBit("anaphora");
const COMPLAINT = classBit("complaint");
const PLAIN = classBit("plain");
const CONJUNCTION = classBit("conjunction");
const WORK =
	classBit("code") |
	classBit("prove") |
	classBit("systems") |
	classBit("math") |
	classBit("writing") |
	classBit("physics");
const ASKS =
	classBit("question") |
	classBit("prove") |
	classBit("analyse") |
	classBit("explain") |
	classBit("plain") |
	classBit("writing") |
	classBit("creative");

/** Scores one text by itself. Afterwards the reader holds its features. */
export function scoreText(model: Model, reader: Reader, text: string): TextScore {
	const { scan, collected, features } = reader;
	readText(reader, text);
	const last = lastPart(scan, scan.segments);
	const before = last === 0 ? 0 : lastPart(scan, last);
	let bounds = UNBOUNDED;
	let from = 0;
	let raw = model.base;
	let unheld = 0;
	let score = 0;
	// Without the last two lines, without the last, whole: each held to what one line may change of the one before.
	for (const end of [before, last, scan.segments]) {
		if (end > from) {
			readSegments(reader, from, end);
			raw = rawScore(model, collected, features);
			unheld = percentile(model, raw);
			score = held(unheld, bounds);
			bounds = boundsAfter(reader, score, end);
			from = end;
		}
	}
	return {
		kind: kindOf(scan),
		unheld,
		score,
		raw,
		content: collected.totals[FIELD.content] ?? 0,
		steps: stepsOf(reader),
		share: followUpShare(scan),
	};
}

interface Bounds {
	readonly lowest: number;
	readonly highest: number;
}

const UNBOUNDED: Bounds = { lowest: 0, highest: 1 };

/** Between what the score may be with one more line (or sentence), where what was read up to `end` has this one. */
function boundsAfter({ collected, scan }: Reader, score: number, end: number): Bounds {
	const content = collected.totals[FIELD.content] ?? 0;
	if (content < 1 && !isPrompt(scan, end)) {
		return UNBOUNDED;
	}
	const isLine = scan.segmentLine[end] !== scan.segmentLine[end - 1];
	const asks =
		(collected.leadClasses & ASKS) !== 0 ||
		(collected.totals[FIELD.questions] ?? 0) > 0 ||
		(isLine && content >= TASK_CONTENT_MIN);
	return asks
		? { lowest: score - LINE_MOVES_MAX, highest: score + LINE_MOVES_MAX }
		: { lowest: 0, highest: score + LINE_COMPLETES_MAX };
}

/**
 * Whether what was left out as polite is all there is to a prompt: "How are you?", "Give me a synonym for nice". "Could
 * you help me?" is not: it stands before the task.
 */
function isPrompt({ counts, segmentClasses }: Scan, end: number): boolean {
	let questions = 0;
	let content = 0;
	let classes = 0;
	for (let segment = 0; segment < end; segment += 1) {
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

function kindOf(scan: Scan): TextKind {
	const words = sumOf(scan, FIELD.words);
	const { any, approves, allCourteous } = tokenKinds(scan);
	const isKnown = words - scan.tokens <= UNKNOWN_WORDS_MAX;
	if (scan.tokens > 0 && words <= ONE_WORD_MAX && isKnown) {
		if (approves) {
			return "approval";
		}
		if (allCourteous) {
			return "courtesy";
		}
		if (scan.tokens === 1 && isChoice(scan)) {
			return "approval";
		}
	}
	if (asksForHeading(scan)) {
		return "heading";
	}
	const content = sumOf(scan, FIELD.content);
	const leans = (any & (ANAPHORA | COMPLAINT | CONTINUATION)) !== 0 || content <= 2;
	return leans && words <= FOLLOW_UP_WORDS_MAX && content <= FOLLOW_UP_CONTENT_MAX ? "follow_up" : "task";
}

interface TokenKinds {
	/** Classes that any word is of. */
	readonly any: number;
	/** "ok", "yes, please", "great, go ahead", and not "ok thanks". */
	readonly approves: boolean;
	readonly allCourteous: boolean;
}

function tokenKinds({ tokens, tokenClasses }: Scan): TokenKinds {
	let any = 0;
	let allApprove = true;
	let allAllowed = true;
	let allCourteous = true;
	let some = false;
	let strong = false;
	for (let token = 0; token < Math.min(tokens, 2 * FOLLOW_UP_WORDS_MAX); token += 1) {
		const classes = tokenClasses[token] ?? 0;
		any |= classes;
		const isApproval = (classes & (APPROVAL | CONTINUATION)) !== 0;
		allApprove &&= isApproval;
		allAllowed &&= isApproval || (classes & (COURTESY | FRAME | STOP)) !== 0;
		allCourteous &&= (classes & (COURTESY | FRAME | STOP)) !== 0;
		some ||= isApproval && (classes & STOP) === 0;
		strong ||= isApproval && (classes & (COURTESY | STOP | FRAME)) === 0;
	}
	return {
		any,
		approves: (allApprove && some) || (allAllowed && strong),
		allCourteous: allCourteous && (any & (COURTESY | FRAME)) !== 0,
	};
}

/** "2", "b": one of the things offered. */
function isChoice(scan: Scan): boolean {
	return sumOf(scan, FIELD.numbers) === 1 || sumOf(scan, FIELD.variables) === 1;
}

function followUpShare(scan: Scan): number {
	const { any } = tokenKinds(scan);
	if (any & (COMPLAINT | CONTINUATION)) {
		return 0.9;
	}
	return any & PLAIN ? 0.35 : 0.6;
}

/** Whether a sentence at the beginning or the end asks for a title or the like, before it names any other work. */
function asksForHeading(scan: Scan): boolean {
	let seen = 0;
	for (let segment = 0; segment < scan.segments && seen < 2; segment += 1) {
		if (saysSomething(scan, segment)) {
			seen += 1;
			if (headingIn(scan, segment)) {
				return true;
			}
		}
	}
	seen = 0;
	for (let segment = scan.segments - 1; segment >= 0 && seen < 2; segment -= 1) {
		if (saysSomething(scan, segment)) {
			seen += 1;
			if (headingIn(scan, segment)) {
				return true;
			}
		}
	}
	return false;
}

function headingIn({ tokenClasses, segmentStart }: Scan, segment: number): boolean {
	const start = segmentStart[segment] ?? 0;
	const end = Math.min(segmentStart[segment + 1] ?? 0, start + HEADING_WORDS);
	for (let token = start; token < end; token += 1) {
		const classes = tokenClasses[token] ?? 0;
		if (token > start && classes & HEADING) {
			return true;
		}
		if (token > start && classes & WORK && (classes & STOP) === 0) {
			return false;
		}
	}
	return false;
}

function sumOf({ counts, segments }: Scan, field: number): number {
	let sum = 0;
	for (let segment = 0; segment < segments; segment += 1) {
		sum += counts[segment * FIELDS + field] ?? 0;
	}
	return sum;
}
