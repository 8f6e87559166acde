import { LEXICON, type WordKind } from "./lexicon.ts";

/** Looked at from each end of a long text; what lies between adds length but no kind of work. */
const END_LENGTH_MAX = 4_096;
const WORD_LENGTH_MAX = 32;
const LONG_WORD_LENGTH = 10;
/** Chinese, Japanese and Korean write about this many characters for what English writes as a word. */
const CJK_CHARACTERS_PER_WORD = 1.7;
/** Marks beyond letters, digits and plain punctuation, by what they suggest. */
const CODE_MARKS = "{}[];<>`_|&#";
const MATH_MARKS = "=^+*/\\$%∑∫√≤≥≠∞∂∇";
const LIST_MARKS = "-*•";

const SPACE = 0x20;
const LINE_FEED = 0x0a;
const APOSTROPHE = 0x27;
const HYPHEN = 0x2d;

const CODE = 1;
const MATH = 2;
const LIST = 4;

/** By UTF-16 code: a table, since it is asked for every character that is not part of a word. */
const MARKS: Uint8Array = markKinds();

function markKinds(): Uint8Array {
	const kinds = new Uint8Array(0x2300);
	const lists: readonly (readonly [string, number])[] = [
		[CODE_MARKS, CODE],
		[MATH_MARKS, MATH],
		[LIST_MARKS, LIST],
	];
	for (const [marks, kind] of lists) {
		for (const mark of marks) {
			const code = mark.charCodeAt(0);
			kinds[code] = (kinds[code] ?? 0) | kind;
		}
	}
	return kinds;
}

/** What one pass over a text counted. */
export interface TextCounts {
	/** Spaces or not: CJK characters count by their number. */
	readonly words: number;
	readonly longWords: number;
	readonly numbers: number;
	readonly codeMarks: number;
	readonly mathMarks: number;
	/** Lines that begin like an entry of a list. */
	readonly listLines: number;
	/** Words of each kind, each different word once. */
	readonly distinct: Readonly<Record<WordKind, number>>;
	/** Words that are of this kind, with repetition: to tell whether a short text says nothing else. */
	readonly all: Readonly<Record<WordKind, number>>;
}

type Counts = { -readonly [Key in keyof TextCounts]: TextCounts[Key] } & {
	distinct: Record<WordKind, number>;
	all: Record<WordKind, number>;
};

/** Counts in one pass, linear in at most 8 KB of the text, whatever the text is. */
export function scanText(text: string): TextCounts {
	const seen = new Set<string>();
	const counts = emptyCounts();
	const parts =
		text.length <= 2 * END_LENGTH_MAX ? [text] : [text.slice(0, END_LENGTH_MAX), text.slice(-END_LENGTH_MAX)];
	for (const part of parts) {
		scanPart(part, counts, seen);
	}
	return counts;
}

function scanPart(text: string, counts: Counts, seen: Set<string>): void {
	let cjk = 0;
	let wordStart = -1;
	let lineStarts = true;
	for (let index = 0; index <= text.length; index += 1) {
		const code = index < text.length ? text.charCodeAt(index) : SPACE;
		const kind = CHARACTERS[code];
		if (kind === WORD_PART || (wordStart >= 0 && (code === APOSTROPHE || code === HYPHEN))) {
			wordStart = wordStart < 0 ? index : wordStart;
			if (lineStarts) {
				countListNumber(text, index, counts);
				lineStarts = false;
			}
			continue;
		}
		cjk += kind === CJK ? 1 : 0;
		if (wordStart >= 0) {
			countWord(text, wordStart, index, counts, seen);
			wordStart = -1;
		}
		if (code !== SPACE) {
			countMark(code, lineStarts, counts);
			lineStarts = code === LINE_FEED;
		}
	}
	counts.words += cjk / CJK_CHARACTERS_PER_WORD;
}

/** "1." or "2)" at the beginning of a line. */
function countListNumber(text: string, index: number, counts: Counts): void {
	if (isDigit(text.charCodeAt(index))) {
		const next = text[index + 1];
		counts.listLines += next === "." || next === ")" ? 1 : 0;
	}
}

function countMark(code: number, lineStarts: boolean, counts: Counts): void {
	const kinds = MARKS[code] ?? 0;
	if (kinds === 0) {
		return;
	}
	counts.codeMarks += kinds & CODE ? 1 : 0;
	counts.mathMarks += kinds & MATH ? 1 : 0;
	counts.listLines += lineStarts && kinds & LIST ? 1 : 0;
}

function countWord(text: string, start: number, end: number, counts: Counts, seen: Set<string>): void {
	counts.words += 1;
	if (isDigit(text.charCodeAt(start))) {
		counts.numbers += 1;
		return;
	}
	counts.longWords += end - start >= LONG_WORD_LENGTH ? 1 : 0;
	if (end - start > WORD_LENGTH_MAX) {
		return;
	}
	const word = text.slice(start, end).toLowerCase();
	const kinds = LEXICON.get(word);
	if (kinds === undefined) {
		return;
	}
	const isNew = !seen.has(word);
	seen.add(word);
	for (const kind of kinds) {
		counts.all[kind] += 1;
		counts.distinct[kind] += isNew ? 1 : 0;
	}
}

function emptyCounts(): Counts {
	const none = { reasoning: 0, technical: 0, steps: 0, question: 0, approval: 0, courtesy: 0 };
	return {
		words: 0,
		longWords: 0,
		numbers: 0,
		codeMarks: 0,
		mathMarks: 0,
		listLines: 0,
		distinct: { ...none },
		all: { ...none },
	};
}

function isDigit(code: number): boolean {
	return code >= 0x30 && code <= 0x39;
}

/** Letters and digits of the scripts that put spaces between words. */
function isWordPart(code: number): boolean {
	return (
		isDigit(code) ||
		(code >= 0x41 && code <= 0x5a) ||
		(code >= 0x61 && code <= 0x7a) ||
		(code >= 0xc0 && code < 0x2000 && code !== 0xd7 && code !== 0xf7)
	);
}

function isCjk(code: number): boolean {
	return (code >= 0x3040 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7af) || (code >= 0xf900 && code <= 0xfaff);
}

const WORD_PART = 1;
const CJK = 2;

/** What each UTF-16 code is: one look-up for each character, where comparing ranges took longer than all the rest. */
const CHARACTERS: Uint8Array = Uint8Array.from({ length: 0x1_00_00 }, (_, code) =>
	isCjk(code) ? CJK : isWordPart(code) ? WORD_PART : 0,
);
