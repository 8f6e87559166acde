import { type DocumentNode, errorRefs, headerRefs, queryText, type SchemaName, schemaRef } from "./components.ts";

function pathText(name: string, description: string): DocumentNode {
	return { name, in: "path", required: true, description, schema: { type: "string" } };
}

interface ConversationOperation {
	readonly operationId: string;
	readonly summary: string;
	readonly answer: SchemaName;
	readonly body?: SchemaName;
	readonly item?: boolean;
	readonly query?: readonly DocumentNode[];
}

function conversation({ operationId, summary, answer, body, item, query }: ConversationOperation): DocumentNode {
	const isNew = operationId === "createConversation";
	const content = body && { "application/json": { schema: schemaRef(body) } };
	const parameters = [
		...(isNew ? [] : [pathText("id", "A conversation of this key or its team.")]),
		...(item ? [pathText("item_id", "An item of the conversation.")] : []),
		...(query ?? []),
	];
	return {
		operationId,
		summary,
		description: "Conversations are kept by the gateway itself, for every provider.",
		tags: ["OpenAI-compatible"],
		security: [{ virtualKey: [] }],
		...(parameters.length === 0 ? {} : { parameters }),
		...(content === undefined ? {} : { requestBody: { required: !isNew, content } }),
		responses: {
			200: {
				description: summary,
				headers: headerRefs("X-Request-Id", "X-Gateway-Decision"),
				content: { "application/json": { schema: schemaRef(answer) } },
			},
			...(content === undefined ? errorRefs(401, 404, 429) : errorRefs(401, 404, 408, 413, 415, 429)),
		},
	};
}

/** OpenAI's Conversations API. */
export function conversationPaths(): DocumentNode {
	const include = queryText("include", "Further fields. What there is, is always there.");
	const page = [
		queryText("after", "Cursor."),
		queryText("limit", "Page size."),
		queryText("order", "`asc` or `desc`."),
	];
	return {
		"/v1/conversations": {
			post: conversation({
				operationId: "createConversation",
				summary: "Create a conversation",
				body: "ConversationCreate",
				answer: "Conversation",
			}),
		},
		"/v1/conversations/{id}": {
			get: conversation({
				operationId: "getConversation",
				summary: "Read a conversation",
				answer: "Conversation",
			}),
			post: conversation({
				operationId: "updateConversation",
				summary: "Replace the metadata of a conversation",
				body: "ConversationUpdate",
				answer: "Conversation",
			}),
			delete: conversation({
				operationId: "deleteConversation",
				summary: "Delete a conversation and its items",
				answer: "ConversationDeleted",
			}),
		},
		"/v1/conversations/{id}/items": {
			get: conversation({
				operationId: "listConversationItems",
				summary: "List the items of a conversation",
				answer: "ItemList",
				query: [...page, include],
			}),
			post: conversation({
				operationId: "createConversationItems",
				summary: "Add items to a conversation",
				body: "ConversationItemsCreate",
				answer: "ItemList",
				query: [include],
			}),
		},
		"/v1/conversations/{id}/items/{item_id}": {
			get: conversation({
				operationId: "getConversationItem",
				summary: "Read an item of a conversation",
				answer: "Item",
				item: true,
				query: [include],
			}),
			delete: conversation({
				operationId: "deleteConversationItem",
				summary: "Delete an item of a conversation; the conversation is the answer",
				answer: "Conversation",
				item: true,
			}),
		},
	};
}
