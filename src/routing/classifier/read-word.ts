import { GOES_ON, KIND, MAY_GO_ON } from "./characters.ts";
import { FRAME, STOP } from "./classes.ts";
import { HASH_PRIME, HASH_START, pairHash, prefixHash } from "./hash.ts";
import { count, FIELD, pushToken, type Scan } from "./scan-state.ts";
import { type Lookup, rowOf, trialRow } from "./tables.ts";

const PREFIX_MIN = 2;
const PREFIX_MAX = 10;
const WORD_MAX = 24;
const LONG = 8;
const VERY_LONG = 11;
/** A Korean word carries its grammar with it. */
const HANGUL_CONTENT = 1.4;
/** Words up to this length are looked up together with the one before, also when they are known alone. */
const SYLLABLE_MAX = 6;
const LATIN_END = 0x24f;
const HANGUL_START = 0xac00;
const ELISION_MAX = 2;
const ROUND = 0x28;
const ROUND_END = 0x29;
const UNDERSCORE = 0x5f;
const DOT = 0x2e;
const COMMA = 0x2c;
const CODED_INDENT = 2;
const DIGITS_MAX = 12;
const DIGITS_DISTINCT = 6;
const LIST_DIGITS_MAX = 2;
/** Numbers are filed by how many digits they have. */
const NUMBER_HASH = 0x2300_0000;

/** Of the word just read: its letters, and what follows, folded. */
let size = 0;
let following = 0;
/** The hashes of a word's beginnings, by length. */
const prefixes = new Int32Array(PREFIX_MAX + 1);

/** Reads the word that begins at `scan.index`. */
export function readWord(lookup: Lookup, scan: Scan): void {
	const start = scan.index;
	const hash = hashWord(lookup, scan);
	if (scan.lineIsNew) {
		beginLine(scan);
		if (size === 1 && (following === DOT || following === ROUND_END)) {
			count(scan, FIELD.choices, 1);
			scan.lastHash = 0;
			return;
		}
	}
	const row = wordRow(hash, start, lookup, scan);
	const classes = row < 0 ? 0 : (lookup.rowClasses[row] ?? 0);
	scan.lastHash = hash;
	countWord(lookup.fold[scan.units[start] ?? 0] ?? 0, row, classes, scan);
	pushToken(scan, row < 0 ? hash : (lookup.rowHash[row] ?? 0), row, classes);
}

/** Moves behind the word and returns its hash; its size and what follows are left in this module's variables. */
function hashWord({ fold, kinds }: Lookup, scan: Scan): number {
	const { units } = scan;
	const start = scan.index;
	let index = start;
	let unit = units[index] ?? 0;
	let kind = 0;
	let hash = HASH_START | 0;
	do {
		hash = Math.imul(hash ^ (fold[unit] ?? 0), HASH_PRIME);
		index += 1;
		unit = units[index] ?? 0;
		kind = kinds[unit] ?? 0;
	} while (kind >= GOES_ON);
	let letters = index - start;
	while (kind >= MAY_GO_ON) {
		index = nextLetter(index, letters, kinds, units);
		unit = units[index] ?? 0;
		kind = kinds[unit] ?? 0;
		if (kind < GOES_ON) {
			break;
		}
		do {
			hash = Math.imul(hash ^ (fold[unit] ?? 0), HASH_PRIME);
			letters += 1;
			index += 1;
			unit = units[index] ?? 0;
			kind = kinds[unit] ?? 0;
		} while (kind >= GOES_ON);
	}
	scan.index = index;
	size = letters;
	following = fold[unit] ?? 0;
	return hash;
}

/** Where a word of so many letters goes on, or has ended: behind hidden characters, and behind an apostrophe within it. */
function nextLetter(from: number, letters: number, kinds: Uint8Array, units: Uint16Array): number {
	let index = from;
	while (kinds[units[index] ?? 0] === KIND.hidden) {
		index += 1;
	}
	// don't, that's: one word. l'eau, I'm: two.
	return kinds[units[index] ?? 0] === KIND.apostrophe &&
		letters > ELISION_MAX &&
		kinds[units[index + 1] ?? 0] === KIND.word
		? index + 1
		: index;
}

/** Of the word itself, or its beginning, or with the one before it. */
function wordRow(hash: number, start: number, lookup: Lookup, { lastHash, units }: Scan): number {
	const row = rowOf(lookup, hash);
	if (lastHash !== 0 && (row < 0 || size <= SYLLABLE_MAX)) {
		const pair = trialRow(lookup, pairHash(lastHash, hash) | 0);
		if (pair >= 0) {
			return pair;
		}
	}
	return row < 0 && size >= PREFIX_MIN ? prefixRow(start, lookup, units) : row;
}

/** Of the longest beginning that is known. */
function prefixRow(start: number, lookup: Lookup, units: Uint16Array): number {
	const longest = Math.min(size, PREFIX_MAX);
	let hash = HASH_START | 0;
	let index = start;
	for (let length = 1; length <= longest; length += 1) {
		hash = Math.imul(hash ^ (lookup.fold[units[index] ?? 0] ?? 0), HASH_PRIME);
		prefixes[length] = hash;
		index = nextLetter(index + 1, length, lookup.kinds, units);
	}
	let row = -1;
	for (let length = longest; row < 0 && length >= PREFIX_MIN; length -= 1) {
		row = trialRow(lookup, prefixHash(prefixes[length] ?? 0) | 0);
	}
	return row;
}

function countWord(first: number, row: number, classes: number, { counts, at }: Scan): void {
	counts[at + FIELD.words] = (counts[at + FIELD.words] ?? 0) + 1;
	if (size > 1) {
		if (following === ROUND && row < 0) {
			counts[at + FIELD.calls] = (counts[at + FIELD.calls] ?? 0) + 1;
		} else if (following === UNDERSCORE) {
			counts[at + FIELD.code] = (counts[at + FIELD.code] ?? 0) + 1;
		}
	} else if ((classes & STOP) === 0) {
		counts[at + FIELD.variables] = (counts[at + FIELD.variables] ?? 0) + 1;
	}
	if (first > LATIN_END) {
		counts[at + FIELD.foreign] = (counts[at + FIELD.foreign] ?? 0) + 1;
	}
	if (classes & FRAME) {
		counts[at + FIELD.framed] = (counts[at + FIELD.framed] ?? 0) + 1;
	} else if ((classes & STOP) === 0) {
		counts[at + FIELD.content] = (counts[at + FIELD.content] ?? 0) + (first >= HANGUL_START ? HANGUL_CONTENT : 1);
		counts[at + FIELD.letters] = (counts[at + FIELD.letters] ?? 0) + Math.min(size, WORD_MAX);
		if (size >= LONG) {
			counts[at + FIELD.long] = (counts[at + FIELD.long] ?? 0) + 1;
			if (size >= VERY_LONG) {
				counts[at + FIELD.veryLong] = (counts[at + FIELD.veryLong] ?? 0) + 1;
			}
		}
	}
}

/** Reads the number that begins at `scan.index`, separators included. */
export function readNumber({ fold, kinds }: Lookup, scan: Scan): void {
	const { units } = scan;
	let digits = 0;
	let { index } = scan;
	let mark = 0;
	do {
		digits += 1;
		index += 1;
		mark = fold[units[index] ?? 0] ?? 0;
		if ((mark === DOT || mark === COMMA) && kinds[units[index + 1] ?? 0] === KIND.digit) {
			index += 1;
		}
	} while (kinds[units[index] ?? 0] === KIND.digit);
	scan.index = index;
	scan.lastHash = 0;
	if (scan.lineIsNew) {
		beginLine(scan);
		if (digits <= LIST_DIGITS_MAX && (mark === DOT || mark === ROUND_END)) {
			count(scan, FIELD.lists, 1);
			return;
		}
	}
	count(scan, FIELD.numbers, 1);
	count(scan, FIELD.digits, Math.min(digits, DIGITS_MAX));
	pushToken(scan, NUMBER_HASH + Math.min(digits, DIGITS_DISTINCT), -1, 0);
}

function beginLine(scan: Scan): void {
	scan.lineIsNew = false;
	count(scan, FIELD.lines, 1);
	if (scan.indent >= CODED_INDENT) {
		count(scan, FIELD.indents, 1);
	}
}
