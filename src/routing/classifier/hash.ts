/** FNV-1a over UTF-16 units, so that the hash of a word's beginning is known while the word is read. */
export const HASH_START = 0x811c9dc5;
export const HASH_PRIME = 0x01000193;

/** Marks the hash of a word's beginning, so that it is never taken for a whole word. */
const PREFIX_SALT = 0x5bd1e995;

export function hashText(text: string): number {
	let hash = HASH_START;
	for (let index = 0; index < text.length; index += 1) {
		hash = Math.imul(hash ^ text.charCodeAt(index), HASH_PRIME);
	}
	return hash >>> 0;
}

/** Spreads every bit over all others (MurmurHash3's finaliser). */
export function mix(hash: number): number {
	const first = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
	const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
	return (second ^ (second >>> 16)) >>> 0;
}

export function prefixHash(hash: number): number {
	return (hash ^ PREFIX_SALT) >>> 0;
}

/** Of two words in this order. */
export function pairHash(first: number, second: number): number {
	return mix(Math.imul(first, 0x9e3779b1) ^ second);
}
