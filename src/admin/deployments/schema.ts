import { z } from "zod";
import type { Tier } from "../../config/types.ts";
import type { BreakerState } from "../../routing/types.ts";

const TIERS = ["simple", "medium", "complex"] as const satisfies readonly Tier[];
const BREAKER_STATES = ["closed", "open", "half_open"] as const satisfies readonly BreakerState[];
const NAME_LENGTH_MAX = 1_024;

const name = z.string().min(1).max(NAME_LENGTH_MAX);

/** One deployment by id, or every deployment of an alias that runs this model at this provider. */
export const deploymentSelectorSchema = z
	.strictObject({
		id: name.optional().describe("`dep_…`, from the list of deployments."),
		model_alias: name.optional(),
		provider: name.optional(),
		model: name.optional(),
	})
	.describe("Either `id`, or `model_alias`, `provider` and `model` together.");
export type DeploymentSelector = z.output<typeof deploymentSelectorSchema>;

const timestamp = z.iso.datetime();

/** A deployment as the API shows it: no credential, and of its address only the host. */
export const deploymentSchema = z.object({
	id: z.string().describe("Stable across restarts."),
	model_alias: z.string(),
	provider: z.string(),
	model: z.string().describe("The provider's name of the model."),
	host: z.string().nullable().describe("Where requests are sent; null = the mock within the gateway."),
	tier: z.enum(TIERS).nullable(),
	weight: z.number(),
	priority: z.number().describe("Lower goes first."),
	enabled: z.boolean().describe("False = taken out of rotation by an administrator."),
	breaker: z.enum(BREAKER_STATES),
	available_at: timestamp.nullable().describe("When an open breaker or a cooldown ends."),
	in_flight: z.int(),
	requests: z.int().describe("Last five minutes."),
	errors: z.int().describe("Last five minutes."),
	latency_p50_ms: z.number().nullable().describe("Time to first token, last sixty seconds; null = nothing measured."),
	last_error: z.object({ class: z.string(), at: timestamp }).nullable(),
	priced: z.boolean().describe("False = no price is known: its cost counts as unpriced, not as free."),
});

export const deploymentListSchema = z.object({ object: z.literal("list"), data: z.array(deploymentSchema) });

export const deploymentChangeSchema = z.object({
	object: z.literal("list"),
	data: z.array(deploymentSchema).describe("The deployments that the change applied to."),
	warning: z.string().nullable().describe("Set when an alias is left with no enabled deployment."),
});
