import { z } from "zod";
import { deploymentSchema } from "./deployment.ts";
import { routerOverrideSchema } from "./router.ts";
import { lineSchema } from "./text.ts";

/** A name that apps ask for, and who serves it. */
export const routeSchema = z.strictObject({
	model_alias: lineSchema(128).describe("What apps write as `model`. Any name; each only once."),
	deployments: z.array(deploymentSchema).min(1).describe("Who serves the alias."),
	fallbacks: z
		.array(lineSchema(128))
		.prefault([])
		.describe("Aliases whose deployments are tried when all of this one's have failed, in order."),
	router: routerOverrideSchema.optional().describe("Replaces keys of the global `router` for this alias."),
});

export type RouteFile = z.output<typeof routeSchema>;
