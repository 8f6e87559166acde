/**
 * A bucket as the owner's page describes it, worked out slowly and exactly: it holds one minute's worth and refills all the
 * time; a prompt's tokens are estimated when the request comes and corrected when its usage is known. A fraction is a whole
 * number of 60,000ths of a unit, in bigint. Every question is answered from the history, which is kept as long as a
 * correction may still change it.
 */
export interface BucketModel {
	/** Whether so many units fit at this instant. */
	fits(units: number, limit: number | undefined, atMs: number): boolean;
	/** Whole milliseconds until they would fit, if nothing else came; undefined = never. */
	waitMs(units: number, limit: number | undefined, atMs: number): number | undefined;
	/** Taken now. */
	take(units: number, ticket: object, atMs: number): void;
	/** The real total instead of what was taken: less counts from the time it was taken, more from now on. */
	correct(ticket: object, total: number, atMs: number): void;
	/** No correction will come any more. */
	close(ticket: object): void;
}

interface Entry {
	readonly atMs: number;
	/** A new limit from here on; undefined = the old one. */
	readonly limit?: number | undefined;
	/** "limit": only the limit changes. */
	readonly kind: "take" | "limit";
	units: number;
	readonly ticket: object | undefined;
}

const PARTS = 60_000n;

export function createBucketModel(): BucketModel {
	/** Level at `baseMs` of everything that can no longer change. */
	const base = { atMs: 0, used: 0n, limit: undefined as number | undefined };
	const history: Entry[] = [];
	const open = new Set<object>();
	let now = { ...base };

	function advance(state: typeof base, atMs: number): void {
		if (state.limit === undefined) {
			state.used = 0n;
		} else {
			const left = state.used - BigInt(state.limit) * BigInt(Math.max(0, atMs - state.atMs));
			state.used = left > 0n ? left : 0n;
		}
		state.atMs = Math.max(state.atMs, atMs);
	}

	function apply(state: typeof base, entry: Entry): void {
		advance(state, entry.atMs);
		if (entry.kind === "limit") {
			state.limit = entry.limit;
		} else if (state.limit !== undefined) {
			state.used += BigInt(entry.units) * PARTS;
		}
	}

	function replay(): void {
		now = { ...base };
		for (const entry of history) {
			apply(now, entry);
		}
	}

	function record(entry: Entry): void {
		history.push(entry);
		apply(now, entry);
	}

	/** What lies before the oldest open ticket is settled for good. */
	function fold(): void {
		const first = history.findIndex(({ ticket }) => ticket !== undefined && open.has(ticket));
		const settled = history.splice(0, first === -1 ? history.length : first);
		for (const entry of settled) {
			apply(base, entry);
		}
	}

	function look(limit: number | undefined, atMs: number): void {
		advance(now, atMs);
		if (now.limit !== limit) {
			// A changed limit counts from the first request that comes after it.
			record({ kind: "limit", atMs, limit, units: 0, ticket: undefined });
		}
	}

	function excess(units: number): bigint {
		return now.limit === undefined ? 0n : now.used + (BigInt(units) - BigInt(now.limit)) * PARTS;
	}

	return {
		fits(units, limit, atMs) {
			look(limit, atMs);
			return excess(units) <= 0n;
		},
		waitMs(units, limit, atMs) {
			look(limit, atMs);
			const over = excess(units);
			if (over <= 0n) {
				return 0;
			}
			if (limit === undefined || units > limit || limit === 0) {
				return undefined;
			}
			return Number((over + BigInt(limit) - 1n) / BigInt(limit));
		},
		take(units, ticket, atMs) {
			open.add(ticket);
			record({ kind: "take", atMs, units, ticket });
		},
		correct(ticket, total, atMs) {
			const taken = history.find((entry) => entry.ticket === ticket);
			if (taken === undefined) {
				return;
			}
			advance(now, atMs);
			if (total > taken.units) {
				record({ kind: "take", atMs, units: total - taken.units, ticket: undefined });
			} else if (total < taken.units) {
				taken.units = total;
				replay();
				advance(now, atMs);
			}
		},
		close(ticket) {
			open.delete(ticket);
			if (history.length > 32) {
				fold();
			}
		},
	};
}
