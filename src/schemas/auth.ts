import { z } from "zod";
import { checkMasterKey } from "../lib/master-key.ts";

export const authSchema = z.strictObject({
	master_key: z
		.string()
		.superRefine((key, context) => {
			const problem = checkMasterKey(key);
			if (problem !== undefined) {
				context.addIssue({ code: "custom", message: problem });
			}
		})
		.optional()
		.describe(
			"The key of `/admin`, at least 16 characters. Absent: `GATEWAY_LLM_MASTER_KEY` from the environment, else one is generated at the first start and kept in the data directory.",
		)
		.meta({ title: "secret" }),
});
