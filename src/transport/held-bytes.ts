const EMPTY = new Uint8Array(0);
const CAPACITY_MIN = 1_024;

/** The beginning of something whose end has not come: bytes of earlier chunks, kept until the rest arrives. */
export interface HeldBytes {
	readonly length: number;
	/** Grows by doubling, so that tiny chunks stay linear. */
	add(bytes: Uint8Array): void;
	/** What is held, in place. */
	view(): Uint8Array;
	/** What is held, and nothing is from now on. It is not written to again: frames may point into it. */
	release(): Uint8Array;
}

export function createHeldBytes(): HeldBytes {
	let held = EMPTY;
	let length = 0;
	return {
		get length() {
			return length;
		},
		add(bytes) {
			const needed = length + bytes.length;
			if (needed > held.length) {
				const grown = new Uint8Array(Math.max(needed, held.length * 2, CAPACITY_MIN));
				grown.set(held.subarray(0, length));
				held = grown;
			}
			held.set(bytes, length);
			length = needed;
		},
		view: () => held.subarray(0, length),
		release() {
			const bytes = held.subarray(0, length);
			held = EMPTY;
			length = 0;
			return bytes;
		},
	};
}
