import { type Tables, VECTOR_SIZE } from "./tables.ts";

const WORDS_MAX = 4_096;

/** The words whose vectors are to be added. */
export interface Gathered {
	readonly starts: Int32Array;
	readonly scales: Float64Array;
	words: number;
}

export function createGathered(): Gathered {
	return { starts: new Int32Array(WORDS_MAX), scales: new Float64Array(WORDS_MAX), words: 0 };
}

export function gatherVector(gathered: Gathered, row: number, scale: number): void {
	const { words } = gathered;
	gathered.starts[words] = row * VECTOR_SIZE;
	gathered.scales[words] = scale;
	gathered.words = words + 1;
}

/**
 * Adds the vectors gathered, word after word, and forgets them. Eight places of all words at a time: so many sums are kept
 * in registers, where adding all of a vector before the next would read and write every sum for each word.
 */
export function addVectors(gathered: Gathered, { vectors }: Tables, sums: Float64Array): void {
	const { starts, scales, words } = gathered;
	for (let place = 0; place < VECTOR_SIZE; place += 8) {
		let a = sums[place] ?? 0;
		let b = sums[place + 1] ?? 0;
		let c = sums[place + 2] ?? 0;
		let d = sums[place + 3] ?? 0;
		let e = sums[place + 4] ?? 0;
		let f = sums[place + 5] ?? 0;
		let g = sums[place + 6] ?? 0;
		let h = sums[place + 7] ?? 0;
		for (let word = 0; word < words; word += 1) {
			const at = (starts[word] ?? 0) + place;
			const scale = scales[word] ?? 0;
			a += scale * (vectors[at] ?? 0);
			b += scale * (vectors[at + 1] ?? 0);
			c += scale * (vectors[at + 2] ?? 0);
			d += scale * (vectors[at + 3] ?? 0);
			e += scale * (vectors[at + 4] ?? 0);
			f += scale * (vectors[at + 5] ?? 0);
			g += scale * (vectors[at + 6] ?? 0);
			h += scale * (vectors[at + 7] ?? 0);
		}
		sums[place] = a;
		sums[place + 1] = b;
		sums[place + 2] = c;
		sums[place + 3] = d;
		sums[place + 4] = e;
		sums[place + 5] = f;
		sums[place + 6] = g;
		sums[place + 7] = h;
	}
	gathered.words = 0;
}
