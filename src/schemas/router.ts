import { z } from "zod";

export const tierSchema = z.enum(["simple", "medium", "complex"]);
export const STRATEGIES = ["round_robin", "least_latency", "least_busy", "cheapest", "classifier"] as const;

const strategy = z
	.enum(STRATEGIES)
	.describe(
		"How the first deployment is chosen: by weight in turn, by the lowest time to first token, by the fewest requests in flight for its weight, by the lowest expected cost of this request, or by how hard the prompt is.",
	);
const retries = z.int().min(0).max(10).describe("Further attempts after the first (2 = three in all).");
const retryAfterMs = z
	.int()
	.min(0)
	.max(60_000)
	.describe("Pause in milliseconds before the same deployment is tried again; another one is tried at once.");

/** How requests find their deployment and what happens when one fails. */
export const routerSchema = z.strictObject({
	strategy: strategy.prefault("round_robin"),
	retries: retries.prefault(2),
	retry_after_ms: retryAfterMs.prefault(200),
});

/** The same keys for one alias; what is absent is taken from the global section. */
export const routerOverrideSchema = z.strictObject({
	strategy: strategy.optional(),
	retries: retries.optional(),
	retry_after_ms: retryAfterMs.optional(),
});
