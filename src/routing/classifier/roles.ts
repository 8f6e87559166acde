import { CHATTER_OR_GRAMMAR, classBit, FRAME, PERSON, STOP } from "./classes.ts";
import { hashText, mix } from "./hash.ts";
import { FIELD, FIELDS, type Scan } from "./scan-state.ts";

/** What a sentence is to the task it stands by; one bit each. */
export const ROLE = {
	/** The task itself, or something it is about. */
	task: 0,
	/** A greeting, thanks, a frame: nothing at all. */
	empty: 1,
	/** "My train is late again": about the writer. */
	chatter: 2,
	/** "The museum is closed on Mondays": asks nothing, is of no field of work, and shares no word with what is asked. */
	filler: 4,
	/** "Copper conducts electricity": the same, of a field of work. */
	prose: 8,
	/** Hardly anything but big words. */
	stuffing: 16,
} as const;

const APART = ROLE.filler | ROLE.prose;
const HELP = classBit("help");
/** A sentence that begins with one of these asks for something. */
export const ASKS =
	classBit("question") |
	classBit("prove") |
	classBit("analyse") |
	classBit("explain") |
	classBit("plain") |
	classBit("writing") |
	classBit("creative");
const BEGINS_WORK = ASKS | classBit("code") | classBit("math") | classBit("systems");
const LEAD_WORDS = 3;

const STRONG = [classBit("prove"), classBit("analyse"), classBit("systems"), classBit("advanced")] as const;
const BIG =
	STRONG.reduce((bits, bit) => bits | bit, 0) |
	classBit("code") |
	classBit("math") |
	classBit("physics") |
	classBit("logic") |
	classBit("steps") |
	classBit("explain") |
	classBit("constraint");
const STUFFING_CONTENT_MIN = 5;
/** Big words and long words (some are both), for each word of substance: with words of no strong class, of one, of more. */
const STUFFED = [1.7, 1.15, 0.8] as const;
const FILLER_CONTENT_MIN = 4;
/** What must be left for sentences to be left out. */
const TASK_BESIDE_FILLER_MIN = 2;
const TASK_BESIDE_STUFFING_MIN = 3;
const CHOICES_MIN = 2;

/** Words by which a sentence leans on another. */
const LEANS = new Set(
	"he she they his her hers their theirs them him it its this these those such who which if suppose assume then given each both another other others same"
		.split(" ")
		.map(hashText),
);

/** At the beginning of a sentence, these ask for something, politely or not. */
const REQUESTS = new Set(
	"tell give make show name say plan find send pick choose suggest recommend create".split(" ").map(hashText),
);
const REQUEST_WORDS = 5;

const SLOTS = 1 << 13;
/** Words, and the sentence each was found in. */
const slotHash = new Uint32Array(SLOTS);
const slotSegment = new Uint16Array(SLOTS);
const SEVERAL = 0xffff;

/** Gives each sentence its role, and returns the roles that are left out of the text: there is a task without them. */
export function assignRoles(scan: Scan, roles: Uint8Array): number {
	let some = 0;
	for (let segment = 0; segment < scan.segments; segment += 1) {
		const role = roleOf(scan, segment);
		roles[segment] = role;
		some |= role;
	}
	if (some & APART) {
		keepConnected(scan, roles);
	}
	return (some & (APART | ROLE.stuffing)) === 0 ? ROLE.empty : leftOut(scan, roles);
}

function roleOf(scan: Scan, segment: number): number {
	if (!saysSomething(scan, segment)) {
		return ROLE.empty;
	}
	if (marksIn(scan, segment) > 0) {
		return ROLE.task;
	}
	if (isStuffing(scan, segment)) {
		return ROLE.stuffing;
	}
	if (asks(scan, segment)) {
		return ROLE.task;
	}
	const isOfNoField = ((scan.segmentClasses[segment] ?? 0) & ~CHATTER_OR_GRAMMAR) === 0;
	if (isOfNoField && (scan.segmentClasses[segment] ?? 0) & PERSON) {
		return ROLE.chatter;
	}
	if (!standsAlone(scan, segment)) {
		return ROLE.task;
	}
	return isOfNoField ? ROLE.filler : ROLE.prose;
}

/** Whether a segment holds a word of substance, a number or a formula; politeness with one such word does not count. */
export function saysSomething(scan: Scan, segment: number): boolean {
	const content = fieldOf(scan, segment, FIELD.content);
	const framed = fieldOf(scan, segment, FIELD.framed);
	return marksIn(scan, segment) > 0 || (framed > 2 ? content * 2 > framed : content > 0);
}

function fieldOf({ counts }: Scan, segment: number, field: number): number {
	return counts[segment * FIELDS + field] ?? 0;
}

function marksIn(scan: Scan, segment: number): number {
	return (
		fieldOf(scan, segment, FIELD.numbers) +
		fieldOf(scan, segment, FIELD.code) +
		fieldOf(scan, segment, FIELD.math) +
		fieldOf(scan, segment, FIELD.latex)
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
	const end = scan.segmentStart[segment + 1] ?? 0;
	let big = fieldOf(scan, segment, FIELD.long);
	let any = 0;
	for (let token = scan.segmentStart[segment] ?? 0; token < end; token += 1) {
		const classes = scan.tokenClasses[token] ?? 0;
		if ((classes & (STOP | FRAME)) === 0 && (classes & BIG) !== 0) {
			big += 1;
			any |= classes;
		}
	}
	const strong = STRONG.reduce((number, bit) => number + (any & bit ? 1 : 0), 0);
	return big >= content * (STUFFED[Math.min(strong, 2)] ?? 0);
}

/** Whether a sentence asks for something: a question, or a word of work at its beginning. */
function asks(scan: Scan, segment: number): boolean {
	if (fieldOf(scan, segment, FIELD.questions) > 0) {
		return true;
	}
	const start = scan.segmentStart[segment] ?? 0;
	const end = scan.segmentStart[segment + 1] ?? 0;
	let words = 0;
	for (let token = start; token < end && words < LEAD_WORDS; token += 1) {
		if (token - start < REQUEST_WORDS && REQUESTS.has(scan.tokenHash[token] ?? 0)) {
			return true;
		}
		const classes = scan.tokenClasses[token] ?? 0;
		if (classes !== 0 && (classes & FRAME) === 0) {
			if (classes & BEGINS_WORK) {
				return true;
			}
			words += 1;
		}
	}
	return false;
}

/** Whether a sentence can be understood by itself, and is none of the things to choose from. */
function standsAlone(scan: Scan, segment: number): boolean {
	if (
		fieldOf(scan, segment, FIELD.choices) + fieldOf(scan, segment, FIELD.lists) > 0 ||
		fieldOf(scan, segment, FIELD.content) < FILLER_CONTENT_MIN
	) {
		return false;
	}
	const end = scan.segmentStart[segment + 1] ?? 0;
	for (let token = scan.segmentStart[segment] ?? 0; token < end; token += 1) {
		if (LEANS.has(scan.tokenHash[token] ?? 0)) {
			return false;
		}
	}
	return true;
}

/** What shares a word with another sentence belongs to it. */
function keepConnected(scan: Scan, roles: Uint8Array): void {
	let choices = 0;
	slotHash.fill(0);
	for (let segment = 0; segment < scan.segments; segment += 1) {
		choices += fieldOf(scan, segment, FIELD.choices);
		if (roles[segment] !== ROLE.stuffing) {
			fileWords(scan, segment);
		}
	}
	for (let segment = 0; segment < scan.segments; segment += 1) {
		if ((roles[segment] ?? 0) & APART && sharesWord(scan, segment)) {
			roles[segment] = ROLE.task;
		}
	}
	if (choices > 0) {
		keepOnLine(scan, roles);
	}
}

function fileWords({ segmentStart, tokenClasses, tokenHash }: Scan, segment: number): void {
	const end = segmentStart[segment + 1] ?? 0;
	for (let token = segmentStart[segment] ?? 0; token < end; token += 1) {
		if (((tokenClasses[token] ?? 0) & (STOP | FRAME)) === 0) {
			const hash = tokenHash[token] ?? 0;
			const slot = slotOf(hash);
			if (slotHash[slot] === 0) {
				slotHash[slot] = hash;
				slotSegment[slot] = segment;
			} else if (slotSegment[slot] !== segment) {
				slotSegment[slot] = SEVERAL;
			}
		}
	}
}

function sharesWord({ segmentStart, tokenClasses, tokenHash }: Scan, segment: number): boolean {
	const end = segmentStart[segment + 1] ?? 0;
	for (let token = segmentStart[segment] ?? 0; token < end; token += 1) {
		if (((tokenClasses[token] ?? 0) & (STOP | FRAME)) === 0 && slotSegment[slotOf(tokenHash[token] ?? 0)] === SEVERAL) {
			return true;
		}
	}
	return false;
}

/** Where a word is, or would be: there are twice as many places as words are kept of a text. */
function slotOf(hash: number): number {
	let slot = mix(hash) & (SLOTS - 1);
	while (slotHash[slot] !== 0 && slotHash[slot] !== hash) {
		slot = (slot + 1) & (SLOTS - 1);
	}
	return slot;
}

/** Questions of tests have statements in front of them, on their line, that share no word with them. */
function keepOnLine({ segments, segmentLine }: Scan, roles: Uint8Array): void {
	for (let start = 0, end = 0; start < segments; start = end) {
		let isTask = false;
		for (end = start; end < segments && segmentLine[end] === segmentLine[start]; end += 1) {
			isTask ||= roles[end] === ROLE.task;
		}
		for (let segment = start; isTask && segment < end; segment += 1) {
			if (roles[segment] === ROLE.prose) {
				roles[segment] = ROLE.task;
			}
		}
	}
}

function leftOut(scan: Scan, roles: Uint8Array): number {
	let content = 0;
	let apart = 0;
	let choices = 0;
	let isTask = false;
	for (let segment = 0; segment < scan.segments; segment += 1) {
		const role = roles[segment] ?? 0;
		choices += fieldOf(scan, segment, FIELD.choices);
		if (role === ROLE.task) {
			content += fieldOf(scan, segment, FIELD.content);
			isTask ||= marksIn(scan, segment) > 0 || asks(scan, segment);
		} else if (role & APART) {
			apart += fieldOf(scan, segment, FIELD.content);
		} else if (role === ROLE.empty && fieldOf(scan, segment, FIELD.questions) > 0) {
			// "How are you?" is all there is; "Could you help me?" stands before the task.
			isTask ||= ((scan.segmentClasses[segment] ?? 0) & HELP) === 0;
		}
	}
	isTask ||= choices >= CHOICES_MIN;
	// Lines of big words are so rare in real work that anything else that is said is rather the task.
	return (
		ROLE.empty |
		(isTask && content >= TASK_BESIDE_FILLER_MIN ? APART : 0) |
		(isTask || content + apart >= TASK_BESIDE_STUFFING_MIN ? ROLE.stuffing : 0)
	);
}
