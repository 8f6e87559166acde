import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../lib/json-types.ts";
import { type Answer, composeAnswer, toolsOf } from "./answer.ts";
import { firstCount, textField, textOf } from "./read.ts";
import { type MockCall, MockRefusal, type MockReply } from "./reply.ts";
import {
	finishedResponse,
	openResponse,
	type ResponseParts,
	responseEvents,
	responseFailure,
} from "./response-events.ts";
import type { StoredResponse, StoredResponses } from "./stored-responses.ts";
import { countTokens } from "./text.ts";

/** `POST /v1/responses`. Stores what it answers unless `store` is false. */
export function responses(call: MockCall, stored: StoredResponses): MockReply {
	const earlier = earlierOf(call.body, stored);
	const input = inputItems(call);
	const answer = answerTo(call, input);
	const inputTokens = textTokens([...earlier, ...input]) + countTokens(textField(call.body, "instructions") ?? "");
	const parts = responseParts(call, answer, inputTokens);
	const background = call.body.background === true;
	const response = finishedResponse(parts);
	if (call.body.store !== false) {
		stored.add({
			response: background ? openResponse(parts, "queued") : response,
			finished: response,
			input,
			conversation: [...earlier, ...input, ...parts.output],
		});
	}
	if (call.body.stream === true) {
		return { kind: "events", events: responseEvents(parts), failure: responseFailure() };
	}
	return { kind: "json", body: background ? openResponse(parts, "queued") : response };
}

/** The conversation that `previous_response_id` continues. */
function earlierOf(body: JsonObject, stored: StoredResponses): StoredResponse["conversation"] {
	const previous = textField(body, "previous_response_id");
	if (previous === undefined) {
		return [];
	}
	const found = stored.get(previous);
	if (found === undefined) {
		throw new MockRefusal(400, `Previous response with id '${previous}' not found.`, {
			param: "previous_response_id",
			code: "previous_response_not_found",
		});
	}
	return found.conversation;
}

/** The input as a list of items, each with an id, as `GET …/input_items` shows them. */
function inputItems(call: MockCall): readonly JsonObject[] {
	const { input } = call.body;
	if (typeof input === "string") {
		const content = [{ type: "input_text", text: input }];
		return [{ id: call.newId("msg_"), type: "message", status: "completed", role: "user", content }];
	}
	if (!Array.isArray(input) || input.length === 0) {
		throw new MockRefusal(400, "'input' must be a text or a list with at least one item.", { param: "input" });
	}
	return objectsIn(input).map((item) => {
		const isMessage = item.type === undefined || item.type === "message";
		return {
			id: call.newId(isMessage ? "msg_" : "item_"),
			status: "completed",
			...item,
			...(isMessage ? { type: "message", content: contentParts(item) } : {}),
		};
	});
}

function contentParts({ role, content }: JsonObject): JsonValue {
	const type = role === "assistant" ? "output_text" : "input_text";
	const extra = role === "assistant" ? { annotations: [], logprobs: [] } : {};
	return typeof content === "string" ? [{ type, text: content, ...extra }] : (content ?? []);
}

function answerTo(call: MockCall, input: readonly JsonObject[]): Answer {
	const last = input.at(-1);
	return composeAnswer(call.script, {
		userText: textOf(input.findLast(({ role }) => role === "user")?.content),
		toolResult: last?.type === "function_call_output" ? textOf(last.output) : undefined,
		tools: toolsOf(objectsIn(call.body.tools), call.body.tool_choice),
		tokensMax: firstCount(call.body, ["max_output_tokens"]),
	});
}

function textTokens(items: readonly JsonObject[]): number {
	return items.reduce((sum, item) => sum + countTokens(textOf(item.content)) + countTokens(textOf(item.output)), 0);
}

function responseParts(call: MockCall, answer: Answer, inputTokens: number): ResponseParts {
	const status = answer.finish === "length" ? "incomplete" : "completed";
	const output: (JsonObject & { id: string })[] = [];
	if (answer.reasoning.length > 0) {
		const summary = [{ type: "summary_text", text: answer.reasoning.join("") }];
		output.push({ id: call.newId("rs_"), type: "reasoning", summary });
	}
	if (answer.toolCall !== undefined) {
		output.push({
			id: call.newId("fc_"),
			type: "function_call",
			status: "completed",
			call_id: call.newId("call_"),
			name: answer.toolCall.name,
			arguments: answer.toolCall.arguments.join(""),
		});
	} else {
		const content = [{ type: "output_text", text: answer.text.join(""), annotations: [], logprobs: [] }];
		output.push({ id: call.newId("msg_"), type: "message", status, role: "assistant", content });
	}
	return { answer, output, envelope: envelope(call), status, usage: usageOf(call, answer, inputTokens) };
}

function usageOf(call: MockCall, answer: Answer, inputTokens: number): JsonObject | undefined {
	return call.script.usage
		? {
				input_tokens: inputTokens,
				input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
				output_tokens: answer.outputTokens,
				output_tokens_details: { reasoning_tokens: answer.reasoningTokens },
				total_tokens: inputTokens + answer.outputTokens,
			}
		: undefined;
}

/** What a response says from its first event on: the request's own settings, with OpenAI's defaults. */
function envelope(call: MockCall): JsonObject {
	const { body } = call;
	return {
		id: call.newId("resp_"),
		object: "response",
		created_at: call.nowSeconds,
		background: body.background ?? false,
		error: null,
		incomplete_details: null,
		instructions: body.instructions ?? null,
		max_output_tokens: body.max_output_tokens ?? null,
		metadata: isJsonObject(body.metadata) ? body.metadata : {},
		model: call.model,
		parallel_tool_calls: body.parallel_tool_calls ?? true,
		previous_response_id: body.previous_response_id ?? null,
		reasoning: isJsonObject(body.reasoning) ? body.reasoning : { effort: null, summary: null },
		service_tier: "default",
		store: body.store ?? true,
		temperature: body.temperature ?? 1,
		text: isJsonObject(body.text) ? body.text : { format: { type: "text" } },
		tool_choice: body.tool_choice ?? "auto",
		tools: body.tools ?? [],
		top_p: body.top_p ?? 1,
		truncation: body.truncation ?? "disabled",
	};
}
