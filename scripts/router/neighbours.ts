import { hashText } from "../../src/routing/classifier/hash.ts";
import { findRow, type Tables, VECTOR_SIZE } from "../../src/routing/classifier/tables.ts";
import type { VectorWord } from "./lexicon.ts";
import { pick } from "./random.ts";
import { mapWords } from "./rewrites.ts";

/** Words seen less often have vectors that say too little. */
const COUNT_MIN = 25;
const COSINE_MIN = 0.62;
const NEAREST = 4;
const SHARE = 0.35;

export type Paraphrase = (text: string, random: () => number) => string;

/**
 * Says about the same in other words: some words replaced by ones that are used alike. Not what a person would write, but
 * it moves a prompt's words as a paraphrase does.
 */
export function createParaphrase(words: readonly VectorWord[]): Paraphrase {
	const known = words.filter(({ name, count }) => count >= COUNT_MIN && name.length >= 4);
	const rows = new Map(known.map(({ name }, row) => [name, row]));
	const vectors = known.map(({ vector }) => unit(vector));
	const cache = new Map<string, readonly string[]>();
	const nearest = (word: string): readonly string[] => {
		const row = rows.get(word);
		const found =
			cache.get(word) ?? (row === undefined ? [] : nearestTo(row, vectors).map((other) => known[other]?.name ?? word));
		cache.set(word, found);
		return found;
	};
	return (text, random) =>
		mapWords(text, random, SHARE, (word) => {
			const others = nearest(word.toLowerCase());
			return others[Math.floor(random() * others.length)] ?? word;
		});
}

/**
 * As a text of a language nobody knows but for its words of work: the others are replaced by words that do not exist. What
 * is learnt from it holds for every language that languages.txt translates those words of.
 */
export function foreignWords(tables: Tables): Paraphrase {
	const isKnown = (word: string) => {
		const row = findRow(tables, hashText(word.toLowerCase()));
		return row >= 0 && tables.rowClasses[row] !== 0;
	};
	return (text, random) =>
		text.replaceAll(/\p{L}{2,}/gu, (word) =>
			isKnown(word)
				? word
				: Array.from(word, (_, index) => pick([...(index % 2 === 0 ? "bdfgklmnprstvz" : "aeiou")], random)).join(""),
		);
}

function unit(vector: Int8Array): Float64Array {
	let squares = 0;
	for (const value of vector) {
		squares += value * value;
	}
	return Float64Array.from(vector, (value) => value / Math.sqrt(squares));
}

function nearestTo(row: number, vectors: readonly Float64Array[]): readonly number[] {
	const own = vectors[row] ?? new Float64Array(VECTOR_SIZE);
	const close: { readonly other: number; readonly cosine: number }[] = [];
	for (const [other, vector] of vectors.entries()) {
		let cosine = 0;
		for (let index = 0; index < VECTOR_SIZE; index += 1) {
			cosine += (own[index] ?? 0) * (vector[index] ?? 0);
		}
		if (cosine >= COSINE_MIN && other !== row) {
			close.push({ other, cosine });
		}
	}
	return close
		.sort((left, right) => right.cosine - left.cosine)
		.slice(0, NEAREST)
		.map(({ other }) => other);
}
