import { seededRandom } from "./budget-world.ts";

/** Chance from a seed, with the questions that scenarios ask it. */
export interface Chance {
	/** 0 inclusive to 1 exclusive. */
	real(): number;
	/** A whole number, both ends included. */
	int(min: number, max: number): number;
	/** True for this share of calls. */
	of(share: number): boolean;
	pick<Value>(values: readonly Value[]): Value;
	/** Another sequence, whose numbers do not depend on how many were drawn here. */
	fork(stream: number): Chance;
}

export function createChance(seed: number, stream = 0): Chance {
	const real = seededRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b));
	return {
		real,
		int: (min, max) => min + Math.floor(real() * (max - min + 1)),
		of: (share) => real() < share,
		pick(values) {
			if (values.length === 0) {
				throw new Error("there is nothing to pick from");
			}
			// One of them may be undefined itself.
			return values[Math.floor(real() * values.length)] as (typeof values)[number];
		},
		fork: (next) => createChance(seed, stream * 64 + next + 1),
	};
}
