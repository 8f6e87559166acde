import { z } from "zod";
import {
	EXCLUSIONS,
	type ExclusionReason,
	SESSION_OUTCOMES,
	SESSION_SOURCES,
	type SessionOutcome,
	type SessionSource,
} from "../../routing/types.ts";
import { STRATEGIES, tierSchema } from "../../schemas/router.ts";

const REASON_WORDS: Readonly<Record<ExclusionReason, string>> = {
	disabled: "an administrator took it out of rotation.",
	pinned: "the request goes on from a response that another deployment made and keeps.",
	operation: "it does not serve this kind of request.",
	tools: "its model cannot use tools.",
	images: "its model cannot see images.",
	audio: "its model cannot hear audio.",
	json_schema: "its model cannot keep to a JSON schema.",
	context: "the prompt is longer than its model can read.",
	unpriced: "its price is not known, and the key or its team has a budget.",
	cooling: "its provider asked to be left alone for a while.",
	breaker_open: "its last requests failed, so it was given time to recover.",
};

const SOURCE_WORDS: Readonly<Record<SessionSource, string>> = {
	prompt_cache_key: "the request's `prompt_cache_key` names it.",
	user_id: "the `user_id` of the request's metadata names it.",
	header: "a header of the request names it.",
	prefix: "nothing names it, so it is known by how its prompt begins.",
	conversation: "the request's `conversation` names it.",
	state: "it holds what only the provider that made it can read: signatures, encrypted reasoning.",
};

const OUTCOME_WORDS: Readonly<Record<SessionOutcome, string>> = {
	placed: "it had not been served lately, so it was given a place.",
	held: "it stayed where it was served last.",
	lost: "the deployment that served it last was excluded or gone.",
	outranked:
		"another deployment stood before the last one: by priority, by being much less busy or much faster, or since a " +
		"stronger tier was called for.",
	cheaper_elsewhere: "the whole prompt was cheaper elsewhere than its rest at the last deployment.",
};

/** A sentence for each value. */
function told(words: Readonly<Record<string, string>>): string {
	return Object.entries(words)
		.map(([value, sentence]) => `\`${value}\`: ${sentence}`)
		.join(" ");
}

export const routedDeploymentSchema = z.object({
	deployment_id: z.string(),
	provider: z.string().nullable().describe("null: it is no longer configured."),
	model: z.string().nullable().describe("The provider's name of the model; null likewise."),
});

export const requestRoutingSchema = z
	.object({
		strategy: z.enum(STRATEGIES),
		score: z.number().describe("How hard the prompt looks, 0 to 1; 0 for a request without text."),
		bucket: tierSchema.describe("What the score makes of it, by the alias's thresholds."),
		signals: z
			.array(
				z.object({
					name: z.string().describe("`other`: all that are not named."),
					contribution: z.number().describe("Its part of the score; negative = it speaks for an easy prompt."),
				}),
			)
			.describe("What the score consists of, largest first: their sum is the score, but for rounding."),
		candidates: z
			.array(
				routedDeploymentSchema.extend({
					tier: tierSchema.nullable().describe("As it is configured now; null: it has none."),
				}),
			)
			.describe("The deployments that the request could go to, in the order of trial."),
		excluded: z
			.array(routedDeploymentSchema.extend({ reason: z.enum(EXCLUSIONS).describe(told(REASON_WORDS)) }))
			.describe("Those that were passed over, and why."),
		session: z
			.object({
				source: z.enum(SESSION_SOURCES).describe(told(SOURCE_WORDS)),
				outcome: z.enum(SESSION_OUTCOMES).describe(told(OUTCOME_WORDS)),
				warm_deployment_id: z
					.string()
					.nullable()
					.describe("Where it was served last, while the provider's prompt cache may still have been warm."),
			})
			.nullable()
			.describe("The conversation that the request belongs to, where conversations stay at a deployment."),
		shadow: routedDeploymentSchema
			.extend({ strategy: z.enum(STRATEGIES) })
			.nullable()
			.describe("What another strategy would have chosen first, where one was asked (`router.shadow`)."),
	})
	.describe("How the request was routed.");

export type RequestRouting = z.output<typeof requestRoutingSchema>;
