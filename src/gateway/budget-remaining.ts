import type { KeyRecord } from "../keys/types.ts";
import type { NanoUsd } from "../lib/money.ts";
import { budgetsOf } from "../limits/subjects.ts";
import type { GatewayDeps } from "./types.ts";

/** The least that is left of a key's and its team's budget at this moment; undefined when neither has one. */
export function budgetRemaining(
	key: KeyRecord,
	{ budgets, teams }: Pick<GatewayDeps["accounts"], "budgets" | "teams">,
): NanoUsd | undefined {
	return budgets.available(budgetsOf(key, teams));
}
