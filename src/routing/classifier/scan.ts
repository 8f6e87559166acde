import { KIND } from "./characters.ts";
import { readDense, readMathAlphabet } from "./read-dense.ts";
import { readNumber, readWord } from "./read-word.ts";
import { count, FIELD, nextSegment, resetScan, type Scan } from "./scan-state.ts";
import { type Lookup, lookupOf, type Tables } from "./tables.ts";

const QUESTION_MARK = 0x3f;
const ARABIC_QUESTION_MARK = 0x61f;
const FULL_WIDTH_FROM = 0x3000;
const BACKSLASH = 0x5c;
const ASTERISK = 0x2a;
const HASH = 0x23;
const MATH_ALPHABET = 0xd835;
const TAB = 9;
const TAB_WIDTH = 4;

/** Reads a text once from end to end: words (as hashes, no string is made), sentences, marks. Linear in the text. */
export function scanText(text: string, tables: Tables, scan: Scan): void {
	const lookup = lookupOf(tables);
	resetScan(scan, text);
	const { length, units } = scan;
	while (scan.index < length) {
		const unit = units[scan.index] ?? 0;
		const kind = lookup.kinds[unit] ?? 0;
		if (kind === KIND.word) {
			readWord(lookup, scan);
		} else if (kind === KIND.space) {
			scan.indent += unit === TAB ? TAB_WIDTH : 1;
			scan.index += 1;
		} else if (kind === KIND.digit) {
			readNumber(lookup, scan);
		} else if (kind === KIND.dense) {
			readDense(lookup, scan);
		} else if (kind === KIND.high) {
			readHigh(unit, lookup, scan);
		} else {
			scan.index += 1;
			if (kind !== KIND.hidden) {
				readMark(unit, kind, lookup, scan);
			}
		}
	}
	scan.segmentStart[scan.segments] = scan.tokens;
}

function readHigh(unit: number, lookup: Lookup, scan: Scan): void {
	if (unit === MATH_ALPHABET) {
		readMathAlphabet(lookup, scan);
	} else {
		scan.index += 1;
	}
}

function readMark(unit: number, kind: number, lookup: Lookup, scan: Scan): void {
	const code = lookup.fold[unit] ?? 0;
	scan.lastHash = 0;
	switch (kind) {
		case KIND.line:
			scan.line += 1;
			scan.lineIsNew = true;
			scan.indent = 0;
			nextSegment(scan);
			return;
		case KIND.end:
			if (code === QUESTION_MARK || code === ARABIC_QUESTION_MARK) {
				count(scan, FIELD.questions, 1);
			}
			if (unit > FULL_WIDTH_FROM || !goesOn(lookup, scan)) {
				nextSegment(scan);
			}
			return;
		case KIND.code:
			if (code === HASH && scan.lineIsNew) {
				// A heading.
				return;
			}
			count(scan, FIELD.code, 1);
			return;
		case KIND.math:
			readMath(code, lookup, scan);
			return;
		case KIND.joint:
			if (scan.lineIsNew) {
				count(scan, FIELD.lists, 1);
				scan.lineIsNew = false;
			}
			return;
		default:
			return;
	}
}

/** Whether something other than a space follows: "3.5", "e.g", "file.txt". */
function goesOn(lookup: Lookup, { index, length, units }: Scan): boolean {
	if (index >= length) {
		return false;
	}
	const kind = lookup.kinds[units[index] ?? 0];
	return kind !== KIND.space && kind !== KIND.line;
}

function readMath(code: number, lookup: Lookup, scan: Scan): void {
	const next = scan.units[scan.index] ?? 0;
	if (code === BACKSLASH) {
		count(scan, lookup.kinds[next] === KIND.word ? FIELD.latex : FIELD.code, 1);
		return;
	}
	if (code === ASTERISK && (scan.lineIsNew || next === ASTERISK)) {
		// A list or bold type.
		return;
	}
	count(scan, FIELD.math, 1);
}
