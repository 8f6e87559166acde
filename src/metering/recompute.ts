import type { NanoUsd } from "../lib/money.ts";
import type { Usage } from "../lib/usage.ts";
import { costOf } from "./cost.ts";
import type { UsageSource } from "./ledger-types.ts";
import type { PriceSheet } from "./types.ts";

/** The facts of a settled row that decide its cost. */
export interface SettledCost {
	readonly priceVersion: string | undefined;
	readonly reservedNano: NanoUsd;
	readonly usage: Usage;
	readonly usageSource: UsageSource;
	readonly costNano: NanoUsd;
}

/** What a row ought to have cost, as far as anybody can still know. */
export type Recomputed =
	| { readonly kind: "same" }
	| { readonly kind: "other"; readonly costNano: NanoUsd }
	/** No sheet of the row's price version is known. */
	| { readonly kind: "unknown" };

/**
 * Works out a row's cost again from its usage. `sheets`: every price of the row's version; which of several was in force
 * depended on the time the configuration was read, so each is right.
 */
export function recompute(row: SettledCost, sheets: readonly PriceSheet[]): Recomputed {
	if (row.usageSource === "crash_estimate") {
		return agree(row, [row.reservedNano]);
	}
	if (row.usageSource === "none" || row.priceVersion === undefined) {
		return agree(row, [0]);
	}
	return sheets.length === 0
		? { kind: "unknown" }
		: agree(
				row,
				sheets.map((sheet) => costOf(row.usage, sheet)),
			);
}

function agree({ costNano }: SettledCost, expected: readonly NanoUsd[]): Recomputed {
	return expected.includes(costNano) ? { kind: "same" } : { kind: "other", costNano: expected[0] ?? 0 };
}
