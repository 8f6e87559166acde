import { z } from "zod";
import type { AliasReplay, AliasReport, Replay, ShadowReport } from "../../routing/report/types.ts";
import { EXCLUSIONS, SESSION_OUTCOMES } from "../../routing/types.ts";
import { STRATEGIES, tierSchema } from "../../schemas/router.ts";

/** Longest query parameter but for a name. */
const PARAMETER_LENGTH_MAX = 100;
const NAME_LENGTH_MAX = 1_024;

const parameter = z.string().max(PARAMETER_LENGTH_MAX);
const share = parameter
	.regex(/^(0|1|0?\.\d+|[01]\.\d+)$/, "must be a number from 0 to 1")
	.transform(Number)
	.pipe(z.number().min(0).max(1));

export const routingQuerySchema = z
	.strictObject({
		from: parameter.optional(),
		to: parameter.optional(),
		alias: z.string().min(1).max(NAME_LENGTH_MAX).optional(),
		medium: share.optional(),
		complex: share.optional(),
		strategy: z.literal("classifier", "must be classifier, the only strategy that can be replayed").optional(),
	})
	.refine(({ medium = 0, complex = 1 }) => medium <= complex, {
		error: "must not be above complex",
		path: ["medium"],
	});

const timestamp = z.iso.datetime();
const usd = z.string().describe("Decimal text, exact to the nano-dollar.");
const tier = tierSchema.nullable();

const comparison = {
	actual_cost_usd: usd.describe("What the compared requests cost."),
	other_cost_usd: usd.describe("What they would have cost: the same usage at the other deployment's price."),
	saving_usd: usd.describe("The first less the second: negative where it would have been dearer."),
};

const notCompared = {
	unanswered: z.int().describe("No answer, or none that used anything."),
	unpriced: z.int().describe("No price is known, of what served them or of what would have."),
	gone: z.int().describe("What would have served them is no longer configured."),
};

export const shadowReportSchema = z.object({
	strategy: z.enum(STRATEGIES),
	asked: z.int().describe("Requests for which it was asked."),
	agreed: z.int().describe("It would have begun at the same deployment."),
	changed: z.int(),
	compared: z.int().describe("Of those asked, the ones whose money is compared."),
	...comparison,
	not_compared: z.object(notCompared).describe("Requests left out of the money, by why."),
}) satisfies z.ZodType<ShadowReport>;

export const aliasReportSchema = z.object({
	model_alias: z.string(),
	requests: z.int(),
	failed_requests: z.int().describe("Ended without an answer of a provider."),
	unserved_requests: z
		.int()
		.describe("Let in, but nobody could be asked: not among `requests`, since they have no attempts."),
	failovers: z.int().describe("Attempts beyond the first."),
	errors: z.int().describe("Attempts that failed upstream."),
	cost_usd: usd,
	by_bucket: z.array(
		z.object({
			bucket: tier.describe("null = from before decisions were kept."),
			requests: z.int(),
			errors: z.int(),
			cost_usd: usd,
		}),
	),
	by_deployment: z.array(
		z.object({
			deployment_id: z.string(),
			provider: z.string(),
			model: z.string(),
			tier: tier.describe("As it is configured now."),
			requests: z.int().describe("Requests that it served."),
			share: z.number().describe("Of the alias's requests that somebody served, 0 to 1."),
			errors: z.int(),
			cost_usd: usd.describe("Of all attempts at it, failed ones too."),
		}),
	),
	scores: z.array(z.int()).describe("Requests by their score in tenths, 0.0 up to 0.1 first."),
	without_text: z.int().describe("Requests that have no score, since there is nothing to read."),
	exclusions: z
		.array(
			z.object({
				reason: z.enum(EXCLUSIONS),
				requests: z.int(),
				deployments: z.int().describe("Deployments passed over, each time it happened."),
			}),
		)
		.describe("Requests for which a deployment was passed over, by why; unserved ones too."),
	sessions: z
		.array(z.object({ outcome: z.enum(SESSION_OUTCOMES), requests: z.int() }))
		.describe("Requests that belong to a conversation, by what that meant for them."),
	shadow: z.array(shadowReportSchema).describe("What shadow strategies would have done."),
}) satisfies z.ZodType<AliasReport>;

export const aliasReplaySchema = z.object({
	model_alias: z.string(),
	thresholds: z.object({ medium: z.number(), complex: z.number() }),
	compared: z.int().describe("Requests whose money is compared."),
	changed: z.int().describe("Of these, the ones that another tier would have served."),
	...comparison,
	changes: z.array(
		z.object({
			from: tier.describe("null = a deployment without a tier."),
			to: tier,
			requests: z.int(),
			...comparison,
		}),
	),
	not_compared: z
		.object({
			...notCompared,
			undecided: z.int().describe("From before decisions were kept."),
			without_text: z.int(),
			other_strategy: z.int().describe("Another strategy has placed them: thresholds are nothing to them."),
		})
		.describe("Requests left out, by why."),
}) satisfies z.ZodType<AliasReplay>;

export const replaySchema = z.object({
	compared: z.int(),
	changed: z.int(),
	...comparison,
	aliases: z.array(aliasReplaySchema).describe("Those that have tiers."),
	caveats: z.array(z.string()).describe("What these figures do not know."),
}) satisfies z.ZodType<Replay>;

export const routingReportSchema = z.object({
	object: z.literal("routing_report"),
	from: timestamp.describe("Inclusive."),
	to: timestamp.describe("Exclusive."),
	pruned_days: z.array(z.string()).describe("UTC days of which rows were deleted: the report has less than happened."),
	aliases: z.array(aliasReportSchema),
	replay: replaySchema.optional().describe("With `medium`, `complex` or `strategy`."),
});
