import type { LeaseAsk } from "./lease-calls.ts";
import { isBehind, keptOf, type LeasePart, needOf, roomIn, wishOf } from "./lease-part.ts";
import type { Waiter } from "./lease-queue.ts";

/** Whom to ask for in one call, and what. */
export interface Selection {
	readonly batch: readonly Waiter[];
	/** Empty = what is here suffices. */
	readonly asks: readonly LeaseAsk[];
}

/** Subjects in one call. */
const ASKS_MAX = 64;

/**
 * Of those who wait, in order, whom to ask for. Nobody is asked for before one who came earlier and waits for the same.
 * @param told Parts whose free amount is known to the nano-dollar: only as many are asked for as fit into it,
 * and only one where that is not quite sure.
 */
export function select(waiters: readonly Waiter[], told: ReadonlySet<LeasePart> | undefined, nowMs: number): Selection {
	const batch: Waiter[] = [];
	const sums = new Map<LeasePart, bigint>();
	/** Somebody waits there who cannot be asked for yet. */
	const blocked = new Set<LeasePart>();
	for (const waiter of waiters) {
		const { parts, amount } = waiter;
		const room = ASKS_MAX - sums.size;
		if (
			parts.some((part) => part.called || blocked.has(part)) ||
			parts.filter((part) => !sums.has(part)).length > room
		) {
			for (const part of parts) {
				blocked.add(part);
			}
			continue;
		}
		const isTooMuch = (part: LeasePart): boolean => {
			const sum = sums.get(part);
			return (
				told?.has(part) === true && ((sum ?? 0n) + amount > roomTold(part) || (sum !== undefined && isBehind(part)))
			);
		};
		if (!parts.some(isTooMuch)) {
			batch.push(waiter);
			for (const part of parts) {
				sums.set(part, (sums.get(part) ?? 0n) + amount);
			}
		}
	}
	return { batch, asks: asksFor(sums, nowMs) };
}

/** As far as the authority has told. */
export function roomTold(part: LeasePart): bigint {
	return roomIn(part, part.told?.freeNano ?? 0n);
}

function asksFor(sums: ReadonlyMap<LeasePart, bigint>, nowMs: number): LeaseAsk[] {
	const asks: LeaseAsk[] = [];
	for (const [part, sum] of sums) {
		const need = needOf(part, sum);
		if (need > 0n) {
			asks.push({ part, keep: keptOf(part), need, ahead: wishOf(part, nowMs, sum) });
		}
	}
	return asks;
}
