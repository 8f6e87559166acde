import { mix, prefixHash } from "./hash.ts";

/** Rows of the word table that are no English word of the vector list start here. */
export interface Tables {
	/** What each UTF-16 unit is read as: lower case, without accents, look-alikes as the letter they look like. */
	readonly fold: Uint16Array;
	/** KIND of a folded unit. */
	readonly kinds: Uint8Array;
	/** Hash table of the words that are known: hashes (0 = free) and their rows. Its size is a power of two. */
	readonly keys: Uint32Array;
	readonly rows: Uint16Array;
	/** Of each row: the hash its features are filed under (a translation shares its English word's). */
	readonly rowHash: Uint32Array;
	/** Of each row: bits of classes.ts. */
	readonly rowClasses: Uint32Array;
	/** Of each row: 0 = very common, 255 = rare; 0 for rows without a vector. */
	readonly rowRarity: Uint8Array;
	/** 64 signed bytes each, for the first rows. */
	readonly vectors: Int8Array;
	/** What a vector's bytes are multiplied with, the weight of the word in the mean included. */
	readonly vectorScale: Float32Array;
	/** The weight of each word in the mean. */
	readonly vectorWeight: Float32Array;
}

export const VECTOR_SIZE = 64;

/** The row of a word's hash, or -1. */
export function findRow({ keys, rows }: Tables, hash: number): number {
	const mask = keys.length - 1;
	for (let slot = mix(hash) & mask; ; slot = (slot + 1) & mask) {
		const key = keys[slot];
		if (key === hash) {
			return rows[slot] ?? -1;
		}
		if (key === 0) {
			return -1;
		}
	}
}

export function findPrefixRow(tables: Tables, hash: number): number {
	return findRow(tables, prefixHash(hash));
}
