/**
 * Token counts without a tokenizer: one pass, no allocation, a few nanoseconds a character.
 *
 * A small automaton cuts text about where o200k cuts it (words with the mark or space before them, digits by three,
 * runs of marks and of white space) and charges what such pieces cost on average, with a margin. Calibrated against
 * js-tiktoken in test/unit/metering/tokens.test.ts: change a number here and that test says what it did.
 */

/** Costs are in 1/32 of a token, so that sums are integers. */
const ONE = 32;
/** For what a very short text can lose to averages. */
const SHORT_TEXT = 2 * ONE;
/** How far the bound lies above the count for ordinary text. */
const FAIR_MARGIN = 1.18;

/** Classes of UTF-16 code units. These are ASCII's; all others are charged by the unit, whatever is around them. */
const LOWER = 0;
const UPPER = 1;
const DIGIT = 2;
const SPACE = 3;
const LINE = 4;
const MARK = 5;
const ASCII_CLASSES = 6;

/** From the first code unit of a range: what one unit costs at most. o200k makes fewer of most texts in these scripts. */
const UNIT_COSTS: readonly (readonly [firstCode: number, cost: number])[] = [
	[0x80, 32], // Latin letters with marks, punctuation: they also break the words around them
	[0x250, 48],
	[0x370, 20], // Greek, Cyrillic
	[0x530, 34], // Armenian
	[0x590, 28], // Hebrew
	[0x600, 22], // Arabic, Persian, Urdu
	[0x700, 64],
	[0x900, 24], // Scripts of India, Thai
	[0xe80, 68], // Lao, Tibetan
	[0x1000, 34], // Burmese, Georgian
	[0x1100, 80], // Ethiopic and rarer ones
	[0x1780, 38], // Khmer
	[0x1800, 68],
	[0x1e00, 48], // Vietnamese, polytonic Greek
	[0x2000, 64], // Symbols
	[0x3000, 32], // Kana, East Asian punctuation
	[0x3100, 64],
	[0x4e00, 42], // Han
	[0xa000, 80],
	[0xac00, 42], // Hangul
	[0xd7b0, 64], // Surrogates: emoji and the rest come in pairs
];

/** What the automaton has just read. */
const START = 0;
const UPPERS = 1;
const DIGIT_1 = 2;
const DIGIT_2 = 3;
const DIGIT_3 = 4;
const SPACE_1 = 5;
const SPACES = 6;
const LINES = 7;
/** A single mark, not charged yet: it joins a word that follows. */
const MARK_1 = 8;
const MARKS = 9;
/** One lower-case letter; from here on the states count letters. */
const LOWER_1 = 10;
/** A long word: English ones are still a token, those of other languages no longer. */
const LOWER_LONG = 16;
const STATES = 17;

const CLASS_OF_UNIT = classTable();
const WIDTH = ASCII_CLASSES + UNIT_COSTS.length;
/**
 * One number a state and class: the cost from bit 16 up, two flags, and below them the row of the state that follows
 * (state × WIDTH), so that a step is two loads.
 */
const TRANSITIONS = transitionTable();
const WITHIN_WORD = 1 << 15;
const WITHIN_RUN = 1 << 14;
const ROW = WITHIN_RUN - 1;

/**
 * Letter pairs that are common inside English words and identifiers: after a, after b, and so on. Several others in one
 * word mean that it is none (an id, base64, a foreign name), and then it costs a token for every other letter.
 */
const COMMON_AFTER =
	"bcdfgiklmnprstuvwxy aeijloruy acehiklortu adeilorsu abcdefgilmnopqrstvwxy acefilortu ehilnorsu aeiortu " +
	"abcdefglmnoprstvz es aeis adefilostuy abeilmopsuy acdefgiklnopstuvy abcdefgiklmnoprstuvw aeiloprstu lu " +
	"abcdefgiklmnorstuy acehikopqrstuy acehiloprstuy abcdegilmnprst aei aehino apt nops eo";
const ALPHABET = "abcdefghijklmnopqrstuvwxyz";
const RARE_AFTER = rareAfter();
const RARE_FIRST = 8;
const RARE_NEXT = 26;
/** Another mark or another kind of white space than the one before. */
const RUN_CHANGE = 17;

/**
 * An upper bound of the prompt tokens a text makes, by o200k's count: some 10 to 25 percent above it for English prose,
 * code and JSON, less above it for other languages in Latin letters (lists of their proper names may pass it). Up to
 * twice the count for scripts whose tokens vary most: Cyrillic, Arabic, Hebrew, Indic scripts, Chinese, Japanese, Korean,
 * emoji.
 *
 * Calibrated, not proven: a text of words made up to look like English can pass it, and the tokenizers of other vendors
 * and of older models count more, most of all outside English. The provider's own count settles the bill.
 */
export function promptTokensUpperBound(text: string): number {
	return Math.ceil((measure(text) + SHORT_TEXT) / ONE);
}

/** A fair estimate of the tokens of a text that was seen, such as an answer that was cut before its usage came. */
export function estimateTokens(text: string): number {
	return text === "" ? 0 : Math.max(1, Math.round(measure(text) / (ONE * FAIR_MARGIN)));
}

/** Without a branch but the loop's own: words end at random, and a mispredicted branch costs more than all of this. */
function measure(text: string): number {
	const { length } = text;
	let cost = 0;
	let row = START;
	let previous = 0;
	let rareBits = 0;
	let rareSeen = 0;
	for (let index = 0; index < length; index += 1) {
		const code = text.charCodeAt(index);
		const step = TRANSITIONS[row + (CLASS_OF_UNIT[code] ?? 0)] ?? 0;
		const withinWord = (step >> 15) & 1;
		// Shifts count modulo 32, so that `a` and `A` (97 and 65) are both bit 1.
		const rare = (rareBits >> code) & withinWord;
		const changed = code ^ previous;
		const runChange = ((changed | -changed) >>> 31) & (step >> 14);
		cost += (step >> 16) + rare * (RARE_FIRST + rareSeen * (RARE_NEXT - RARE_FIRST)) + runChange * RUN_CHANGE;
		rareSeen = (rareSeen & withinWord) | rare;
		rareBits = RARE_AFTER[code & 127] ?? 0;
		previous = code;
		row = step & ROW;
	}
	return cost;
}

/** What reading each class costs in each state, and the state after it. */
function transitionTable(): Int32Array {
	const table = new Int32Array(STATES * WIDTH);
	for (let state = START; state < STATES; state += 1) {
		const lowers = state >= LOWER_1;
		const word = lowers || state === UPPERS;
		const spaced = state === SPACE_1 || state === SPACES;
		const marked = state === MARK_1 || state === MARKS;
		const set = (kind: number, cost: number, next: number, flag = 0): void => {
			// A single mark that turns out not to begin a word is a token of its own.
			const pending = state === MARK_1 && kind > UPPER ? ONE : 0;
			table[state * WIDTH + kind] = ((cost + pending) << 16) | flag | (next * WIDTH);
		};
		const wordStart = spaced ? 32 : state === MARK_1 ? 41 : 38;
		const letter = state === LOWER_LONG ? 4 : 2;
		set(LOWER, word ? letter : wordStart, lowers ? Math.min(state + 1, LOWER_LONG) : LOWER_1, word ? WITHIN_WORD : 0);
		// `fooBar` is two pieces, `HTMLParser` one; capitals take more tokens.
		set(UPPER, state === UPPERS ? 10 : wordStart, UPPERS, state === UPPERS ? WITHIN_WORD : 0);
		// Three digits are one token, and never take the space before them along.
		const digits = state === DIGIT_1 ? DIGIT_2 : state === DIGIT_2 ? DIGIT_3 : DIGIT_1;
		set(DIGIT, digits !== DIGIT_1 ? 0 : spaced ? 2 * ONE : ONE, digits);
		// One space belongs to the word after it, more are a token.
		const spaces = state === SPACES ? WITHIN_RUN : 0;
		set(SPACE, state === SPACE_1 ? ONE : state === SPACES ? 1 : 0, spaced ? SPACES : SPACE_1, spaces);
		// Line ends join one another and the marks before them.
		set(LINE, marked ? 0 : state === LINES ? 2 : ONE, LINES);
		const marks = state === MARKS ? WITHIN_RUN : 0;
		set(MARK, state === MARKS ? 2 : spaced ? ONE : 0, spaced || marked ? MARKS : MARK_1, marks);
		for (const [index, [, cost]] of UNIT_COSTS.entries()) {
			set(ASCII_CLASSES + index, cost, START);
		}
	}
	return table;
}

function classTable(): Uint8Array {
	const table = new Uint8Array(0x1_0000).fill(MARK, 0, 0x80);
	table.fill(LOWER, 0x61, 0x7b);
	table.fill(UPPER, 0x41, 0x5b);
	table.fill(DIGIT, 0x30, 0x3a);
	for (const [kind, ...codes] of [
		[SPACE, 0x20, 0x09, 0x0b, 0x0c],
		[LINE, 0x0a, 0x0d],
	] as const) {
		for (const code of codes) {
			table[code] = kind;
		}
	}
	for (const [index, [firstCode]] of UNIT_COSTS.entries()) {
		table.fill(ASCII_CLASSES + index, firstCode);
	}
	return table;
}

/** By ASCII code of a letter, either case: a bit for each letter that rarely follows, at the letter's code modulo 32. */
function rareAfter(): Int32Array {
	const table = new Int32Array(128);
	const bitOf = (letter: string): number => 1 << (letter.charCodeAt(0) & 31);
	const all = [...ALPHABET].reduce((bits, letter) => bits | bitOf(letter), 0);
	for (const [index, common] of COMMON_AFTER.split(" ").entries()) {
		const bits = [...common].reduce((rest, letter) => rest & ~bitOf(letter), all);
		table[0x41 + index] = bits;
		table[0x61 + index] = bits;
	}
	return table;
}
