import { KIND } from "./characters.ts";
import { FRAME, STOP } from "./classes.ts";
import { HASH_PRIME, HASH_START, pairHash } from "./hash.ts";
import { count, FIELD, pushToken, type Scan } from "./scan-state.ts";
import { findPrefixRow, findRow, type Tables } from "./tables.ts";

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
const APOSTROPHE = 0x27;
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

/** The hashes of the beginnings of the word being read, by length. */
const prefixes = new Uint32Array(PREFIX_MAX + 1);
/** What follows the word just read, folded. */
let following = 0;
let wordSize = 0;

/** Reads the word that begins at `scan.index`. */
export function readWord(text: string, tables: Tables, scan: Scan): void {
	const first = tables.fold[text.charCodeAt(scan.index)] ?? 0;
	const hash = hashWord(text, tables, scan);
	const size = wordSize;
	if (scan.lineIsNew) {
		beginLine(scan);
		if (size === 1 && (following === DOT || following === ROUND_END)) {
			count(scan, FIELD.choices, 1);
			scan.lastHash = 0;
			return;
		}
	}
	const row = rowOf(hash, size, scan.lastHash, tables);
	const classes = row < 0 ? 0 : (tables.rowClasses[row] ?? 0);
	scan.lastHash = hash;
	countWord(first, size, row, classes, scan);
	pushToken(scan, row < 0 ? hash : (tables.rowHash[row] ?? 0), row, classes);
}

/** Moves behind the word and returns its hash; its length and what follows are left in this module's variables. */
function hashWord(text: string, { fold, kinds }: Tables, scan: Scan): number {
	let hash = HASH_START;
	let size = 0;
	let { index } = scan;
	let code = fold[text.charCodeAt(index)] ?? 0;
	let kind = KIND.word as number;
	while (kind === KIND.word || (kind === KIND.digit && size > 0)) {
		hash = Math.imul(hash ^ code, HASH_PRIME);
		size += 1;
		if (size <= PREFIX_MAX) {
			prefixes[size] = hash;
		}
		do {
			index += 1;
			code = fold[text.charCodeAt(index)] ?? 0;
			kind = kinds[code] ?? 0;
		} while (kind === KIND.hidden);
		if (code === APOSTROPHE && size > ELISION_MAX) {
			// don't, that's: one word. l'eau, I'm: two.
			const after = fold[text.charCodeAt(index + 1)] ?? 0;
			if (kinds[after] === KIND.word) {
				index += 1;
				code = after;
				kind = KIND.word;
			}
		}
	}
	scan.index = index;
	following = code;
	wordSize = size;
	return hash >>> 0;
}

/** The word itself, or its beginning, or with the one before it. */
function rowOf(hash: number, size: number, lastHash: number, tables: Tables): number {
	let row = findRow(tables, hash);
	if (lastHash !== 0 && (row < 0 || size <= SYLLABLE_MAX)) {
		const pair = findRow(tables, pairHash(lastHash, hash));
		if (pair >= 0) {
			return pair;
		}
	}
	for (let length = Math.min(size, PREFIX_MAX); row < 0 && length >= PREFIX_MIN; length -= 1) {
		row = findPrefixRow(tables, prefixes[length] ?? 0);
	}
	return row;
}

function countWord(first: number, size: number, row: number, classes: number, scan: Scan): void {
	count(scan, FIELD.words, 1);
	if (size > 1) {
		if (following === ROUND && row < 0) {
			count(scan, FIELD.calls, 1);
		} else if (following === UNDERSCORE) {
			count(scan, FIELD.code, 1);
		}
	} else if ((classes & STOP) === 0) {
		count(scan, FIELD.variables, 1);
	}
	if (first > LATIN_END) {
		count(scan, FIELD.foreign, 1);
	}
	if (classes & FRAME) {
		count(scan, FIELD.framed, 1);
	} else if ((classes & STOP) === 0) {
		count(scan, FIELD.content, first >= HANGUL_START ? HANGUL_CONTENT : 1);
		count(scan, FIELD.letters, Math.min(size, WORD_MAX));
		if (size >= LONG) {
			count(scan, FIELD.long, 1);
			if (size >= VERY_LONG) {
				count(scan, FIELD.veryLong, 1);
			}
		}
	}
}

/** Reads the number that begins at `scan.index`, separators included. */
export function readNumber(text: string, { fold, kinds }: Tables, scan: Scan): void {
	let digits = 0;
	let { index } = scan;
	let code = 0;
	do {
		digits += 1;
		index += 1;
		code = fold[text.charCodeAt(index)] ?? 0;
		if (code === DOT || code === COMMA) {
			const after = fold[text.charCodeAt(index + 1)] ?? 0;
			if (kinds[after] === KIND.digit) {
				index += 1;
				code = after;
			}
		}
	} while (kinds[code] === KIND.digit);
	scan.index = index;
	scan.lastHash = 0;
	if (scan.lineIsNew) {
		beginLine(scan);
		if (digits <= LIST_DIGITS_MAX && (code === DOT || code === ROUND_END)) {
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
