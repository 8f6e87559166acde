import { DENSE_CHARACTERS_PER_WORD, KIND } from "./characters.ts";
import { FRAME, STOP } from "./classes.ts";
import { HASH_PRIME, HASH_START } from "./hash.ts";
import { count, FIELD, pushToken, type Scan } from "./scan-state.ts";
import { type Lookup, rowOf, trialRow } from "./tables.ts";

/** The longest word looked for where words are not separated. */
const DENSE_WORD_MAX = 6;
/** About this share of a language's words says something; the rest is grammar. */
const CONTENT_SHARE = 0.6;
const CONTENT_PER_CHARACTER = CONTENT_SHARE / DENSE_CHARACTERS_PER_WORD;
/** Letters of an English word: what a word of two characters counts as. */
const LETTERS_PER_CHARACTER = 3;
/** The alphabets repeat every 26 letters. */
const LETTERS = 26;
const LOW_START = 0xdc00;
const LETTER_A = 0x61;
const MATH_ALPHABET = 0xd835;

/**
 * Reads at `scan.index` in a script without spaces: the longest known word that begins here, or one character.
 * The words known are the word table's; every character adds to the length.
 */
export function readDense(lookup: Lookup, scan: Scan): void {
	const { units } = scan;
	const start = scan.index;
	let hash = HASH_START | 0;
	let found = -1;
	let size = 1;
	for (let length = 1; length <= DENSE_WORD_MAX; length += 1) {
		const unit = units[start + length - 1] ?? 0;
		if (lookup.kinds[unit] !== KIND.dense) {
			break;
		}
		hash = Math.imul(hash ^ (lookup.fold[unit] ?? 0), HASH_PRIME);
		const row = length === 1 ? -1 : trialRow(lookup, hash);
		if (row >= 0) {
			found = row;
			size = length;
		}
	}
	scan.index = start + size;
	scan.lineIsNew = false;
	scan.lastHash = 0;
	const classes = found < 0 ? 0 : (lookup.rowClasses[found] ?? 0);
	const words = found < 0 ? 1 / DENSE_CHARACTERS_PER_WORD : 1;
	count(scan, FIELD.words, words);
	count(scan, FIELD.foreign, words);
	if (classes & FRAME) {
		count(scan, FIELD.framed, 1);
	} else if ((classes & STOP) === 0) {
		count(scan, FIELD.content, found < 0 ? CONTENT_PER_CHARACTER : 1);
		count(scan, FIELD.letters, size * LETTERS_PER_CHARACTER * (found < 0 ? CONTENT_PER_CHARACTER : 1));
	}
	if (found >= 0) {
		pushToken(scan, lookup.rowHash[found] ?? 0, found, classes);
	}
}

/** Reads a word in letters of a mathematical alphabet (bold, script, double-struck) as the letters they are drawn as. */
export function readMathAlphabet(lookup: Lookup, scan: Scan): void {
	const { units } = scan;
	let hash = HASH_START | 0;
	let { index } = scan;
	while (units[index] === MATH_ALPHABET && index + 1 < scan.length) {
		hash = Math.imul(hash ^ (LETTER_A + (((units[index + 1] ?? 0) - LOW_START) % LETTERS)), HASH_PRIME);
		index += 2;
	}
	scan.index = Math.max(index, scan.index + 1);
	const row = rowOf(lookup, hash);
	const classes = row < 0 ? 0 : (lookup.rowClasses[row] ?? 0);
	count(scan, FIELD.words, 1);
	if ((classes & (STOP | FRAME)) === 0) {
		count(scan, FIELD.content, 1);
		count(scan, FIELD.letters, 5);
	}
	pushToken(scan, row < 0 ? hash : (lookup.rowHash[row] ?? 0), row, classes);
}
