import { z } from "zod";
import { retentionSchema } from "./duration.ts";

/** What the gateway remembers of the Responses API for providers that remember nothing. */
export const responsesSchema = z.strictObject({
	retention: retentionSchema
		.prefault("30d")
		.describe(
			"How long the gateway keeps responses of providers that keep none, and conversations after their last change. " +
				"`0s` keeps nothing: `previous_response_id` then names a response that is not found, and there are no " +
				"conversations. A shorter time counts at once, for what is kept already too.",
		),
});
