import { z } from "zod";
import {
	deploymentChangeSchema,
	deploymentListSchema,
	deploymentSchema,
	deploymentSelectorSchema,
} from "../../admin/deployments/schema.ts";
import {
	createdKeySchema,
	keyCreateSchema,
	keyDeletedSchema,
	keyDetailSchema,
	keyListSchema,
	keySchema,
	keyUpdateSchema,
} from "../../admin/keys/schema.ts";
import { limitUsageSchema } from "../../admin/limit-usage.ts";
import { requestRoutingSchema } from "../../admin/requests/routing-schema.ts";
import { requestAttemptSchema, requestTrailSchema, requestUsageSchema } from "../../admin/requests/schema.ts";
import {
	aliasReplaySchema,
	aliasReportSchema,
	replaySchema,
	routingReportSchema,
	shadowReportSchema,
} from "../../admin/routing/schema.ts";
import {
	groupedSpendReportSchema,
	spendFiguresSchema,
	spendReportSchema,
	spendRowSchema,
} from "../../admin/spend/schema.ts";
import { teamLimitsSchema, teamSchema } from "../../admin/teams/schema.ts";
import { ERROR_STATUSES } from "../../lib/errors.ts";
import { allowanceSchema, meSchema } from "../me-schema.ts";
import {
	chatCompletionRequestSchema,
	completionRequestSchema,
	conversationCreateSchema,
	conversationDeletedSchema,
	conversationItemsCreateSchema,
	conversationSchema,
	conversationUpdateSchema,
	embeddingRequestSchema,
	errorSchema,
	healthSchema,
	imageEditRequestSchema,
	imageGenerationRequestSchema,
	itemListSchema,
	itemSchema,
	modelListSchema,
	modelSchema,
	moderationRequestSchema,
	openAiObjectSchema,
	readinessSchema,
	responseRequestSchema,
	speechRequestSchema,
	transcriptionRequestSchema,
	translationRequestSchema,
} from "./wire-schemas.ts";

/** A piece of the document: plain JSON. */
export type DocumentNode = { readonly [key: string]: unknown };

const SCHEMAS = {
	Error: errorSchema,
	ChatCompletionRequest: chatCompletionRequestSchema,
	ResponseRequest: responseRequestSchema,
	CompletionRequest: completionRequestSchema,
	EmbeddingRequest: embeddingRequestSchema,
	ModerationRequest: moderationRequestSchema,
	ImageGenerationRequest: imageGenerationRequestSchema,
	ImageEditRequest: imageEditRequestSchema,
	TranscriptionRequest: transcriptionRequestSchema,
	TranslationRequest: translationRequestSchema,
	SpeechRequest: speechRequestSchema,
	OpenAiObject: openAiObjectSchema,
	ConversationCreate: conversationCreateSchema,
	ConversationUpdate: conversationUpdateSchema,
	ConversationItemsCreate: conversationItemsCreateSchema,
	Conversation: conversationSchema,
	ConversationDeleted: conversationDeletedSchema,
	Item: itemSchema,
	ItemList: itemListSchema,
	Model: modelSchema,
	ModelList: modelListSchema,
	Health: healthSchema,
	Readiness: readinessSchema,
	Key: keySchema,
	KeyCreate: keyCreateSchema,
	KeyUpdate: keyUpdateSchema,
	LimitUsage: limitUsageSchema,
	CreatedKey: createdKeySchema,
	KeyDetail: keyDetailSchema,
	KeyList: keyListSchema,
	KeyDeleted: keyDeletedSchema,
	Team: teamSchema,
	TeamLimits: teamLimitsSchema,
	Me: meSchema,
	Allowance: allowanceSchema,
	Deployment: deploymentSchema,
	DeploymentSelector: deploymentSelectorSchema,
	DeploymentList: deploymentListSchema,
	DeploymentChange: deploymentChangeSchema,
	SpendFigures: spendFiguresSchema,
	SpendRow: spendRowSchema,
	SpendReport: spendReportSchema,
	GroupedSpendReport: groupedSpendReportSchema,
	RequestTrail: requestTrailSchema,
	RequestAttempt: requestAttemptSchema,
	RequestUsage: requestUsageSchema,
	RequestRouting: requestRoutingSchema,
	RoutingReport: routingReportSchema,
	AliasRouting: aliasReportSchema,
	ShadowRouting: shadowReportSchema,
	RoutingReplay: replaySchema,
	AliasReplay: aliasReplaySchema,
} as const satisfies Record<string, z.ZodType>;

export type SchemaName = keyof typeof SCHEMAS;

export function schemaRef(name: SchemaName): DocumentNode {
	return { $ref: `#/components/schemas/${name}` };
}

/** The zod schemas as JSON Schema 2020-12, referring to each other by their place in the document. */
export function schemaComponents(): DocumentNode {
	const registry = z.registry<{ id: string }>();
	for (const [id, schema] of Object.entries(SCHEMAS)) {
		registry.add(schema, { id });
	}
	const { schemas } = z.toJSONSchema(registry, {
		io: "input",
		unrepresentable: "any",
		uri: (id) => `#/components/schemas/${id}`,
		override: ({ jsonSchema }) => {
			// The format says it; the pattern that zod adds is 300 characters that no reader wants.
			if (jsonSchema.format === "date-time") {
				delete jsonSchema.pattern;
			}
		},
	});
	return Object.fromEntries(
		Object.entries(schemas).map(([id, { $schema: _dialect, $id: _uri, ...schema }]) => [id, schema]),
	);
}

function header(description: string, schema: DocumentNode): DocumentNode {
	return { description, schema };
}

const text = { type: "string" };

export const HEADERS = {
	"X-Request-Id": header("Names this request: in logs, at the provider and in `GET /v1/requests/{id}`.", {
		type: "string",
		examples: ["req_01HZX3V8Q2M4N6P8R0S2T4V6W8"],
	}),
	"X-Gateway-Decision": header("Provider and model that served the request.", {
		type: "string",
		examples: ["openai/gpt-4o-mini"],
	}),
	"X-Gateway-Route-Bucket": header("Bucket of the prompt.", {
		type: "string",
		enum: ["simple", "medium", "complex"],
	}),
	"X-Gateway-Route-Score": header("Score of the prompt, 0.00 to 1.00.", {
		type: "string",
		pattern: "^(0\\.\\d{2}|1\\.00)$",
	}),
	"X-Gateway-Cost-Usd": header("Cost of the request in dollars. On a stream: of the prompt, as known at its start.", {
		type: "string",
		pattern: "^\\d+\\.\\d{6,9}$",
		examples: ["0.000099"],
	}),
	"X-Gateway-Cost-Unpriced": header("`true` when no price is known: the cost of zero then means unknown, not free.", {
		type: "string",
		enum: ["true"],
	}),
	"X-Gateway-Cost-Final": header("`false` on streams: the final cost is told before `[DONE]` and by the trail.", {
		type: "string",
		enum: ["false"],
	}),
	"X-Gateway-Budget-Remaining": header(
		"Only for keys with a budget, their own or their team's: dollars left of the smaller remainder, less what is " +
			"reserved for requests in flight. On a stream: after its own reservation.",
		{ type: "string", pattern: "^\\d+\\.\\d{6,9}$", examples: ["12.340000"] },
	),
	"X-Gateway-Retries": header("Failover attempts beyond the first.", { type: "string", pattern: "^\\d+$" }),
	"X-Gateway-Dropped": header("Request fields that the provider cannot express and that were left out.", text),
	"X-Gateway-Limit-Kind": header("Which limit refused the request.", {
		type: "string",
		enum: ["rpm", "tpm", "parallel", "budget", "upstream", "auth"],
	}),
	"X-Gateway-Limit-Scope": header("Whose limit or budget refused the request.", {
		type: "string",
		enum: ["key", "team"],
	}),
	"X-Should-Retry": header("`false`: trying again soon is of no use; OpenAI's SDKs obey.", { type: "string" }),
	"Retry-After": header("Whole seconds until the request may fit.", { type: "integer", minimum: 1 }),
	"WWW-Authenticate": header("`Bearer`", text),
	Allow: header("The methods that this path has.", text),
	Location: header("Path of the new object.", text),
} as const satisfies Record<string, DocumentNode>;

export type HeaderName = keyof typeof HEADERS;

export function headerRefs(...names: HeaderName[]): DocumentNode {
	return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

export function queryText(name: string, description: string): DocumentNode {
	return { name, in: "query", required: false, description, schema: { type: "string" } };
}

const ERROR_TEXTS = {
	400: "The request is wrong; `param` names the field.",
	401: "No valid credential: missing, unknown, disabled, expired or revoked.",
	403: "The credential is valid, but not for this.",
	404: "There is no such thing, or none that this caller may see.",
	405: "The path exists, but not with this method.",
	408: "The request body stopped arriving.",
	409: "The request does not fit the state of what it names.",
	413: "The request body is too large.",
	415: "The body's media type or encoding is not accepted.",
	422: "The provider could not process the request.",
	429: "A limit, a budget or the provider's own limit is reached; `kind` says which.",
	500: "A fault of the gateway.",
	502: "No provider gave a usable answer.",
	503: "The gateway cannot serve this now: draining, ledger unavailable, or nothing enabled.",
	504: "The provider did not answer in time.",
} as const satisfies Record<number, string>;

export type ErrorStatus = keyof typeof ERROR_TEXTS;

const ERROR_HEADERS: Partial<Record<ErrorStatus, readonly HeaderName[]>> = {
	401: ["WWW-Authenticate"],
	405: ["Allow"],
	429: ["Retry-After", "X-Gateway-Limit-Kind", "X-Gateway-Limit-Scope", "X-Should-Retry"],
	502: ["X-Should-Retry"],
	503: ["Retry-After"],
	504: ["X-Should-Retry"],
};

/** One shared response for every error status, each with the types it may carry. */
export function errorResponseComponents(): DocumentNode {
	return Object.fromEntries(
		Object.entries(ERROR_TEXTS).map(([status, description]) => {
			const types = Object.entries(ERROR_STATUSES)
				.filter(([, statuses]) => statuses.some((known) => String(known) === status))
				.map(([type]) => `\`${type}\``);
			// The keys of the table are its statuses; Object.entries forgets that.
			const headers = headerRefs("X-Request-Id", ...(ERROR_HEADERS[Number(status) as ErrorStatus] ?? []));
			return [
				`Error${status}`,
				{
					description: `${description} Type: ${types.join(" or ")}.`,
					headers,
					content: { "application/json": { schema: schemaRef("Error") } },
				},
			];
		}),
	);
}

/** Any request may meet these: a malformed Host or query, another method, a bug, a gateway that is draining. */
const ANYWHERE: readonly ErrorStatus[] = [400, 405, 500, 503];

export function errorRefs(...statuses: ErrorStatus[]): DocumentNode {
	const all = [...new Set([...ANYWHERE, ...statuses])].sort((left, right) => left - right);
	return Object.fromEntries(all.map((status) => [status, { $ref: `#/components/responses/Error${status}` }]));
}
