import { CHATTER_OR_GRAMMAR, classBit, FRAME, PERSON, STOP } from "./classes.ts";
import type { Collected } from "./collect.ts";
import { keepConnected } from "./connected.ts";
import { hashText } from "./hash.ts";
import { isDemand, isOrder, REQUESTS } from "./requests.ts";
import { APART, ASKS, BIG, fieldOf, marksIn, NOTHING, ROLE, STRONG, saysSomething } from "./roles.ts";
import { cutRuns } from "./runs.ts";
import { FIELD, type Scan } from "./scan-state.ts";

const HELP = classBit("help");
const BEGINS_WORK = ASKS | classBit("code") | classBit("math") | classBit("systems");
const LEAD_WORDS = 3;

const STUFFING_CONTENT_MIN = 5;
/** Big words and long words (some are both), for each word of substance: with words of no strong class, of one, of more. */
const STUFFED = [1.7, 1.12, 0.8] as const;
/** Work that is asked for politely has seldom so many big words in a row. */
const GREETED_CONTENT_MIN = 6;
const FILLER_CONTENT_MIN = 3;
/** What must be left for sentences to be left out. */
const TASK_BESIDE_FILLER_MIN = 1;
const TASK_BESIDE_STUFFING_MIN = 2;
const CHOICES_MIN = 2;
/** Words of substance outside chatter, for chatter to be left out. */
const SUBSTANCE_MIN = 3;

/** Words by which a sentence leans on another. */
const LEANS = new Set(
	"he she they his her hers their theirs them him it its this these those such who which if suppose assume then given each both another other others same"
		.split(" ")
		.map(hashText),
);

const IT = hashText("it");
/** These lean on another sentence where their own has named nothing yet. */
const PRONOUNS = new Set("he she they his her hers their theirs them him it its".split(" ").map(hashText));
/** A sentence that begins with one of these begins with a noun. */
const ARTICLES = new Set("the a an my our your his her their some many most".split(" ").map(hashText));

const REQUEST_WORDS = 5;

/** Gives each sentence its role, and finds out which roles are left out of the text: there is a task without them. */
export function assignRoles(scan: Scan, collected: Collected): void {
	const { roles } = collected;
	let some = 0;
	for (let segment = 0; segment < scan.segments; segment += 1) {
		const role = roleOf(scan, segment);
		roles[segment] = role;
		some |= role;
	}
	if (some & APART) {
		keepConnected(scan, roles);
	}
	collected.greetsWithBigWords = false;
	collected.leftOut = (some & (APART | ROLE.stuffing)) === 0 ? NOTHING : leftOut(scan, roles);
	if (some & ROLE.stuffing && (collected.leftOut & ROLE.stuffing) === 0) {
		collected.greetsWithBigWords = greetsWithBigWords(scan, roles);
		takeForTask(scan, roles);
		collected.leftOut = leftOut(scan, roles);
	}
}

function greetsWithBigWords(scan: Scan, roles: Uint8Array): boolean {
	let content = 0;
	let greets = false;
	for (let segment = 0; segment < scan.segments; segment += 1) {
		if (roles[segment] === ROLE.stuffing) {
			content += fieldOf(scan, segment, FIELD.content);
		} else if (((roles[segment] ?? 0) & NOTHING) === 0) {
			return false;
		} else {
			// Thanks behind a task are no greeting, "How are you?" is.
			greets ||= content === 0 ? fieldOf(scan, segment, FIELD.words) > 0 : asksAfter(scan, segment);
		}
	}
	return greets && content >= GREETED_CONTENT_MIN;
}

/** "How are you?", and not "Could you help me?". */
function asksAfter(scan: Scan, segment: number): boolean {
	return fieldOf(scan, segment, FIELD.questions) > 0 && ((scan.segmentClasses[segment] ?? 0) & HELP) === 0;
}

/** Big words are the task where there is no other. */
function takeForTask({ segments }: Scan, roles: Uint8Array): void {
	for (let segment = 0; segment < segments; segment += 1) {
		if (roles[segment] === ROLE.stuffing) {
			roles[segment] = ROLE.task;
		}
	}
}

/** Whether there is a task besides chatter before `end`: chatter is left out then. */
export function hasSubstance(scan: Scan, roles: Uint8Array, end: number): boolean {
	let content = 0;
	for (let segment = 0; segment < end; segment += 1) {
		if (roles[segment] === ROLE.task) {
			content += fieldOf(scan, segment, FIELD.content);
			if (content >= SUBSTANCE_MIN || (content >= 1 && asks(scan, segment))) {
				return true;
			}
		}
	}
	return false;
}

function roleOf(scan: Scan, segment: number): number {
	if (!saysSomething(scan, segment)) {
		return ROLE.empty;
	}
	cutRuns(scan, segment);
	if (marksIn(scan, segment) > 0 && !isOfTags(scan, segment)) {
		return ROLE.task;
	}
	if (isStuffing(scan, segment)) {
		return ROLE.stuffing;
	}
	const isNoChoice = fieldOf(scan, segment, FIELD.choices) + fieldOf(scan, segment, FIELD.questions) === 0;
	if (isNoChoice && isDemand(scan, segment)) {
		return ROLE.demand;
	}
	if (asks(scan, segment)) {
		return ROLE.task;
	}
	const isOfNoField = ((scan.segmentClasses[segment] ?? 0) & ~CHATTER_OR_GRAMMAR) === 0;
	if (isOfNoField && (scan.segmentClasses[segment] ?? 0) & PERSON) {
		return ROLE.chatter;
	}
	if (!standsAlone(scan, segment, isOfNoField)) {
		return ROLE.task;
	}
	return isOfNoField ? ROLE.filler : ROLE.prose;
}

/** "#proof #quantum": a mark before each word, and no other. */
function isOfTags(scan: Scan, segment: number): boolean {
	const code = fieldOf(scan, segment, FIELD.code);
	return (
		code === marksIn(scan, segment) &&
		code <= fieldOf(scan, segment, FIELD.words) &&
		code + 1 >= fieldOf(scan, segment, FIELD.words) &&
		fieldOf(scan, segment, FIELD.calls) + fieldOf(scan, segment, FIELD.indents) === 0
	);
}

/**
 * Whether a sentence is a line of big words. Of twenty thousand prompts written by people or for tests, one in a thousand
 * has such a sentence: real work names what it is about.
 */
function isStuffing(scan: Scan, segment: number): boolean {
	const content = fieldOf(scan, segment, FIELD.content);
	if (content < STUFFING_CONTENT_MIN || fieldOf(scan, segment, FIELD.choices) > 0) {
		return false;
	}
	const long = fieldOf(scan, segment, FIELD.long);
	if (content + long < content * stuffedFrom(scan.segmentClasses[segment] ?? 0)) {
		return false;
	}
	const end = scan.segmentStart[segment + 1] ?? 0;
	let big = long;
	let any = 0;
	for (let token = scan.segmentStart[segment] ?? 0; token < end; token += 1) {
		const classes = scan.tokenClasses[token] ?? 0;
		if ((classes & (STOP | FRAME)) === 0 && (classes & BIG) !== 0) {
			big += 1;
			any |= classes;
		}
	}
	return big >= content * stuffedFrom(any);
}

function stuffedFrom(classes: number): number {
	let strong = 0;
	for (const bit of STRONG) {
		strong += classes & bit ? 1 : 0;
	}
	return STUFFED[Math.min(strong, 2)] ?? 0;
}

/**
 * Whether a sentence asks for something: a question, or a word of work at its beginning; in other scripts and languages
 * anywhere, as some put it last.
 */
function asks(scan: Scan, segment: number): boolean {
	if (fieldOf(scan, segment, FIELD.questions) > 0 || isOrder(scan, segment)) {
		return true;
	}
	const { tokenClasses, tokenHash, tokenRow } = scan;
	const end = scan.segmentStart[segment + 1] ?? 0;
	const isForeign = fieldOf(scan, segment, FIELD.foreign) > 0;
	const start = scan.segmentStart[segment] ?? 0;
	const begins = ARTICLES.has(tokenHash[start] ?? 0) ? ASKS : BEGINS_WORK;
	let words = 0;
	for (let token = start; token < end && (isForeign || words < REQUEST_WORDS); token += 1) {
		const classes = tokenClasses[token] ?? 0;
		if (REQUESTS.has(tokenHash[token] ?? 0)) {
			return true;
		}
		if (classes & begins && (classes & FRAME) === 0 && (isForeign || words < LEAD_WORDS)) {
			return true;
		}
		// Words nobody knows may be of a language that begins otherwise.
		words += classes & FRAME || (tokenRow[token] ?? 0) < 0 ? 0 : 1;
	}
	return false;
}

/** Whether a sentence can be understood by itself, and is none of the things to choose from. */
function standsAlone(scan: Scan, segment: number, isOfNoField: boolean): boolean {
	if (
		fieldOf(scan, segment, FIELD.choices) + fieldOf(scan, segment, FIELD.lists) > 0 ||
		fieldOf(scan, segment, FIELD.content) < FILLER_CONTENT_MIN
	) {
		return false;
	}
	const end = scan.segmentStart[segment + 1] ?? 0;
	const start = scan.segmentStart[segment] ?? 0;
	let named = false;
	// "It is raining" leans on nothing.
	for (let token = isOfNoField && scan.tokenHash[start] === IT ? start + 1 : start; token < end; token += 1) {
		const hash = scan.tokenHash[token] ?? 0;
		if (LEANS.has(hash) && !(named && PRONOUNS.has(hash))) {
			return false;
		}
		named ||= ((scan.tokenClasses[token] ?? 0) & (STOP | FRAME)) === 0;
	}
	return true;
}

function leftOut(scan: Scan, roles: Uint8Array): number {
	let content = 0;
	let mayAsk = 0;
	let choices = 0;
	let isTask = false;
	let isAsked = false;
	for (let segment = 0; segment < scan.segments; segment += 1) {
		const role = roles[segment] ?? 0;
		choices += fieldOf(scan, segment, FIELD.choices);
		const begins = scan.tokenClasses[scan.segmentStart[segment] ?? 0] ?? 0;
		if (role & APART || role === ROLE.task) {
			mayAsk += begins & STOP && marksIn(scan, segment) === 0 ? 0 : fieldOf(scan, segment, FIELD.content);
		}
		if (role === ROLE.task) {
			content += fieldOf(scan, segment, FIELD.content);
			isTask ||= marksIn(scan, segment) > 0 || asks(scan, segment);
		} else if (role === ROLE.empty && fieldOf(scan, segment, FIELD.questions) > 0) {
			// "How are you?" is all there is; "Could you help me?" stands before the task.
			isAsked ||= asksAfter(scan, segment);
		}
	}
	isTask ||= choices >= CHOICES_MIN;
	// Lines of big words are so rare in real work that anything else that may ask for something is rather the task. What
	// stands apart and begins as "it", "the" or "my" is a statement.
	return (
		NOTHING |
		((isTask || isAsked) && content >= TASK_BESIDE_FILLER_MIN ? APART : 0) |
		(isTask || mayAsk >= TASK_BESIDE_STUFFING_MIN ? ROLE.stuffing : 0)
	);
}
