import { z } from "zod";
import { type NanoUsd, parseUsd } from "../lib/money.ts";

export const TEAM_LENGTH_MAX = 128;
const LIMIT_MAX = 1_000_000_000;
/** Nine million dollars: the largest round amount that an integer of nano-dollars holds exactly. */
const BUDGET_NANO_MAX = 9_000_000 * 1_000_000_000;
const BUDGET_ACCEPTED = "must be a plain decimal amount of dollars, such as 25.50, from 0 to 9000000";

/** Control characters, line separators and lone surrogates would break tables, logs and CSV files. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u;

/** A name that people give. */
export const printableText = (lengthMax: number) =>
	z
		.string()
		.min(1)
		.max(lengthMax)
		.refine((value) => !UNPRINTABLE.test(value), "must not contain control characters");

/** A number of requests or tokens. */
export const limitField = (max = LIMIT_MAX) => z.int().min(1).max(max);

/** Dollars a month, as a number or as text; read as nano-USD. */
export const budgetField = z
	.union([z.number(), z.string()], { error: BUDGET_ACCEPTED })
	.transform((value, context): NanoUsd => {
		const nano = parseUsd(value);
		if (nano === undefined || nano > BUDGET_NANO_MAX) {
			context.addIssue({ code: "custom", message: BUDGET_ACCEPTED });
			return z.NEVER;
		}
		return nano;
	});
