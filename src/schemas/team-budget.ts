import { z } from "zod";
import { usdSchema } from "./usd.ts";

/** Beyond it a bucket could not count exactly: it keeps 60,000 parts of each token in a safe integer. */
export const TEAM_TPM_MAX = 100_000_000_000;
const LIMIT_MAX = 1_000_000_000;

/** Limits of a whole team, above those of its keys. */
export const teamBudgetSchema = z.strictObject({
	monthly_budget_usd: usdSchema.optional().describe("Most dollars a calendar month (UTC)."),
	rpm: z.int().min(1).max(LIMIT_MAX).optional().describe("Requests a minute."),
	tpm: z.int().min(1).max(TEAM_TPM_MAX).optional().describe("Tokens a minute, prompt and completion together."),
	max_parallel_requests: z.int().min(1).max(LIMIT_MAX).optional().describe("Requests in flight at once."),
});
