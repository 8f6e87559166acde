import type { Clock } from "../lib/clock.ts";
import { createHold } from "./budget-hold.ts";
import { type LeasePart, noteDemand } from "./lease-part.ts";
import type { LeaseParts } from "./lease-parts.ts";
import type { BudgetHold, BudgetRequest } from "./types.ts";

/**
 * Reserves, what is known to fit, in the parts of a request's budgets and in those of the subjects that are only counted.
 * @param onSettled Called when something may have come free in these parts.
 */
export function takeHold(
	request: BudgetRequest,
	budgeted: readonly LeasePart[],
	{ clock, parts }: { readonly clock: Clock; readonly parts: LeaseParts },
	onSettled: (held: ReadonlySet<LeasePart>) => void,
): BudgetHold {
	const nowMs = clock.monotonic();
	const amount = BigInt(request.amountNano);
	const held = new Set(budgeted);
	for (const subject of request.counted) {
		held.add(parts.of(subject));
	}
	for (const part of held) {
		part.reserved += amount;
		noteDemand(part, amount, nowMs);
	}
	return createHold(request.amountNano, (cost) => {
		for (const part of held) {
			part.reserved -= amount;
			part.settled += cost;
		}
		onSettled(held);
	});
}
