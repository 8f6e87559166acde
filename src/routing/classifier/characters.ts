/** In the kinds that a word goes on with. */
export const GOES_ON = 0x80;
/** In the kinds within a word that say nothing themselves: what is behind them decides. */
export const MAY_GO_ON = 0x40;

/** What a character is to the reader of a prompt. */
export const KIND = {
	other: 0,
	space: 1,
	line: 2,
	/** Written without spaces between words. */
	dense: 3,
	/** Hyphen: part of a list's mark, or between two words. */
	joint: 4,
	/** Ends a sentence. */
	end: 5,
	code: 6,
	math: 7,
	/** The first half of a pair of UTF-16 units. */
	high: 8,
	word: GOES_ON,
	digit: GOES_ON + 1,
	/** Part of a word that goes on after it. */
	apostrophe: MAY_GO_ON,
	/** Seen by nobody: zero-width characters, combining marks. */
	hidden: MAY_GO_ON + 1,
} as const;

/** Chinese, Japanese and Korean write about this many characters for what English writes as a word. */
export const DENSE_CHARACTERS_PER_WORD = 1.7;

const CODE_MARKS = "{}[];<>_|&#@~";
const MATH_MARKS = "=^+*/\\$%±×÷∑∏∫√≤≥≠≈∞∂∇∈∉⊂⊆∪∩∀∃→⇒⇔¬∧∨·";

/** Kinds of the characters as they are after folding. */
export function characterKinds(): Uint8Array {
	const kinds = new Uint8Array(0x1_00_00);
	const range = (from: number, to: number, kind: number) => kinds.fill(kind, from, to + 1);
	range(0xaa, 0x1fff, KIND.word);
	range(0x2c00, 0x2dff, KIND.word);
	range(0xa640, 0xabff, KIND.word);
	range(0xfb00, 0xfdff, KIND.word);
	range(0xfe70, 0xfefc, KIND.word);
	range(0xac00, 0xd7af, KIND.word);
	range(0x0e00, 0x0eff, KIND.dense);
	range(0x1780, 0x17ff, KIND.dense);
	range(0x1000, 0x109f, KIND.dense);
	range(0x2e80, 0x2fff, KIND.dense);
	range(0x3041, 0x30ff, KIND.dense);
	range(0x3105, 0x9fff, KIND.dense);
	range(0xf900, 0xfaff, KIND.dense);
	range(0x41, 0x5a, KIND.word);
	range(0x61, 0x7a, KIND.word);
	range(0x30, 0x39, KIND.digit);
	range(0x300, 0x36f, KIND.hidden);
	range(0x200b, 0x200f, KIND.hidden);
	range(0x202a, 0x202e, KIND.hidden);
	range(0x2060, 0x206f, KIND.hidden);
	range(0xfe00, 0xfe0f, KIND.hidden);
	range(0xd800, 0xdbff, KIND.high);
	range(0x2000, 0x200a, KIND.space);
	const each = (characters: string, kind: number) => {
		for (const character of characters) {
			kinds[character.charCodeAt(0)] = kind;
		}
	};
	each("\u00ad\u034f\u061c\u115f\u1160\u180e\ufeff", KIND.hidden);
	each(" \t\u00a0\u202f\u205f\u3000", KIND.space);
	each("\n\r\u2028\u2029", KIND.line);
	each("'’", KIND.apostrophe);
	each("-‐‑", KIND.joint);
	each(".!?。！？…؟۔।¿¡", KIND.end);
	each("\u060c\u061b«»¬¯°²³´µ¶¸¹º¼½¾", KIND.other);
	each(CODE_MARKS, KIND.code);
	each(MATH_MARKS, KIND.math);
	return kinds;
}
