import { z } from "zod";
import { spendFiguresSchema } from "../admin/spend/schema.ts";

const usd = z.string();
const timestamp = z.iso.datetime();

const windowSchema = z
	.object({
		limit: z.int().nullable().describe("A minute; null = unlimited."),
		remaining: z.int().nullable().describe("What a request may take at this moment; null = unlimited."),
		full_in_seconds: z.int().describe("Until `remaining` is `limit` again if nothing more is used; 0 = it is."),
	})
	.describe("A bucket that refills continuously.");

/** What a key or a team may use, and what is left of it. */
export const allowanceSchema = z.object({
	rpm: windowSchema,
	tpm: windowSchema,
	parallel: z.object({
		limit: z.int().nullable().describe("Requests in flight at once; null = unlimited."),
		in_flight: z.int(),
	}),
	budget: z.object({
		limit_usd: usd.nullable().describe("For the calendar month (UTC); null = unlimited."),
		spent_usd: usd.describe("Settled cost of this month."),
		reserved_usd: usd.describe("Set aside for requests in flight."),
		remaining_usd: usd.nullable().describe("Limit less spent and reserved; null = unlimited."),
		resets_at: timestamp.describe("First of next month, UTC."),
	}),
});

/** A virtual key as its holder sees it. */
export const meSchema = z.object({
	object: z.literal("virtual_key"),
	id: z.string(),
	name: z.string().nullable(),
	key_hint: z.string().describe("Beginning and last four characters of the secret."),
	models: z.array(z.string()).describe("Aliases the key may use; empty = all. `GET /v1/models` tells what they are."),
	created_at: timestamp,
	expires_at: timestamp.nullable().describe("null = never."),
	limits: allowanceSchema.describe("The key's own."),
	spend: z.object({
		from: timestamp.describe("First of this month, UTC."),
		to: timestamp.describe("Exclusive."),
		total: spendFiguresSchema,
		by_model: z
			.array(spendFiguresSchema.extend({ model: z.string().describe("The provider's name of the model.") }))
			.describe("Dearest first."),
		by_day: z.array(spendFiguresSchema.extend({ day: z.string().describe("YYYY-MM-DD, UTC.") })),
	}),
	team: z
		.object({ name: z.string(), limits: allowanceSchema.describe("Of all the team's keys together.") })
		.nullable()
		.describe("A request must fit into the key's and the team's limits."),
});
