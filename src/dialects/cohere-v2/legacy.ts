import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";

/**
 * Answers in the words of Cohere's first API (`/v1/chat`, `/v1/generate`), said again in those of the second. Nothing is
 * sent to that API; servers of Cohere's models elsewhere still answer like it.
 * @see https://docs.cohere.com/v2/docs/migrating-v1-to-v2
 */
export function modernAnswer(answer: JsonObject): JsonObject {
	const generated = Array.isArray(answer.generations) ? answer.generations.find(isJsonObject) : undefined;
	const said = generated ?? answer;
	if (answer.message !== undefined || typeof said.text !== "string") {
		return answer;
	}
	return {
		id: answer.generation_id ?? answer.response_id ?? answer.id,
		message: {
			role: "assistant",
			content: said.text === "" ? [] : [{ type: "text", text: said.text }],
			tool_calls: modernCalls(answer.tool_calls),
			citations: modernCitations(answer.citations, answer.documents),
		},
		finish_reason: said.finish_reason,
		usage: answer.meta,
	};
}

/** The same for one event of a stream. An event of the second API is itself. */
export function modernEvents(event: JsonObject): readonly JsonObject[] {
	switch (event.event_type) {
		case undefined:
			return [event];
		case "stream-start":
			return [{ type: "message-start", id: event.generation_id }];
		case "text-generation":
			return [{ type: "content-delta", index: 0, delta: { message: { content: { text: event.text } } } }];
		case "citation-generation":
			return modernCitations(event.citations, event.documents).map((citations) => ({
				type: "citation-start",
				delta: { message: { citations } },
			}));
		case "tool-calls-chunk":
			return [{ type: "tool-plan-delta", delta: { message: { tool_plan: event.text } } }];
		case "tool-calls-generation":
			return modernCalls(event.tool_calls).map((call, index) => ({
				type: "tool-call-start",
				index,
				delta: { message: { tool_calls: call } },
			}));
		case "stream-end": {
			const response = isJsonObject(event.response) ? event.response : {};
			const error = event.error ?? response.error;
			return [{ type: "message-end", delta: { finish_reason: event.finish_reason, usage: response.meta, error } }];
		}
		default:
			return [];
	}
}

/** `{name, parameters}`, without an id. */
function modernCalls(calls: JsonValue | undefined): JsonObject[] {
	return objectsIn(calls).map(({ name, parameters }) => ({
		type: "function",
		function: { name, arguments: parameters === undefined ? "" : JSON.stringify(parameters) },
	}));
}

/** They name their documents, which stand beside them. */
function modernCitations(citations: JsonValue | undefined, documents: JsonValue | undefined): JsonObject[] {
	const known = objectsIn(documents);
	return objectsIn(citations).map(({ document_ids: ids, ...citation }) => ({
		...citation,
		sources: (Array.isArray(ids) ? ids : []).map((id) => {
			const document = known.find((entry) => entry.id === id);
			return { type: "document", id, ...(document === undefined ? {} : { document }) };
		}),
	}));
}
