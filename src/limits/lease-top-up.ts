import type { LeaseAsk } from "./lease-calls.ts";
import { keptOf, type LeasePart, positive, targetOf, unusedOf, wishOf } from "./lease-part.ts";
import type { LeaseUpkeepDeps } from "./lease-upkeep.ts";

/** Holding enough ahead of need, so that a busy key hardly ever waits. */
export interface LeaseTopUp {
	/** Something was reserved: more is asked for in the background where little is left. */
	reserved(part: LeasePart): void;
	close(): void;
}

/** Busy subjects that run low within this time are asked for in one call. */
const GATHER_MS = 5;
/** Subjects in one call. */
const ASKS_MAX = 500;

export function createLeaseTopUp({ clock, timers, parts, calls, line, roll }: LeaseUpkeepDeps): LeaseTopUp {
	const low = new Set<LeasePart>();
	let stopGathering: (() => void) | undefined;
	let closed = false;

	function reserved(part: LeasePart): void {
		if (closed || part.called || calls.isAway() || low.has(part)) {
			return;
		}
		const target = targetOf(part, clock.monotonic());
		// Holding less than the next request needs would spare nobody the way.
		if (unusedOf(part) * 2n < target && target >= part.last) {
			low.add(part);
			stopGathering ??= timers.after(GATHER_MS, topUp);
		}
	}

	function topUp(): void {
		stopGathering = undefined;
		roll();
		const nowMs = clock.monotonic();
		const asks: LeaseAsk[] = [];
		for (const part of low) {
			low.delete(part);
			const ahead = wishOf(part, nowMs) - positive(unusedOf(part));
			if (!part.called && line.isEmpty(part) && ahead > 0n && part.month === parts.month()) {
				asks.push({ part, keep: keptOf(part), need: 0n, ahead });
			}
			if (asks.length === ASKS_MAX) {
				stopGathering = timers.after(GATHER_MS, topUp);
				break;
			}
		}
		if (asks.length > 0) {
			line.send(asks);
		}
	}

	return {
		reserved,
		close() {
			closed = true;
			stopGathering?.();
		},
	};
}
