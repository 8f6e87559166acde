import { z } from "zod";
import { formatUsd, type NanoUsd } from "../lib/money.ts";
import type { BudgetBook, Limiter, LimitSubject } from "../limits/types.ts";

/** What a key or a team uses at this moment, as the admin API shows it. */
export const limitUsageSchema = z.object({
	rpm_used: z.number().describe("Requests taken from the rpm bucket and not refilled yet."),
	tpm_used: z.number().describe("Tokens taken from the tpm bucket and not refilled yet."),
	parallel_in_use: z.int().describe("Requests in flight."),
	spent_usd: z.string().describe("Settled cost of this calendar month (UTC), decimal text."),
	reserved_usd: z.string().describe("Set aside for requests in flight, decimal text."),
	remaining_usd: z.string().nullable().describe("Budget less spent and reserved; null without a budget."),
	resets_at: z.iso.datetime().describe("When the month's budget starts afresh."),
});

export interface LimitUsageDeps {
	readonly limiter: Limiter;
	readonly budgets: BudgetBook;
}

/** @param budgetNano The subject's monthly budget; undefined = it has none. */
export async function limitUsage(
	subject: LimitSubject,
	budgetNano: NanoUsd | undefined,
	{ limiter, budgets }: LimitUsageDeps,
): Promise<z.output<typeof limitUsageSchema>> {
	const levels = await limiter.levels(subject);
	const { spentNano, reservedNano, resetAtMs } = await budgets.levels(subject.id);
	return {
		rpm_used: levels.rpmUsed,
		tpm_used: levels.tpmUsed,
		parallel_in_use: levels.parallelUsed,
		spent_usd: formatUsd(spentNano),
		reserved_usd: formatUsd(reservedNano),
		remaining_usd: budgetNano === undefined ? null : formatUsd(Math.max(0, budgetNano - spentNano - reservedNano)),
		resets_at: new Date(resetAtMs).toISOString(),
	};
}
