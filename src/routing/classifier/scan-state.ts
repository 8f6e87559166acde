const TOKENS_MAX = 4_096;
const SEGMENTS_MAX = 512;
/** Of the first buffer; longer texts get a longer one. */
const UNITS = 8_448;

/** What is counted of a segment. */
export const FIELD = {
	/** Words that are neither grammar nor politeness. */
	content: 0,
	letters: 1,
	long: 2,
	veryLong: 3,
	numbers: 4,
	digits: 5,
	math: 6,
	latex: 7,
	code: 8,
	calls: 9,
	indents: 10,
	variables: 11,
	choices: 12,
	lists: 13,
	questions: 14,
	lines: 15,
	/** Words in other scripts than Latin. */
	foreign: 16,
	framed: 17,
	words: 18,
} as const;
export const FIELDS = 19;

/** A text taken apart. The arrays are reused: valid until the next text is read into them. */
export interface Scan {
	/** The text in UTF-16 units, and a 0 behind it. */
	units: Uint16Array;
	/** The same memory. */
	bytes: Buffer;
	/** Units of the text. */
	length: number;
	/** What each word is filed under. */
	readonly tokenHash: Uint32Array;
	/** -1 = a word that is not in the table. */
	readonly tokenRow: Int32Array;
	readonly tokenClasses: Int32Array;
	/** The first token of each segment; the entry after the last is the number of tokens. */
	readonly segmentStart: Uint32Array;
	/** The line a segment stands on. */
	readonly segmentLine: Uint32Array;
	/** Classes that any word of a segment is of. */
	readonly segmentClasses: Int32Array;
	/** FIELDS numbers for each segment. */
	readonly counts: Float64Array;
	tokens: number;
	segments: number;
	/** Where the counts of the segment being read begin. */
	at: number;
	/** Where the reader is in the text. */
	index: number;
	line: number;
	lineIsNew: boolean;
	/** Spaces at the beginning of the line. */
	indent: number;
	/** The word just before, to look up pairs; 0 = something stood between. */
	lastHash: number;
}

export function createScan(): Scan {
	const units = new Uint16Array(UNITS);
	return {
		units,
		bytes: Buffer.from(units.buffer),
		length: 0,
		tokenHash: new Uint32Array(TOKENS_MAX),
		tokenRow: new Int32Array(TOKENS_MAX),
		tokenClasses: new Int32Array(TOKENS_MAX),
		segmentStart: new Uint32Array(SEGMENTS_MAX + 1),
		segmentLine: new Uint32Array(SEGMENTS_MAX),
		segmentClasses: new Int32Array(SEGMENTS_MAX),
		counts: new Float64Array(SEGMENTS_MAX * FIELDS),
		tokens: 0,
		segments: 0,
		at: 0,
		index: 0,
		line: 0,
		lineIsNew: true,
		indent: 0,
		lastHash: 0,
	};
}

export function resetScan(scan: Scan, text: string): void {
	const { length } = text;
	if (length >= scan.units.length) {
		scan.units = new Uint16Array(2 * length);
		scan.bytes = Buffer.from(scan.units.buffer);
	}
	scan.bytes.write(text, 0, "utf16le");
	scan.units[length] = 0;
	scan.length = length;
	scan.tokens = 0;
	scan.segments = 1;
	scan.at = 0;
	scan.index = 0;
	scan.line = 0;
	scan.lineIsNew = true;
	scan.indent = 0;
	scan.lastHash = 0;
	scan.segmentStart[0] = 0;
	scan.segmentLine[0] = 0;
	scan.segmentClasses[0] = 0;
	scan.counts.fill(0, 0, FIELDS);
}

export function count(scan: Scan, field: number, amount: number): void {
	const index = scan.at + field;
	scan.counts[index] = (scan.counts[index] ?? 0) + amount;
}

/** Keeps a word; those beyond TOKENS_MAX are counted and not kept. */
export function pushToken(scan: Scan, hash: number, row: number, classes: number): void {
	const { tokens } = scan;
	const segment = scan.segments - 1;
	scan.segmentClasses[segment] = (scan.segmentClasses[segment] ?? 0) | classes;
	if (tokens < TOKENS_MAX) {
		scan.tokenHash[tokens] = hash;
		scan.tokenRow[tokens] = row;
		scan.tokenClasses[tokens] = classes;
		scan.tokens = tokens + 1;
	}
}

/** Ends the segment being read, unless nothing was in it; beyond SEGMENTS_MAX the rest of the text is one segment. */
export function nextSegment(scan: Scan): void {
	const { segments, counts, at } = scan;
	const isEmpty =
		scan.segmentStart[segments - 1] === scan.tokens &&
		counts[at + FIELD.code] === 0 &&
		counts[at + FIELD.math] === 0 &&
		counts[at + FIELD.content] === 0;
	if (!isEmpty && segments < SEGMENTS_MAX) {
		scan.segmentStart[segments] = scan.tokens;
		scan.segmentClasses[segments] = 0;
		scan.segments = segments + 1;
		scan.at = segments * FIELDS;
		for (let index = scan.at; index < scan.at + FIELDS; index += 1) {
			counts[index] = 0;
		}
	}
	scan.segmentLine[scan.segments - 1] = scan.line;
}
