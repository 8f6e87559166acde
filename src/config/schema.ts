import { z } from "zod";
import { authSchema } from "../schemas/auth.ts";
import { cacheSchema } from "../schemas/cache.ts";
import { callbackSchema } from "../schemas/callback.ts";
import { databaseSchema, redisSchema } from "../schemas/database.ts";
import { responsesSchema } from "../schemas/responses.ts";
import { routeSchema } from "../schemas/route.ts";
import { routerSchema } from "../schemas/router.ts";
import { serverSchema } from "../schemas/server.ts";
import { storageSchema } from "../schemas/storage.ts";
import { teamBudgetSchema } from "../schemas/team-budget.ts";
import { lineSchema } from "../schemas/text.ts";

/** The whole of config.yaml. What depends on providers or on more than one key is checked by `routes.ts`. */
export const configSchema = z.strictObject({
	server: serverSchema
		.prefault({})
		.describe("The listener and its limits. `host` and `port` change at a restart only."),
	database: databaseSchema
		.prefault({})
		.describe("Where keys, spend and the state of deployments are kept. Changes at a restart only."),
	storage: storageSchema.prefault({}).describe("How long and how much is kept in the database."),
	redis: redisSchema
		.prefault({})
		.describe("Limits shared by several instances: requests and tokens a minute, requests in flight."),
	auth: authSchema.prefault({}).describe("Who may administer."),
	model_list: z
		.array(routeSchema)
		.min(1)
		.describe(
			"The aliases that apps may ask for. Left out: `mock`, and the current models of every provider whose key is in the environment.",
		),
	router: routerSchema.prefault({}).describe("How requests find their deployment, unless an alias says otherwise."),
	responses: responsesSchema.prefault({}).describe("What is remembered of the Responses API."),
	cache: cacheSchema.optional().describe("Reuse of answers. Checked, but not active yet."),
	callbacks: z
		.array(callbackSchema)
		.optional()
		.describe("Who is told about finished requests. Checked, but not active yet."),
	team_budgets: z
		.record(lineSchema(128), teamBudgetSchema)
		.optional()
		.describe(
			"Limits by team name, above those of the team's keys, until `PUT /admin/teams/{team}` sets others: [limits.md](limits.md).",
		),
});

/** The file once read: defaults filled in, durations in milliseconds, amounts in nano-USD. */
export type ConfigFile = z.output<typeof configSchema>;
