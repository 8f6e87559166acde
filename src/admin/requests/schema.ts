import { z } from "zod";
import { OPERATIONS } from "../../dialects/types.ts";
import type { AttemptOutcome, UsageSource } from "../../metering/ledger-types.ts";
import { requestRoutingSchema } from "./routing-schema.ts";

const OUTCOMES = [
	"ok",
	"refused",
	"upstream_failed",
	"client_gone",
	"cut",
	"crashed",
] as const satisfies readonly AttemptOutcome[];

const USAGE_SOURCES = [
	"provider",
	"estimated",
	"partial",
	"none",
	"crash_estimate",
] as const satisfies readonly UsageSource[];

const timestamp = z.iso.datetime();

const STATUS_WORDS =
	"`ok`; `refused`: the provider refused the request itself; `upstream_failed`; `client_gone`: the client left; " +
	"`cut`: ended by the gateway; `crashed`: found open after a crash; `in_flight`";

/** Token buckets as OpenAI counts them, so that they compare with the `usage` of the answer. */
export const requestUsageSchema = z.object({
	prompt_tokens: z.int(),
	cached_tokens: z.int().describe("Part of `prompt_tokens`."),
	cache_write_tokens: z.int().describe("Part of `prompt_tokens`: kept for the usual time."),
	cache_write_1h_tokens: z.int().describe("Part of `prompt_tokens`: kept for an hour."),
	completion_tokens: z.int(),
	reasoning_tokens: z.int().describe("Part of `completion_tokens`."),
	audio_prompt_tokens: z.int().describe("Part of `prompt_tokens`."),
	audio_completion_tokens: z.int().describe("Part of `completion_tokens`."),
	image_prompt_tokens: z
		.int()
		.describe("Part of `prompt_tokens`, where the provider counts the tokens of images apart."),
	image_completion_tokens: z.int().describe("Part of `completion_tokens`."),
	images: z.number(),
	seconds: z.number(),
	characters: z.number(),
	web_searches: z.int().describe("Searches run by the provider's own tool."),
});

export const requestAttemptSchema = z.object({
	attempt: z.int().describe("0 for the first."),
	deployment_id: z.string(),
	provider: z.string(),
	model: z.string().describe("The provider's name of the model."),
	status: z.enum(["in_flight", ...OUTCOMES]).describe(`${STATUS_WORDS}.`),
	upstream_status: z.int().nullable().describe("HTTP status of the provider."),
	error_class: z
		.string()
		.nullable()
		.describe("What went wrong: `connect_refused`, `ttft_timeout`, `rate_limited` and so on."),
	started_at: timestamp.describe("When the attempt was dispatched."),
	ttft_ms: z.number().nullable().describe("Time to first token, or to the end of an answer that is not a stream."),
	duration_ms: z.number().nullable().describe("From then until the end of the answer."),
	usage: requestUsageSchema.nullable(),
	usage_source: z.enum(USAGE_SOURCES).nullable(),
	price_version: z.string().nullable().describe("The price list the cost was computed with; null = unpriced."),
	reserved_usd: z.string().describe("Worst case that was set aside before the call."),
	cost_usd: z.string().nullable().describe("null while in flight."),
});

export const requestTrailSchema = z.object({
	id: z.string(),
	object: z.literal("request"),
	operation: z.enum(OPERATIONS),
	model_alias: z.string(),
	stream: z.boolean(),
	key_id: z.string(),
	team: z.string().nullable(),
	status: z
		.enum(["in_flight", "unserved", ...OUTCOMES])
		.describe(
			`That of the last attempt: ${STATUS_WORDS}. \`unserved\`: no provider was asked, since none could serve it, or none ` +
				"within its budget.",
		),
	http_status: z.int().nullable().describe("What the client of an `unserved` request was told; null for all others."),
	error_code: z.string().nullable().describe("The `code` of the error that it was told, likewise."),
	created_at: timestamp.describe("When its first attempt was dispatched; when it was refused, where it is `unserved`."),
	completed_at: timestamp.nullable(),
	retries: z.int().describe("Attempts beyond the first."),
	cost_usd: z.string().describe("Sum over the attempts so far."),
	cost_final: z.boolean().describe("True once every attempt is settled."),
	routing: requestRoutingSchema.nullable().describe("null: the request is from before this was kept."),
	attempts: z.array(requestAttemptSchema).describe("In their order; empty where the request is `unserved`."),
});
