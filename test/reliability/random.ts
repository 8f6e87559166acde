/** Chance from a seed: the same seed draws the same numbers. */
export interface Random {
	/** From 0 to below 1. */
	real(): number;
	/** A whole number, both ends included. */
	int(min: number, max: number): number;
	chance(share: number): boolean;
	pick<T>(options: readonly T[]): T;
	/** A name by its weight. */
	weighted<T extends string>(weights: Readonly<Record<T, number>>): T;
	/** Another sequence, which does not depend on how many numbers were drawn here. */
	fork(name: string): Random;
}

/** `SEED` of the environment, else a new one. Told at once, so that a run that never ends can be repeated too. */
export function chooseSeed(goal: string): number {
	const given = process.env.SEED;
	const seed = given === undefined || given === "" ? crypto.getRandomValues(new Uint32Array(1))[0] : Number(given);
	if (seed === undefined || !Number.isSafeInteger(seed) || seed < 0) {
		throw new Error(`SEED must be a whole number from 0, not ${JSON.stringify(given)}`);
	}
	console.log(`${goal}: SEED=${seed}`);
	return seed;
}

export function createRandom(seed: number | bigint): Random {
	// splitmix64 (https://prng.di.unimi.it/splitmix64.c), cut to its upper 53 bits.
	let state = BigInt.asUintN(64, BigInt(seed));
	function next(): number {
		state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
		let mixed = state;
		mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
		mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
		return Number((mixed ^ (mixed >> 31n)) >> 11n) / 2 ** 53;
	}
	const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
	return {
		real: next,
		int,
		chance: (share) => next() < share,
		pick(options) {
			const picked = options[int(0, options.length - 1)];
			if (picked === undefined) {
				throw new Error("there is nothing to pick from");
			}
			return picked;
		},
		weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
			// Object.entries() forgets what the keys are.
			const entries = Object.entries(weights) as [T, number][];
			let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
			for (const [name, weight] of entries) {
				left -= weight;
				if (left < 0) {
					return name;
				}
			}
			throw new Error("there is nothing to pick from");
		},
		fork: (name) => createRandom(Bun.hash.wyhash(name, BigInt(seed))),
	};
}
