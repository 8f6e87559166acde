import {
	type DocumentNode,
	errorRefs,
	type HeaderName,
	headerRefs,
	queryText,
	type SchemaName,
	schemaRef,
} from "./components.ts";
import { conversationPaths } from "./conversations.ts";

const SERVED: readonly HeaderName[] = [
	"X-Request-Id",
	"X-Gateway-Decision",
	"X-Gateway-Route-Bucket",
	"X-Gateway-Route-Score",
	"X-Gateway-Cost-Usd",
	"X-Gateway-Cost-Final",
	"X-Gateway-Cost-Unpriced",
	"X-Gateway-Budget-Remaining",
	"X-Gateway-Retries",
	"X-Gateway-Dropped",
];

const SECURITY = [{ virtualKey: [] }];
const RESPONSE_ID = {
	name: "id",
	in: "path",
	required: true,
	description: "A response made by this key or its team.",
	schema: { type: "string" },
};
const EVENTS = {
	schema: {
		type: "string",
		description:
			"Server-sent events, as the provider sends them. Before `[DONE]` the comment " +
			'`: gateway {"cost_usd":"…","usage":{…}}` tells the final cost. An error after the first token is an event ' +
			'`data: {"error":…}`, and no `[DONE]` follows.',
	},
};

const PROVIDER_REFUSAL = {
	description: "The provider refused the request itself: its own 4xx status and error, passed on.",
	headers: headerRefs(...SERVED),
	content: { "application/json": { schema: schemaRef("Error") } },
};

interface Inference {
	readonly operationId: string;
	readonly summary: string;
	/** OpenAI's reference of this endpoint applies to the fields that are not listed. */
	readonly body: SchemaName;
	readonly multipart?: boolean;
	readonly streams?: boolean;
	/** Media type of an answer that is not JSON. */
	readonly otherAnswer?: string;
}

function inference({ operationId, summary, body, multipart, streams, otherAnswer }: Inference): DocumentNode {
	const media = { schema: schemaRef(body) };
	return {
		post: {
			operationId,
			summary,
			description:
				"OpenAI's schema applies in full: fields that are not listed here reach an OpenAI-compatible provider " +
				"unchanged, and so does its answer to the client.",
			tags: ["OpenAI-compatible"],
			security: SECURITY,
			requestBody: {
				required: true,
				content: multipart ? { "multipart/form-data": media } : { "application/json": media },
			},
			responses: {
				200: {
					description: "The answer of the provider.",
					headers: headerRefs(...SERVED),
					content: {
						...(otherAnswer === "*/*" ? {} : { "application/json": { schema: schemaRef("OpenAiObject") } }),
						...(streams ? { "text/event-stream": EVENTS } : {}),
						...(otherAnswer === undefined ? {} : { [otherAnswer]: {} }),
					},
				},
				...errorRefs(401, 403, 404, 408, 409, 413, 415, 422, 429, 502, 504),
				default: PROVIDER_REFUSAL,
			},
		},
	};
}

function storedResponse(operationId: string, summary: string, query: readonly DocumentNode[] = []): DocumentNode {
	return {
		operationId,
		summary,
		description:
			"Answered by the gateway where it keeps the response, else by the deployment that made it. OpenAI's schema " +
			"applies to the answer.",
		tags: ["OpenAI-compatible"],
		security: SECURITY,
		parameters: [RESPONSE_ID, ...query],
		responses: {
			200: {
				description: "The answer of the provider.",
				headers: headerRefs("X-Request-Id", "X-Gateway-Decision", "X-Gateway-Budget-Remaining"),
				content: { "application/json": { schema: schemaRef("OpenAiObject") } },
			},
			...errorRefs(401, 404, 429, 502, 504),
			default: PROVIDER_REFUSAL,
		},
	};
}

function read(operation: {
	readonly operationId: string;
	readonly summary: string;
	readonly tag: string;
	readonly answer: SchemaName;
	readonly id?: string;
}): DocumentNode {
	return {
		get: {
			operationId: operation.operationId,
			summary: operation.summary,
			tags: [operation.tag],
			security: SECURITY,
			...(operation.id === undefined
				? {}
				: {
						parameters: [
							{ name: "id", in: "path", required: true, description: operation.id, schema: { type: "string" } },
						],
					}),
			responses: {
				200: {
					description: operation.summary,
					headers: headerRefs("X-Request-Id", "X-Gateway-Budget-Remaining"),
					content: { "application/json": { schema: schemaRef(operation.answer) } },
				},
				...(operation.id === undefined ? errorRefs(401, 429) : errorRefs(401, 403, 404, 429)),
			},
		},
	};
}

const INFERENCE: Readonly<Record<string, Inference>> = {
	"/v1/chat/completions": {
		operationId: "createChatCompletion",
		summary: "Chat completion",
		body: "ChatCompletionRequest",
		streams: true,
	},
	"/v1/responses": {
		operationId: "createResponse",
		summary: "Response (Responses API)",
		body: "ResponseRequest",
		streams: true,
	},
	"/v1/completions": {
		operationId: "createCompletion",
		summary: "Text completion (legacy)",
		body: "CompletionRequest",
		streams: true,
	},
	"/v1/embeddings": { operationId: "createEmbedding", summary: "Embeddings", body: "EmbeddingRequest" },
	"/v1/moderations": { operationId: "createModeration", summary: "Moderation", body: "ModerationRequest" },
	"/v1/images/generations": {
		operationId: "createImage",
		summary: "Image generation",
		body: "ImageGenerationRequest",
		streams: true,
	},
	"/v1/images/edits": {
		operationId: "createImageEdit",
		summary: "Image edit",
		body: "ImageEditRequest",
		multipart: true,
		streams: true,
	},
	"/v1/audio/transcriptions": {
		operationId: "createTranscription",
		summary: "Speech to text",
		body: "TranscriptionRequest",
		multipart: true,
		streams: true,
		otherAnswer: "text/plain",
	},
	"/v1/audio/translations": {
		operationId: "createTranslation",
		summary: "Speech to English text",
		body: "TranslationRequest",
		multipart: true,
		otherAnswer: "text/plain",
	},
	"/v1/audio/speech": {
		operationId: "createSpeech",
		summary: "Text to speech",
		body: "SpeechRequest",
		streams: true,
		otherAnswer: "*/*",
	},
};

function storedResponsePaths(): DocumentNode {
	const cursor = [
		queryText("after", "Cursor."),
		queryText("limit", "Page size."),
		queryText("order", "`asc` or `desc`."),
	];
	return {
		"/v1/responses/{id}": {
			get: storedResponse("getResponse", "Read a stored response"),
			delete: storedResponse("deleteResponse", "Delete a stored response"),
		},
		"/v1/responses/{id}/input_items": {
			get: storedResponse("listResponseInputItems", "List the input items of a stored response", cursor),
		},
		"/v1/responses/{id}/cancel": { post: storedResponse("cancelResponse", "Cancel a background response") },
	};
}

/** Everything that a virtual key opens. */
export function dataPlanePaths(): DocumentNode {
	return {
		...Object.fromEntries(Object.entries(INFERENCE).map(([path, operation]) => [path, inference(operation)])),
		...storedResponsePaths(),
		...conversationPaths(),
		"/v1/models": read({
			operationId: "listModels",
			summary: "The aliases that this key may use",
			tag: "OpenAI-compatible",
			answer: "ModelList",
		}),
		"/v1/models/{id}": read({
			operationId: "getModel",
			summary: "One alias that this key may use",
			tag: "OpenAI-compatible",
			answer: "Model",
			id: "The alias.",
		}),
		"/v1/me": read({
			operationId: "getMe",
			summary: "This key's limits, what is left of them, and its spend this month by model and day",
			tag: "Gateway",
			answer: "Me",
		}),
		"/v1/requests/{id}": read({
			operationId: "getOwnRequest",
			summary: "What became of a request of this key or its team: routing, attempts, usage and final cost",
			tag: "Gateway",
			answer: "RequestTrail",
			id: "The `X-Request-Id` of its answer.",
		}),
	};
}
