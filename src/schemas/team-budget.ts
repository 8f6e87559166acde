import { z } from "zod";
import { usdSchema } from "./usd.ts";

/** Limits of a whole team, above those of its keys. */
export const teamBudgetSchema = z.strictObject({
	monthly_budget_usd: usdSchema.optional().describe("Most dollars a calendar month (UTC)."),
	rpm: z.int().min(1).max(1_000_000_000).optional().describe("Requests a minute."),
	tpm: z.int().min(1).max(1_000_000_000_000).optional().describe("Tokens a minute."),
});
