import { classBit, FRAME, STOP } from "./classes.ts";
import { saysSomething } from "./roles.ts";
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

const ONE_WORD_MAX = 8;
const FOLLOW_UP_WORDS_MAX = 14;
const FOLLOW_UP_CONTENT_MAX = 6;
/** Words that say nothing here may miss from the table, as far as characters without spaces go. */
const UNKNOWN_WORDS_MAX = 1.2;
/** A heading is asked for within the first words of a sentence. */
const HEADING_WORDS = 10;
const APPROVAL = classBit("approval");
const COURTESY = classBit("courtesy");
const CONTINUATION = classBit("continuation");
const HEADING = classBit("heading");
const ANAPHORA = classBit("anaphora");
const COMPLAINT = classBit("complaint");
const PLAIN = classBit("plain");
const WORK =
	classBit("code") |
	classBit("prove") |
	classBit("systems") |
	classBit("math") |
	classBit("writing") |
	classBit("physics");

export function kindOf(scan: Scan): TextKind {
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

export function followUpShare(scan: Scan): number {
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
