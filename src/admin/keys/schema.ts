import { z } from "zod";
import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { STRATEGIES } from "../../schemas/router.ts";
import { budgetField, limitField, printableText, TEAM_LENGTH_MAX } from "../limit-fields.ts";
import { limitUsageSchema } from "../limit-usage.ts";

const NAME_LENGTH_MAX = 256;
const MODELS_MAX = 1_000;
const MODEL_LENGTH_MAX = 256;
const METADATA_KEYS_MAX = 64;
const METADATA_BYTES_MAX = 16 * 1024;

/** Identifier of a virtual key: anything else is unknown without asking the store. */
export const KEY_ID = /^vk_[0-9A-HJKMNP-TV-Z]{26}$/;

const expiry = z.iso
	.datetime({ offset: true, error: "must be an RFC 3339 date-time, such as 2030-01-31T00:00:00Z" })
	.transform((value): number => Date.parse(value));

const metadata = z
	.custom<JsonObject>(isJsonObject, "must be an object")
	.refine((value) => Object.keys(value).length <= METADATA_KEYS_MAX, `must have at most ${METADATA_KEYS_MAX} fields`)
	.refine(
		(value) => new TextEncoder().encode(JSON.stringify(value)).byteLength <= METADATA_BYTES_MAX,
		`must be at most ${METADATA_BYTES_MAX} bytes of JSON`,
	)
	.meta({ type: "object", description: "Free form, at most 64 fields and 16 KiB. Never sent to a provider." });

const keyFields = {
	name: printableText(NAME_LENGTH_MAX).nullable().optional().describe("For people. No control characters."),
	team: printableText(TEAM_LENGTH_MAX).nullable().optional().describe("Groups keys for spend and team limits."),
	models: z
		.array(printableText(MODEL_LENGTH_MAX))
		.max(MODELS_MAX)
		.nullable()
		.optional()
		.describe("Aliases the key may use; empty or null = all. An alias need not exist yet."),
	rpm: limitField().nullable().optional().describe("Requests a minute; null = unlimited."),
	tpm: limitField()
		.nullable()
		.optional()
		.describe("Tokens a minute, prompt and completion together; null = unlimited."),
	monthly_budget_usd: budgetField
		.nullable()
		.optional()
		.describe("Dollars for one calendar month (UTC), from 0 to 9000000; null = unlimited. Decimal text is exact."),
	max_parallel_requests: limitField().nullable().optional().describe("Requests in flight at once; null = unlimited."),
	router: z
		.strictObject({ force_strategy: z.enum(STRATEGIES).nullable().optional() })
		.nullable()
		.optional()
		.describe("Overrides the routing strategy of every alias for this key."),
	expires_at: expiry.nullable().optional().describe("RFC 3339, in the future; null = never."),
	metadata: metadata.nullable().optional(),
	enabled: z.boolean().optional().describe("A disabled key is refused like an unknown one, and can be enabled again."),
};

export const keyCreateSchema = z.strictObject(keyFields);
export type KeyCreate = z.output<typeof keyCreateSchema>;

export const keyUpdateSchema = z
	.strictObject(keyFields)
	.refine((changes) => Object.keys(changes).length > 0, "The body must name at least one field to change");

export const keyListQuerySchema = z.strictObject({
	after: z.string().regex(KEY_ID, "must be the next_after of the page before").optional(),
	limit: z
		.string()
		.regex(/^\d{1,6}$/, "must be a whole number from 1 to 1000")
		.transform(Number)
		.refine((value) => value >= 1 && value <= 1_000, "must be a whole number from 1 to 1000")
		.optional(),
	team: z.string().max(TEAM_LENGTH_MAX).optional(),
	name: z.string().max(NAME_LENGTH_MAX).optional(),
});

const timestamp = z.iso.datetime();

/** A virtual key as the API shows it. The secret is not part of it. */
export const keySchema = z.object({
	id: z.string().describe("`vk_` and a ULID."),
	name: z.string().nullable(),
	team: z.string().nullable(),
	models: z.array(z.string()).describe("Aliases the key may use; empty = all."),
	rpm: z.int().nullable(),
	tpm: z.int().nullable(),
	monthly_budget_usd: z.number().nullable().describe("Dollars. Exact up to four million with nine decimals."),
	max_parallel_requests: z.int().nullable(),
	router: z.object({ force_strategy: z.enum(STRATEGIES).nullable() }),
	expires_at: timestamp.nullable(),
	metadata: z.record(z.string(), z.unknown()),
	enabled: z.boolean(),
	created_at: timestamp,
	last_used_at: timestamp.nullable().describe("Written in batches: may lag by some seconds."),
	key_hint: z.string().describe("Beginning and last four characters of the secret, to recognise it by."),
});

export const createdKeySchema = keySchema.extend({
	key: z.string().describe("The secret, `gw_virt_…`. Shown this once and stored only as a hash."),
});

export const keyDetailSchema = keySchema.extend({ usage: limitUsageSchema });

export const keyListSchema = z.object({
	object: z.literal("list"),
	data: z.array(keySchema),
	has_more: z.boolean(),
	next_after: z.string().nullable().describe("Pass as `after` for the next page; null at the end."),
});

export const keyDeletedSchema = z.object({ id: z.string(), deleted: z.literal(true) });
