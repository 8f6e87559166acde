import { z } from "zod";

/**
 * The bodies of OpenAI's API as the gateway sees them: open objects, of which it reads the named fields and passes on
 * everything else. OpenAI's own reference applies to the rest.
 */
const open = (shape: z.ZodRawShape) => z.looseObject(shape);

const model = z.string().min(1).describe("An alias of this gateway: see `GET /v1/models`.");
const stream = z.boolean().nullable().optional().describe("Server-sent events instead of one JSON body.");
const count = z.int().min(1).nullable().optional();
const anyObject = z.looseObject({});

export const chatCompletionRequestSchema = open({
	model,
	messages: z.array(open({ role: z.string() })).min(1),
	stream,
	stream_options: open({ include_usage: z.boolean().optional() })
		.nullable()
		.optional()
		.describe("The gateway asks the provider for usage anyway, and hides the extra chunk from clients that did not."),
	max_completion_tokens: count.describe("Bounds what is reserved of the key's budget."),
	max_tokens: count.describe("Older name of `max_completion_tokens`."),
	n: count.describe("How many answers."),
	tools: z.array(anyObject).nullable().optional(),
	response_format: anyObject.nullable().optional(),
});

export const responseRequestSchema = open({
	model,
	input: z.union([z.string(), z.array(anyObject)]).optional(),
	stream,
	max_output_tokens: count.describe("Bounds what is reserved of the key's budget."),
	previous_response_id: z
		.string()
		.nullable()
		.optional()
		.describe(
			"A response of this key or its team. One that its provider keeps is built upon by the deployment that made it; one " +
				"that the gateway keeps by any.",
		),
	conversation: z
		.union([z.string(), z.looseObject({ id: z.string() })])
		.nullable()
		.optional()
		.describe("A conversation of this key or its team, kept by the gateway. Not together with `previous_response_id`."),
	store: z.boolean().nullable().optional(),
	tools: z.array(anyObject).nullable().optional(),
});

export const completionRequestSchema = open({
	model,
	prompt: z.union([z.string(), z.array(z.unknown())]),
	stream,
	max_tokens: count,
	n: count,
});

export const embeddingRequestSchema = open({
	model,
	input: z.union([z.string(), z.array(z.unknown()).min(1)]),
	encoding_format: z.enum(["float", "base64"]).optional(),
	dimensions: z.int().min(1).optional(),
});

export const moderationRequestSchema = open({
	model: model.nullable().optional().describe("An alias of this gateway. Default: `omni-moderation-latest`."),
	input: z.union([z.string(), z.array(z.unknown()).min(1)]),
});

export const imageGenerationRequestSchema = open({ model, prompt: z.string(), n: count, size: z.string().optional() });

const file = z.string().meta({ contentMediaType: "application/octet-stream" });

export const imageEditRequestSchema = open({
	model,
	image: z
		.union([file, z.array(file)])
		.optional()
		.describe("Repeated as `image[]` for more than one."),
	prompt: z.string(),
	n: count,
});

export const transcriptionRequestSchema = open({ model, file, stream });
export const translationRequestSchema = open({ model, file });

export const speechRequestSchema = open({
	model,
	input: z.string(),
	voice: z.union([z.string(), anyObject]),
	stream_format: z.enum(["audio", "sse"]).optional(),
});

/** An answer of OpenAI's API, passed on as the provider gave it. */
export const openAiObjectSchema = z
	.looseObject({})
	.describe("The object of OpenAI's API for this endpoint, as the provider answered.");

const metadata = z
	.record(z.string().max(64), z.string().max(512))
	.describe("At most 16 texts of at most 512 characters, by names of at most 64.");

const items = z.array(anyObject).max(20).describe("Input items as `input` takes them.");

export const conversationCreateSchema = z.object({
	metadata: metadata.nullable().optional(),
	items: items.nullable().optional(),
});

export const conversationUpdateSchema = z.object({ metadata: metadata.nullable() });

export const conversationItemsCreateSchema = z.object({ items });

export const conversationSchema = z.object({
	id: z.string().meta({ examples: ["conv_01HZX3V8Q2M4N6P8R0S2T4V6W8"] }),
	object: z.literal("conversation"),
	created_at: z.int().describe("Unix seconds."),
	metadata,
});

export const conversationDeletedSchema = z.object({
	id: z.string(),
	object: z.literal("conversation.deleted"),
	deleted: z.literal(true),
});

export const itemSchema = z.looseObject({ id: z.string() }).describe("An item of the Responses API.");

export const itemListSchema = z.object({
	object: z.literal("list"),
	data: z.array(itemSchema),
	first_id: z.string().describe("Empty where the list is."),
	last_id: z.string().describe("Empty where the list is."),
	has_more: z.boolean(),
});

export const modelSchema = z.looseObject({
	id: z.string().describe("The alias."),
	object: z.literal("model"),
	created: z.int(),
	owned_by: z.string(),
	context_length: z.int().nullable().optional().describe("The least of the alias's deployments."),
	max_output_tokens: z.int().nullable().optional().describe("The least of the alias's deployments."),
	pricing: z
		.looseObject({ input_per_million_usd: z.string(), output_per_million_usd: z.string() })
		.nullable()
		.optional()
		.describe("Dollars a million tokens, decimal text: the dearest of the alias's deployments."),
	operations: z.array(z.string()).optional(),
});

export const modelListSchema = z.object({ object: z.literal("list"), data: z.array(modelSchema) });

export const healthSchema = z.looseObject({ status: z.string() });

/** Loose: what a part of the gateway tells is there where there is such a part. */
export const readinessSchema = z.looseObject({
	status: z.enum(["ready", "not_ready", "draining"]),
	store: z
		.enum(["ok", "degraded", "unavailable"])
		.describe("`degraded`: the shared database is away, and spend waits on local disk until it is back. Still ready."),
	ledger: z.enum(["ok", "unavailable"]).describe("Whether spend can be recorded durably."),
	redis: z.enum(["off", "ok", "down"]).describe("`down`: limits hold by each instance's part of them. Still ready."),
	instances: z.int().min(1).describe("Instances known to share the database, this one included."),
	outbox_rows: z.int().min(0).optional().describe("Rows that wait on local disk, where there is a shared database."),
	deployments: z.object({ configured: z.int().min(0), usable: z.int().min(0) }),
});

/** Loose, and `code` and `param` optional, for the errors of a provider that are passed on as they came. */
export const errorSchema = z.looseObject({
	error: z.looseObject({
		type: z.string(),
		message: z.string(),
		code: z.string().nullable().optional().describe("Always there in the gateway's own errors."),
		param: z
			.string()
			.nullable()
			.optional()
			.describe("The field that is wrong; always there in the gateway's own errors."),
		kind: z.string().optional().describe("Which limit, or whose fault."),
		retry_after_seconds: z.int().min(1).optional().describe("Equal to the `Retry-After` header."),
	}),
});
