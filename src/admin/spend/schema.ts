import { z } from "zod";
import { SPEND_DIMENSIONS } from "../../store/types.ts";

/** Longest query parameter: longer ones cannot be a date or a list of five words. */
const PARAMETER_LENGTH_MAX = 100;

const parameter = z.string().max(PARAMETER_LENGTH_MAX);

export const spendQuerySchema = z.strictObject({
	from: parameter.optional(),
	to: parameter.optional(),
	group_by: parameter.optional(),
});

const timestamp = z.iso.datetime();

export const spendFiguresSchema = z.object({
	requests: z.int().describe("Distinct requests, however many attempts each took."),
	errors: z.int().describe("Attempts that failed upstream."),
	prompt_tokens: z.int().describe("As OpenAI counts them: cached ones included."),
	cached_tokens: z.int().describe("Prompt tokens read from the provider's cache."),
	completion_tokens: z.int().describe("As OpenAI counts them: reasoning included."),
	reasoning_tokens: z.int(),
	web_searches: z.int().describe("Searches run by the providers' own tools."),
	cost_usd: z.string().describe("Decimal text, exact to the nano-dollar."),
	unpriced_requests: z.int().describe("Requests whose model had no known price: not in `cost_usd`."),
});

/** The columns that a report is grouped by come first; a key without a team has `team: null`. */
export const spendRowSchema = spendFiguresSchema.extend({
	key: z.string().optional(),
	team: z.string().nullable().optional(),
	model: z.string().optional().describe("The provider's name of the model."),
	provider: z.string().optional(),
	day: z.string().optional().describe("YYYY-MM-DD, UTC."),
});

const period = {
	object: z.literal("spend"),
	from: timestamp.describe("Inclusive."),
	to: timestamp.describe("Exclusive."),
	total: spendFiguresSchema,
};

export const spendReportSchema = z.object({
	...period,
	by_key: z.array(spendRowSchema),
	by_team: z.array(spendRowSchema),
	by_model: z.array(spendRowSchema),
});

export const groupedSpendReportSchema = z.object({
	...period,
	group_by: z.array(z.enum(SPEND_DIMENSIONS)),
	data: z.array(spendRowSchema),
});
