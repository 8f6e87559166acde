import { z } from "zod";
import { retentionSchema } from "./duration.ts";

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
const share = z.number().min(0).max(1);
const thresholds = z
	.strictObject({
		medium: share.prefault(0.33).describe("Lowest score that is medium."),
		complex: share.prefault(0.66).describe("Lowest score that is complex."),
	})
	.refine(({ medium, complex }) => medium <= complex, { error: "medium must not be above complex", path: ["medium"] })
	.describe("Where the buckets of prompts begin. A score says which share of ordinary prompts is easier.");
const stickyFor = retentionSchema.describe(
	"How long a conversation stays with the deployment that served it last, for the sake of the provider's prompt cache; `0s` = not at all. See docs/routing.md.",
);
const shadow = z
	.strictObject({
		percent: z.number().gt(0).max(100).prefault(100).describe("Share of requests."),
		strategy: strategy.describe("The strategy that is tried out."),
	})
	.describe("Notes what another strategy would have chosen, without doing it: see `GET /admin/routing/report`.");

/** How requests find their deployment and what happens when one fails. */
export const routerSchema = z.strictObject({
	strategy: strategy.prefault("round_robin"),
	retries: retries.prefault(2),
	retry_after_ms: retryAfterMs.prefault(200),
	thresholds: thresholds.prefault({}),
	sticky_for: stickyFor.prefault("5m"),
	shadow: shadow.optional(),
});

/** The same keys for one alias; what is absent is taken from the global section. */
export const routerOverrideSchema = z.strictObject({
	strategy: strategy.optional(),
	retries: retries.optional(),
	retry_after_ms: retryAfterMs.optional(),
	thresholds: thresholds.optional(),
	sticky_for: stickyFor.optional(),
	shadow: shadow.optional(),
});
