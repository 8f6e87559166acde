import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { Usage } from "../../lib/usage.ts";
import { jsonEvent } from "../event-data.ts";
import { declaredFault, readFault } from "../provider-fault.ts";
import { estimatedTokens } from "../token-estimate.ts";
import { count, readTokenUsage } from "../token-usage.ts";
import { eventObject, eventText, openTypedStream, type TypedEvent } from "../typed-stream.ts";
import type { AnswerReader, SseEvent, StreamReader } from "../types.ts";

export const responsesAnswer: AnswerReader = {
	operation: "responses",
	answer: "json",
	usage: readUsage,
	// A response that failed is an answer with status 200 and its error inside.
	fault: (answer) => declaredFault(answer) ?? (answer.status === "failed" ? readFault(answer, undefined) : undefined),
	outputTokensSeen: (answer) => Math.ceil(outputTokens(answer.output) ?? 0),
	openStream: openResponsesStream,
};

function openResponsesStream(): StreamReader {
	let hasDeltas = false;
	let sequence = -1;
	const reader = openTypedStream((type, event): TypedEvent => {
		sequence = count(event.sequence_number) ?? sequence;
		switch (type) {
			case "response.completed":
			case "response.incomplete":
			case "response.cancelled": {
				const response = eventObject(event, "response");
				const tokens = hasDeltas ? undefined : outputTokens(response.output);
				return { ...facts(response), step: "last", answer: response, tokens };
			}
			case "response.failed": {
				const response = eventObject(event, "response");
				return { ...facts(response), step: "failed", failure: response };
			}
			case "response.created":
			case "response.queued":
			case "response.in_progress":
				return { ...facts(eventObject(event, "response")), step: "meta" };
			case "response.output_item.done": {
				// An item that came without deltas is seen here first (a tool call of some servers, an image).
				const tokens = hasDeltas ? undefined : itemTokens(event.item);
				return tokens === undefined ? META : { step: "content", tokens };
			}
			case "response.output_item.added":
				hasDeltas = false;
				return META;
			case "response.image_generation_call.partial_image":
				return { step: "content", tokens: 1 };
			default: {
				const delta = type.endsWith(".delta") ? eventText(event, "delta") : "";
				hasDeltas ||= delta !== "";
				return delta === "" ? META : { step: "content", tokens: estimatedTokens(delta) };
			}
		}
	});
	return { ...reader, errorEvent: (body) => errorEvent(body, sequence + 1) };
}

/**
 * OpenAI's document has the facts on the event itself; its servers send them in `error` as well, where its SDKs and Open
 * Responses look for them.
 */
function errorEvent(body: JsonObject, sequence: number): SseEvent {
	const error = eventObject(body, "error");
	const { code = null, message = "", param = null } = error;
	return jsonEvent({ type: "error", sequence_number: sequence, code, message, param, error }, "error");
}

const META: TypedEvent = { step: "meta" };

function facts(response: JsonObject): Pick<TypedEvent, "usage" | "objectId"> {
	const { id } = response;
	return { usage: readUsage(response), objectId: typeof id === "string" ? id : undefined };
}

/** OpenAI tells the searches it bills beside the usage; before it did, they could be counted in the output. */
function readUsage(response: JsonObject): Usage | undefined {
	const usage = readTokenUsage(response.usage);
	const told = count(eventObject(eventObject(response, "tool_usage"), "web_search").num_requests);
	return usage && { ...usage, searches: told ?? (usage.searches || searchCalls(response.output)) };
}

/** Pages that a model opened and looked through are calls too, but not billed. */
function searchCalls(output: JsonValue | undefined): number {
	const calls = (Array.isArray(output) ? output : []).filter(
		(item): item is JsonObject => isJsonObject(item) && item.type === "web_search_call",
	);
	return calls.filter((call) => !isJsonObject(call.action) || call.action.type === "search").length;
}

function outputTokens(output: JsonValue | undefined): number | undefined {
	let tokens: number | undefined;
	for (const item of Array.isArray(output) ? output : []) {
		const found = itemTokens(item);
		tokens = found === undefined ? tokens : (tokens ?? 0) + found;
	}
	return tokens;
}

const TEXT_FIELDS = ["name", "arguments", "input", "code", "text", "refusal", "transcript"];

/** What a model wrote in an item: text, refusals, reasoning, arguments and code of tools. Any other tool call is one token. */
function itemTokens(item: JsonValue | undefined): number | undefined {
	if (!isJsonObject(item)) {
		return undefined;
	}
	const text = TEXT_FIELDS.map((field) => eventText(item, field)).join("");
	let tokens = text === "" ? undefined : estimatedTokens(text);
	for (const field of ["content", "summary"]) {
		for (const part of Array.isArray(item[field]) ? item[field] : []) {
			const found = itemTokens(part);
			tokens = found === undefined ? tokens : (tokens ?? 0) + found;
		}
	}
	return tokens ?? (eventText(item, "type").endsWith("_call") ? 1 : undefined);
}
