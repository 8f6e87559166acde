import { createRecent } from "../lib/recent.ts";

/** Aliases whose rotation is remembered at once; the one unused for longest is forgotten first. */
const ROTATIONS_MAX = 10_000;

interface Weighted {
	readonly id: string;
	/** Above zero. */
	readonly weight: number;
}

/** Shares turns among candidates in proportion to their weights, one rotation per name. */
export interface WeightedRotation {
	/**
	 * All candidates, the one whose turn it is first, then those that are due next. Counts as one turn.
	 * Over any `sum(weights)` turns with the same candidates each one comes first exactly `weight` times, evenly spread.
	 */
	next<T extends Weighted>(name: string, candidates: readonly T[]): readonly T[];
	/** Rotations remembered. */
	size(): number;
}

/**
 * Smooth weighted round robin, as nginx does it: every turn each candidate gains its weight, the richest goes first and
 * pays the sum of all weights. {5,1,1} gives a a b a c a a, never five in a row.
 * @see https://github.com/nginx/nginx/commit/52327e0627f49dbda1e8db695e63a4b0af4448b1
 */
export function createWeightedRotation(rotationsMax = ROTATIONS_MAX): WeightedRotation {
	const rotations = createRecent<Map<string, number>>(rotationsMax);

	function creditsOf(name: string): Map<string, number> {
		const credits = rotations.get(name) ?? new Map<string, number>();
		rotations.put(name, credits);
		return credits;
	}

	return {
		next(name, candidates) {
			const [only] = candidates;
			if (only === undefined || candidates.length === 1) {
				return candidates;
			}
			const credits = creditsOf(name);
			let total = 0;
			const ranked = candidates.map((candidate) => {
				total += candidate.weight;
				return { candidate, credit: (credits.get(candidate.id) ?? 0) + candidate.weight };
			});
			// A stable sort: equal credits keep the order of the configuration.
			ranked.sort((left, right) => right.credit - left.credit);
			// Only those who took part are remembered, so that removed deployments leave nothing behind.
			credits.clear();
			for (const [rank, { candidate, credit }] of ranked.entries()) {
				credits.set(candidate.id, rank === 0 ? credit - total : credit);
			}
			return ranked.map(({ candidate }) => candidate);
		},
		size: rotations.size,
	};
}
