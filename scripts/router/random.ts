/** Numbers in [0, 1) that depend on the seed alone (mulberry32: integers only, the same on every machine). */
export function createRandom(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}

export function shuffled(length: number, random: () => number): Uint32Array {
	const order = Uint32Array.from({ length }, (_, index) => index);
	for (let index = length - 1; index > 0; index -= 1) {
		const other = Math.floor(random() * (index + 1));
		const kept = order[index] ?? 0;
		order[index] = order[other] ?? 0;
		order[other] = kept;
	}
	return order;
}

export function pick<T>(list: readonly T[], random: () => number): T {
	const chosen = list[Math.floor(random() * list.length)];
	if (chosen === undefined) {
		throw new Error("Nothing to pick from");
	}
	return chosen;
}
