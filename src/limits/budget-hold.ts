import type { NanoUsd } from "../lib/money.ts";
import { exactly } from "./exact-nano.ts";
import type { BudgetHold } from "./types.ts";

/** @param onSettled Called once, with the real cost: the books of whoever reserved are to follow. */
export function createHold(amountNano: NanoUsd, onSettled: (cost: bigint) => void): BudgetHold {
	let open = true;
	return {
		amountNano,
		settle(costNano): void {
			if (!open) {
				return;
			}
			const cost = exactly(costNano, "costNano");
			open = false;
			onSettled(cost);
		},
	};
}
