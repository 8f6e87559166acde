import { mix } from "./hash.ts";

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

/** What a text is read with: the tables, laid out so that reading a character and looking a word up take few steps. */
export interface Lookup {
	readonly fold: Uint16Array;
	/** KIND of what each UTF-16 unit is folded to: known without waiting for the folding. */
	readonly kinds: Uint8Array;
	/** As in the tables, signed: the engine keeps such numbers as integers. */
	readonly keys: Int32Array;
	readonly rows: Uint16Array;
	readonly rowHash: Int32Array;
	readonly rowClasses: Int32Array;
	/** A bit for the last bits of each key. Of what is looked up on trial most is not there, and most of that ends here. */
	readonly known: Int32Array;
}

export const VECTOR_SIZE = 64;

/** 32 KB, in which about one bit in fifteen is set. */
const KNOWN_SIZE = 1 << 13;

const lookups = new WeakMap<Tables, Lookup>();

/** Made when tables are first read with, in about three milliseconds. */
export function lookupOf(tables: Tables): Lookup {
	const made = lookups.get(tables);
	if (made !== undefined) {
		return made;
	}
	const { fold, keys, rows, rowHash, rowClasses } = tables;
	const lookup: Lookup = {
		fold,
		kinds: unitKinds(tables),
		keys: signed(keys),
		rows,
		rowHash: signed(rowHash),
		rowClasses: signed(rowClasses),
		known: knownBits(keys),
	};
	lookups.set(tables, lookup);
	return lookup;
}

/** The row of a word's hash, or -1. */
export function findRow(tables: Tables, hash: number): number {
	return rowOf(lookupOf(tables), hash | 0);
}

/** The row of a signed hash that is probably there, or -1. */
export function rowOf({ keys, rows }: Lookup, hash: number): number {
	const mask = keys.length - 1;
	for (let slot = mix(hash) & mask; ; slot = (slot + 1) & mask) {
		const key = keys[slot] ?? 0;
		if (key === hash) {
			return rows[slot] ?? -1;
		}
		if (key === 0) {
			return -1;
		}
	}
}

/** The row of a signed hash that is probably not there, or -1. */
export function trialRow(lookup: Lookup, hash: number): number {
	const bits = lookup.known[(hash >>> 5) & (KNOWN_SIZE - 1)] ?? 0;
	return (bits >>> (hash & 31)) & 1 ? rowOf(lookup, hash) : -1;
}

function signed({ buffer, byteOffset, length }: Uint32Array): Int32Array {
	return new Int32Array(buffer, byteOffset, length);
}

function unitKinds({ fold, kinds }: Tables): Uint8Array {
	const all = kinds.slice();
	for (let unit = 0; unit < fold.length; unit += 1) {
		const code = fold[unit] ?? 0;
		if (code !== unit) {
			all[unit] = kinds[code] ?? 0;
		}
	}
	return all;
}

function knownBits(keys: Uint32Array): Int32Array {
	const known = new Int32Array(KNOWN_SIZE);
	for (let slot = 0; slot < keys.length; slot += 1) {
		const key = keys[slot] ?? 0;
		if (key !== 0) {
			const index = (key >>> 5) & (KNOWN_SIZE - 1);
			known[index] = (known[index] ?? 0) | (1 << (key & 31));
		}
	}
	return known;
}
