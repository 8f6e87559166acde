import type { JsonObject } from "../lib/json-types.ts";
import type { Answer } from "./answer.ts";
import { type MockEvent, typedEvent } from "./reply.ts";

/** Everything a response is made of, streamed or whole. */
export interface ResponseParts {
	readonly answer: Answer;
	readonly output: readonly (JsonObject & { readonly id: string })[];
	/** All fields but status, output and usage. */
	readonly envelope: JsonObject;
	readonly status: "completed" | "incomplete";
	/** undefined: this answer tells none. */
	readonly usage: JsonObject | undefined;
}

/** The response as its last event and a plain answer show it. */
export function finishedResponse({ envelope, output, status, usage }: ResponseParts): JsonObject {
	return {
		...envelope,
		status,
		...(status === "completed" ? { completed_at: envelope.created_at } : {}),
		incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
		output: [...output],
		...(usage === undefined ? {} : { usage }),
	};
}

/** A response that is not finished: no output, no usage. */
export function openResponse({ envelope }: ResponseParts, status: "queued" | "in_progress"): JsonObject {
	return { ...envelope, status, output: [] };
}

/** How the Responses API tells an error inside a stream. */
export function responseFailure(): MockEvent {
	return typedEvent({
		type: "error",
		code: "server_error",
		message: "The server had an error while processing your request. (mock)",
		param: null,
		sequence_number: 0,
	});
}

/** An event before its number in the stream is known. */
type Step = JsonObject & { readonly type: string };

/** The full typed sequence, numbered from zero. */
export function* responseEvents(parts: ResponseParts): Generator<MockEvent> {
	let sequence = 0;
	for (const step of steps(parts)) {
		yield typedEvent({ ...step, sequence_number: sequence }, step.type.endsWith(".delta"));
		sequence += 1;
	}
}

function* steps(parts: ResponseParts): Generator<Step> {
	yield { type: "response.created", response: openResponse(parts, "in_progress") };
	yield { type: "response.in_progress", response: openResponse(parts, "in_progress") };
	for (const [index, item] of parts.output.entries()) {
		const place = { output_index: index, item_id: item.id };
		yield { type: "response.output_item.added", output_index: index, item: emptied(item) };
		switch (item.type) {
			case "reasoning":
				yield* summarySteps(place, parts.answer.reasoning);
				break;
			case "function_call":
				yield* argumentSteps({ ...place, name: item.name ?? "" }, parts.answer.toolCall?.arguments ?? []);
				break;
			default:
				yield* textSteps(place, parts.answer.text);
		}
		yield { type: "response.output_item.done", output_index: index, item };
	}
	yield { type: `response.${parts.status}`, response: finishedResponse(parts) };
}

/** The item as it is announced: nothing in it yet. */
function emptied(item: JsonObject): JsonObject {
	switch (item.type) {
		case "reasoning":
			return { ...item, summary: [] };
		case "function_call":
			return { ...item, status: "in_progress", arguments: "" };
		default:
			return { ...item, status: "in_progress", content: [] };
	}
}

function* summarySteps(place: JsonObject, pieces: readonly string[]): Generator<Step> {
	const at = { ...place, summary_index: 0 };
	const text = pieces.join("");
	yield { type: "response.reasoning_summary_part.added", ...at, part: { type: "summary_text", text: "" } };
	for (const delta of pieces) {
		yield { type: "response.reasoning_summary_text.delta", ...at, delta };
	}
	yield { type: "response.reasoning_summary_text.done", ...at, text };
	yield { type: "response.reasoning_summary_part.done", ...at, part: { type: "summary_text", text } };
}

function* textSteps(place: JsonObject, pieces: readonly string[]): Generator<Step> {
	const at = { ...place, content_index: 0 };
	const part = (text: string) => ({ type: "output_text", text, annotations: [], logprobs: [] });
	const text = pieces.join("");
	yield { type: "response.content_part.added", ...at, part: part("") };
	for (const delta of pieces) {
		yield { type: "response.output_text.delta", ...at, delta, logprobs: [] };
	}
	yield { type: "response.output_text.done", ...at, text, logprobs: [] };
	yield { type: "response.content_part.done", ...at, part: part(text) };
}

function* argumentSteps({ name, ...place }: JsonObject, pieces: readonly string[]): Generator<Step> {
	for (const delta of pieces) {
		yield { type: "response.function_call_arguments.delta", ...place, delta };
	}
	yield { type: "response.function_call_arguments.done", ...place, name, arguments: pieces.join("") };
}
