/** A request that was admitted, as its client saw it. */
export interface Admission {
	readonly requestId: string;
	/** performance.now() of this process. */
	readonly sentAtMs: number;
	readonly endedAtMs: number;
}

/**
 * By how much the fullest stretch of time went over capacity and refill. A request was admitted somewhere between its first
 * byte and its last, so those count that lie in the stretch as a whole.
 */
export function worstStretch(
	admitted: readonly Admission[],
	unitsOf: (one: Admission) => number,
	limit: number,
): number {
	const byEnd = admitted.toSorted((one, other) => one.endedAtMs - other.endedAtMs);
	let worst = Number.NEGATIVE_INFINITY;
	for (const { sentAtMs: from } of admitted) {
		let units = 0;
		for (const one of byEnd) {
			if (one.sentAtMs >= from) {
				units += unitsOf(one);
				worst = Math.max(worst, units - limit - (limit * (one.endedAtMs - from)) / 60_000);
			}
		}
	}
	return worst;
}
