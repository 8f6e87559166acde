import { z } from "zod";
import { parseUsd } from "../lib/money.ts";

const ACCEPTED = "must be a plain amount of dollars such as 0.15 (not negative, no sign or currency)";

/** Dollars as a number or as text (for more digits than a double holds); read as nano-USD. */
export const usdSchema = z
	.union([z.number(), z.string()], { error: ACCEPTED })
	.transform((amount, context) => {
		const nano = parseUsd(amount);
		if (nano === undefined) {
			context.addIssue({ code: "custom", message: ACCEPTED });
			return z.NEVER;
		}
		return nano;
	})
	.meta({ title: "dollars" });
