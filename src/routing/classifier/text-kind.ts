import { classBit, FRAME, STOP } from "./classes.ts";
import { hashText } from "./hash.ts";
import { ASKS, saysSomething } from "./roles.ts";
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
const QUESTION = classBit("question");
const WORK =
	classBit("code") |
	classBit("prove") |
	classBit("systems") |
	classBit("math") |
	classBit("writing") |
	classBit("physics");

/** Words that stand for what was said: "that works, thanks" approves nothing, "go on, thanks" does. */
const THANKS = hashes("thanks thank thx ty cheers appreciated appreciate");
const GOES_ON = hashes("yes yep yeah go do continue proceed next start keep please");
const DENIES = hashes("no not never nope dont doesnt isnt wasnt cant didnt sure");
const DO = hashText("do");
const YOU = hashes("you your");
const POINTS_AT = hashes("this the that our above following below whole entire");
const NAMES = hashes("name title label categorize categorise label describe summarize summarise give");
const TALKS = hashes(
	"conversation conversations chat chats dialogue dialog thread transcript discussion messages history",
);

function hashes(words: string): ReadonlySet<number> {
	return new Set(words.split(" ").map(hashText));
}

export function kindOf(scan: Scan): TextKind {
	const words = sumOf(scan, FIELD.words);
	// Longer ones stand for themselves, and are not looked at word by word.
	const kinds = words <= FOLLOW_UP_WORDS_MAX ? tokenKinds(scan) : undefined;
	const isKnown = words - scan.tokens <= UNKNOWN_WORDS_MAX;
	if (kinds !== undefined && scan.tokens > 0 && words <= ONE_WORD_MAX && isKnown) {
		if (kinds.approves) {
			return "approval";
		}
		if (kinds.allCourteous) {
			return "courtesy";
		}
		if (scan.tokens === 1 && isChoice(scan)) {
			return "approval";
		}
	}
	if (asksForHeading(scan)) {
		return "heading";
	}
	const content = kinds === undefined ? 0 : sumOf(scan, FIELD.content);
	return kinds !== undefined && content <= FOLLOW_UP_CONTENT_MAX && leansOnEarlier(scan, kinds, content)
		? "follow_up"
		: "task";
}

function leansOnEarlier(scan: Scan, { any, begins, allUnknown }: TokenKinds, content: number): boolean {
	if (any & (ANAPHORA | COMPLAINT | CONTINUATION) || content <= 1) {
		return true;
	}
	// "You forgot the second part", and what is too short to be a task in a language nobody knows.
	if (content <= 3 && (YOU.has(scan.tokenHash[0] ?? 0) || allUnknown)) {
		return true;
	}
	return content <= 2 && (begins & ASKS) === 0;
}

interface TokenKinds {
	/** Classes that any word is of, and those of the first one. */
	readonly any: number;
	readonly begins: number;
	/** No word of substance is in the table. */
	readonly allUnknown: boolean;
	/** "ok", "yes, please", "great, go ahead", and not "ok thanks". */
	readonly approves: boolean;
	readonly allCourteous: boolean;
}

function tokenKinds({ tokens, tokenClasses, tokenHash, tokenRow }: Scan): TokenKinds {
	let any = 0;
	let allApprove = true;
	let allAllowed = true;
	let allCourteous = true;
	let allUnknown = true;
	let some = false;
	let strong = false;
	let thanks = false;
	let goesOn = false;
	let denies = false;
	for (let token = 0; token < Math.min(tokens, 2 * FOLLOW_UP_WORDS_MAX); token += 1) {
		const classes = tokenClasses[token] ?? 0;
		const hash = tokenHash[token] ?? 0;
		any |= classes;
		const isApproval = (classes & (APPROVAL | CONTINUATION)) !== 0;
		allApprove &&= isApproval;
		allAllowed &&= isApproval || (classes & (COURTESY | FRAME | STOP)) !== 0;
		allCourteous &&= (classes & (COURTESY | FRAME | STOP)) !== 0;
		allUnknown &&= (classes & (STOP | FRAME)) !== 0 || (tokenRow[token] ?? 0) < 0;
		some ||= isApproval && ((classes & STOP) === 0 || (hash === DO && token === 0));
		strong ||= isApproval && (classes & (COURTESY | STOP | FRAME)) === 0;
		thanks ||= THANKS.has(hash);
		goesOn ||= GOES_ON.has(hash) || (classes & CONTINUATION) !== 0;
		denies ||= DENIES.has(hash);
	}
	const onlyThanks = thanks && !goesOn;
	return {
		any,
		begins: tokenClasses[0] ?? 0,
		allUnknown: allUnknown && tokens > 0,
		approves: !onlyThanks && ((allApprove && some) || (allAllowed && strong)),
		allCourteous:
			(allCourteous || (onlyThanks && allAllowed)) && (thanks || !denies) && (any & (COURTESY | FRAME)) !== 0,
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

function headingIn({ tokenClasses, tokenHash, segmentStart }: Scan, segment: number): boolean {
	let asksPlainly = false;
	const start = segmentStart[segment] ?? 0;
	const end = Math.min(segmentStart[segment + 1] ?? 0, start + HEADING_WORDS);
	for (let token = start; token < end; token += 1) {
		const classes = tokenClasses[token] ?? 0;
		if (token > start && classes & HEADING) {
			return true;
		}
		if (token > start && POINTS_AT.has(tokenHash[token - 1] ?? 0) && TALKS.has(tokenHash[token] ?? 0)) {
			return asksPlainly || tokenHash.subarray(start, token).some((hash) => NAMES.has(hash));
		}
		asksPlainly ||= (classes & (PLAIN | QUESTION)) !== 0;
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
