interface Weighted {
	/** Stable across restarts and instances. */
	readonly id: string;
	/** Above zero. */
	readonly weight: number;
}

const TWO_53 = 2 ** 53;

/**
 * All candidates in the order in which one conversation prefers them: weighted rendezvous hashing. The same everywhere
 * and always, with nothing remembered. Over many conversations each candidate comes first in proportion to its weight.
 * One that leaves moves only the conversations it had, and they spread over the others by weight; one that comes takes
 * its share and moves no other conversation.
 * @see https://www.snia.org/sites/default/files/SDC15_presentations/dist_sys/Jason_Resch_New_Consistent_Hashings_Rev.pdf
 */
export function rendezvous<T extends Weighted>(conversation: string, candidates: readonly T[]): readonly T[] {
	if (candidates.length < 2) {
		return candidates;
	}
	const seed = Bun.hash.wyhash(conversation);
	return candidates
		.map((candidate) => ({ candidate, arrival: arrivalOf(candidate, seed) }))
		.sort((left, right) => left.arrival - right.arrival)
		.map(({ candidate }) => candidate);
}

/**
 * A race: each candidate arrives after an exponentially distributed time with its weight as rate, so the chance to be
 * the first of those that run is its share of their weights.
 */
function arrivalOf({ id, weight }: Weighted, seed: bigint): number {
	// The upper 53 bits, in the middle of their step: never 0, never 1.
	const uniform = (Number(Bun.hash.wyhash(id, seed) >> 11n) + 0.5) / TWO_53;
	return -Math.log(uniform) / weight;
}
