/** What goes wrong. */
export type MockFault =
	| { readonly kind: "status"; readonly status: number }
	/** The connection is closed before the head / accepted and never answered. */
	| { readonly kind: "reset" | "hang" }
	/** The connection breaks / goes silent once this many tokens have been sent. */
	| { readonly kind: "cut" | "stall"; readonly tokens: number }
	/** 200 with an error inside / 200 with an HTML page / 200 with JSON that stops half-way. */
	| { readonly kind: "error_first" | "garbage" | "truncated" };

/** How the mock provider is to answer, as spelled out by a model name. */
export interface MockScript {
	readonly answer: "echo" | "lorem" | "tool";
	readonly reasoning: boolean;
	/** Exact length of the answer; undefined = as long as it happens to be. */
	readonly tokens: number | undefined;
	/** Before the head of the answer. */
	readonly delayMs: number;
	/** Between two tokens of a stream. */
	readonly paceMs: number;
	readonly usage: boolean;
	readonly fault: MockFault | undefined;
	/** How many of a hundred requests the fault strikes. */
	readonly faultPercent: number;
	readonly retryAfterSeconds: number | undefined;
}

const PLAIN: MockScript = {
	answer: "echo",
	reasoning: false,
	tokens: undefined,
	delayMs: 0,
	paceMs: 0,
	usage: true,
	fault: undefined,
	faultPercent: 100,
	retryAfterSeconds: undefined,
};

const MODEL_LENGTH_MAX = 200;
const TOKENS_MAX = 100_000;
const WAIT_MAX_MS = 600_000;
/** Names are letters with inner hyphens, so the one number at the end is never ambiguous. */
const WORD = /^([a-z]+(?:-[a-z]+)*)(?:-(\d{1,6}))?$/;

interface Word {
	/** What the number may be; absent = the word takes none. */
	readonly number?: { readonly min: number; readonly max: number; readonly default?: number };
	/** What the word says. */
	readonly sets: (number: number) => Partial<MockScript>;
}

const TOKENS = { min: 0, max: TOKENS_MAX };
const WAIT = { min: 0, max: WAIT_MAX_MS };

const WORDS: Readonly<Record<string, Word>> = {
	echo: { sets: () => ({ answer: "echo" }) },
	lorem: { number: { ...TOKENS, default: 50 }, sets: (tokens) => ({ answer: "lorem", tokens }) },
	tool: { sets: () => ({ answer: "tool" }) },
	reasoning: { sets: () => ({ reasoning: true }) },
	tokens: { number: TOKENS, sets: (tokens) => ({ tokens }) },
	delay: { number: WAIT, sets: (delayMs) => ({ delayMs }) },
	slow: { number: { ...WAIT, default: 2_000 }, sets: (delayMs) => ({ delayMs }) },
	pace: { number: WAIT, sets: (paceMs) => ({ paceMs }) },
	stream: { number: { ...WAIT, default: 20 }, sets: (paceMs) => ({ paceMs }) },
	"no-usage": { sets: () => ({ usage: false }) },
	error: { number: { min: 400, max: 599 }, sets: (status) => ({ fault: { kind: "status", status } }) },
	"retry-after": { number: { min: 0, max: 86_400 }, sets: (retryAfterSeconds) => ({ retryAfterSeconds }) },
	reset: { sets: () => ({ fault: { kind: "reset" } }) },
	hang: { sets: () => ({ fault: { kind: "hang" } }) },
	cut: { number: { ...TOKENS, default: 3 }, sets: (tokens) => ({ fault: { kind: "cut", tokens } }) },
	stall: { number: { ...TOKENS, default: 3 }, sets: (tokens) => ({ fault: { kind: "stall", tokens } }) },
	"error-first": { sets: () => ({ fault: { kind: "error_first" } }) },
	garbage: { sets: () => ({ fault: { kind: "garbage" } }) },
	truncated: { sets: () => ({ fault: { kind: "truncated" } }) },
	flaky: { number: { min: 0, max: 100, default: 30 }, sets: (faultPercent) => ({ faultPercent }) },
};

/** The words a model name may be made of, for `GET /v1/models` and for error messages. */
export const SCRIPT_WORDS: readonly string[] = Object.keys(WORDS);

/**
 * Reads a model name such as `echo+delay-500+pace-20`: words joined by `+`, in any order, none of which may contradict
 * another. Returns what is wrong with it, in a sentence, when it is not such a name.
 */
export function parseScript(model: string): { readonly script: MockScript } | { readonly problem: string } {
	if (model.length > MODEL_LENGTH_MAX) {
		return { problem: `A model name has at most ${MODEL_LENGTH_MAX} characters.` };
	}
	let said: Partial<MockScript> = {};
	for (const word of model.split("+")) {
		const [, name = "", digits] = WORD.exec(word) ?? [];
		const known = Object.hasOwn(WORDS, name) ? WORDS[name] : undefined;
		if (known === undefined) {
			return { problem: `"${word}" is not one of ${SCRIPT_WORDS.join(", ")}.` };
		}
		const number = numberOf(known, digits);
		if (number === undefined) {
			return { problem: `"${word}": ${describeNumber(known)}.` };
		}
		const sets = known.sets(number);
		const twice = Object.keys(sets).find((key) => Object.hasOwn(said, key));
		if (twice !== undefined) {
			return { problem: `"${word}" contradicts an earlier word of "${model}".` };
		}
		said = { ...said, ...sets };
	}
	// `flaky` alone means internal errors.
	const flakyAlone = said.faultPercent !== undefined && said.fault === undefined;
	return { script: { ...PLAIN, ...(flakyAlone ? { fault: { kind: "status", status: 500 } } : {}), ...said } };
}

/** 0 for a word that takes no number; undefined when the number is missing, superfluous or out of bounds. */
function numberOf(word: Word, digits: string | undefined): number | undefined {
	if (word.number === undefined) {
		return digits === undefined ? 0 : undefined;
	}
	const number = digits === undefined ? word.number.default : Number(digits);
	return number !== undefined && number >= word.number.min && number <= word.number.max ? number : undefined;
}

function describeNumber(word: Word): string {
	return word.number === undefined
		? "this word takes no number"
		: `this word takes a number from ${word.number.min} to ${word.number.max}`;
}
