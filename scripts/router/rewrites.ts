import { pick } from "./random.ts";

/** What surrounds a prompt in a rewriting. Training and evaluation have different ones. */
export interface Surroundings {
	/** Sentences that ask for nothing. */
	readonly filler: readonly string[];
	/** Before and after the prompt, politely. */
	readonly frames: readonly (readonly [string, string])[];
	/** Statements about the world, of fields of work too. */
	readonly prose: readonly string[];
	/** Lines of big words. */
	readonly stuffing: readonly string[];
}

type Rewrite = (text: string, random: () => number, around: Surroundings) => string;

const KINDS = {
	typos: (text, random) => mapWords(text, random, 0.12, (word) => typo(word, random)),
	upper: (text) => text.toUpperCase(),
	lower: (text) => text.toLowerCase(),
	fence: (text) => `\`\`\`\n${text}\n\`\`\``,
	json: (text, random) => JSON.stringify(pick(ENVELOPES, random)(text)),
	filler_before: (text, random, { filler }) => `${some(filler, 3, random)} ${text}`,
	filler_after: (text, random, { filler }) => `${text} ${some(filler, 3, random)}`,
	long_filler: (text, random, { filler }) => `${some(filler, 10, random)}\n\n${text}`,
	polite: (text, random, { frames }) => {
		const [before, after] = pick(frames, random);
		return `${before}${text}${after}`;
	},
	stuffing: (text, random, { stuffing }) => `${text}\n${pick(stuffing, random)}`,
	stuffing_before: (text, random, { stuffing }) => `${pick(stuffing, random)}\n${text}`,
	stuffing_inline: (text, random, { stuffing }) =>
		random() < 0.5 ? sentences(pick(stuffing, random), text) : sentences(text, pick(stuffing, random)),
	stuffing_inside: (text, random, { stuffing }) => inside(text, pick(stuffing, random), random),
	stuffed_paragraph: (text, random, { stuffing }) => {
		const paragraph = Array.from({ length: 3 }, () => pick(stuffing, random)).join(" ");
		return random() < 0.5 ? `${paragraph}\n\n${text}` : `${text}\n\n${paragraph}`;
	},
	prose_before: (text, random, { prose }) => `${some(prose, 2, random)}${random() < 0.5 ? " " : "\n"}${text}`,
	prose_after: (text, random, { prose }) => `${text}${random() < 0.5 ? " " : "\n"}${some(prose, 2, random)}`,
	filler_around: (text, random, { filler }) => `${some(filler, 3, random)}\n${text}\n${some(filler, 3, random)}`,
	homoglyphs: (text, random) => swapLetters(text, random, 0.3, LOOKALIKES),
	zero_width: (text, random) => text.replaceAll(/\p{L}/gu, (letter) => (random() < 0.2 ? `${letter}\u200b` : letter)),
	full_width: (text) => text.replaceAll(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)),
	spacing: (text, random) => text.replaceAll(" ", () => (random() < 0.2 ? "  " : " ")).replaceAll("\n", "\n\n"),
	quoted: (text) => `"${text}"`,
	tagged: (text) => `<task>\n${text}\n</task>`,
	markdown: (text) => `## Task\n\n**${text.trim()}**`,
} as const satisfies Readonly<Record<string, Rewrite>>;

export type RewriteName = keyof typeof KINDS;

/** Rewritings that leave the task what it is. */
export const REWRITES: Readonly<Record<RewriteName, Rewrite>> = KINDS;

const ENVELOPES: readonly ((text: string) => unknown)[] = [
	(text) => ({ prompt: text }),
	(text) => ({ role: "user", content: text }),
	(text) => ({ task: { instruction: text, language: "en" }, version: 2 }),
	(text) => [{ type: "text", text }],
];

const LOOKALIKES: Readonly<Record<string, string>> = {
	a: "а",
	e: "е",
	o: "о",
	p: "р",
	c: "с",
	x: "х",
	i: "і",
	s: "ѕ",
	y: "у",
};

function swapLetters(
	text: string,
	random: () => number,
	share: number,
	letters: Readonly<Record<string, string>>,
): string {
	return text.replaceAll(/[a-z]/g, (letter) => (random() < share ? (letters[letter] ?? letter) : letter));
}

/** Words with something done to a share of them. */
export function mapWords(text: string, random: () => number, share: number, change: (word: string) => string): string {
	return text.replaceAll(/\p{L}{4,}/gu, (word) => (random() < share ? change(word) : word));
}

function typo(word: string, random: () => number): string {
	const at = 1 + Math.floor(random() * (word.length - 2));
	const kind = random();
	if (kind < 0.35) {
		return `${word.slice(0, at)}${word[at + 1] ?? ""}${word[at] ?? ""}${word.slice(at + 2)}`;
	}
	if (kind < 0.65) {
		return word.slice(0, at) + word.slice(at + 1);
	}
	return kind < 0.85
		? `${word.slice(0, at)}${word[at] ?? ""}${word.slice(at)}`
		: `${word.slice(0, at)}${pick([..."aeiourstln"], random)}${word.slice(at + 1)}`;
}

function sentences(first: string, second: string): string {
	return /[.!?]$/u.test(first) ? `${first} ${second}` : `${first}. ${second}`;
}

/** Between two sentences or lines of the text, or behind the only one. */
function inside(text: string, line: string, random: () => number): string {
	const breaks = [...text.matchAll(/(?<=\w\w)[.!?]\s|\n/g)].map(({ index, 0: { length } }) => index + length);
	if (breaks.length === 0) {
		return `${text}\n${line}`;
	}
	const at = pick(breaks, random);
	return `${text.slice(0, at)}${line}\n${text.slice(at)}`;
}

function some(list: readonly string[], most: number, random: () => number): string {
	return Array.from({ length: 1 + Math.floor(random() * most) }, () => pick(list, random)).join(" ");
}
