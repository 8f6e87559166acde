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

const CODE = 1;
const MATH = 2;
const LIST = 4;

const MARKS: ReadonlyMap<string, number> = markKinds();

function markKinds(): ReadonlyMap<string, number> {
	const kinds = new Map<string, number>();
	const lists: readonly (readonly [string, number])[] = [
		[CODE_MARKS, CODE],
		[MATH_MARKS, MATH],
		[LIST_MARKS, LIST],
	];
	for (const [marks, kind] of lists) {
		for (const mark of marks) {
			kinds.set(mark, (kinds.get(mark) ?? 0) | kind);
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
		const code = index < text.length ? text.charCodeAt(index) : 0x20;
		const character = text[index] ?? " ";
		if (isCjk(code)) {
			cjk += 1;
		} else if (isWordPart(code) || (wordStart >= 0 && (character === "'" || character === "-"))) {
			wordStart = wordStart < 0 ? index : wordStart;
			lineStarts = countListNumber(text, index, lineStarts, counts);
			continue;
		}
		if (wordStart >= 0) {
			countWord(text.slice(wordStart, index), counts, seen);
			wordStart = -1;
		}
		countMark(character, lineStarts, counts);
		lineStarts = character === "\n" || (lineStarts && character === " ");
	}
	counts.words += cjk / CJK_CHARACTERS_PER_WORD;
}

/** "1." or "2)" at the beginning of a line. Returns whether the line is still beginning: it never is after a letter. */
function countListNumber(text: string, index: number, lineStarts: boolean, counts: Counts): boolean {
	if (lineStarts && isDigit(text.charCodeAt(index))) {
		const next = text[index + 1];
		counts.listLines += next === "." || next === ")" ? 1 : 0;
	}
	return false;
}

function countMark(character: string, lineStarts: boolean, counts: Counts): void {
	const kinds = character === " " ? undefined : MARKS.get(character);
	if (kinds === undefined) {
		return;
	}
	counts.codeMarks += kinds & CODE ? 1 : 0;
	counts.mathMarks += kinds & MATH ? 1 : 0;
	counts.listLines += lineStarts && kinds & LIST ? 1 : 0;
}

function countWord(raw: string, counts: Counts, seen: Set<string>): void {
	counts.words += 1;
	if (isDigit(raw.charCodeAt(0))) {
		counts.numbers += 1;
		return;
	}
	counts.longWords += raw.length >= LONG_WORD_LENGTH ? 1 : 0;
	if (raw.length > WORD_LENGTH_MAX) {
		return;
	}
	const word = raw.toLowerCase();
	const isNew = !seen.has(word);
	seen.add(word);
	for (const kind of LEXICON.get(word) ?? []) {
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
