import { z } from "zod";
import { TEAM_TPM_MAX } from "../../schemas/team-budget.ts";
import { budgetField, limitField, printableText, TEAM_LENGTH_MAX } from "../limit-fields.ts";
import { limitUsageSchema } from "../limit-usage.ts";

/** A team's name in the path. */
export const teamNameSchema = z.strictObject({ team: printableText(TEAM_LENGTH_MAX) });

/** All that an administrator sets. A field left out is the file's again, one that is null is lifted. */
export const teamLimitsSchema = z.strictObject({
	rpm: limitField().nullable().optional().describe("Requests a minute; null = unlimited."),
	tpm: limitField(TEAM_TPM_MAX)
		.nullable()
		.optional()
		.describe("Tokens a minute, prompt and completion together; null = unlimited."),
	monthly_budget_usd: budgetField
		.nullable()
		.optional()
		.describe("Dollars for one calendar month (UTC), from 0 to 9000000; null = unlimited. Decimal text is exact."),
	max_parallel_requests: limitField().nullable().optional().describe("Requests in flight at once; null = unlimited."),
});
export type TeamLimitsInput = z.output<typeof teamLimitsSchema>;

const source = z.enum(["api", "config"]).nullable();

/** A team as the API shows it: the limits in force. */
export const teamSchema = z.object({
	team: z.string(),
	rpm: z.int().nullable(),
	tpm: z.int().nullable(),
	monthly_budget_usd: z.number().nullable().describe("Dollars. Exact up to four million with nine decimals."),
	max_parallel_requests: z.int().nullable(),
	sources: z
		.object({ rpm: source, tpm: source, monthly_budget_usd: source, max_parallel_requests: source })
		.describe("Who set each: an administrator by this API, `team_budgets` of config.yaml, or nobody."),
	usage: limitUsageSchema,
});
