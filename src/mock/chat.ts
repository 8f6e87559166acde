import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../lib/json-types.ts";
import { type Answer, composeAnswer, toolsOf } from "./answer.ts";
import { choiceCount, firstCount, requiredList, textOf } from "./read.ts";
import { DONE, dataEvent, type MockCall, type MockEvent, type MockReply, STREAM_FAILURE } from "./reply.ts";
import { countTokens } from "./text.ts";

/** What all answers to one chat request share. */
interface ChatAnswer {
	readonly call: MockCall;
	readonly id: string;
	readonly callId: string;
	readonly answer: Answer;
	readonly choices: number;
	readonly usage: JsonObject;
}

/** `POST /v1/chat/completions`. */
export function chat(call: MockCall): MockReply {
	const messages = requiredList(call.body, "messages");
	const last = messages.at(-1);
	const answer = composeAnswer(call.script, {
		userText: textOf(messages.findLast(({ role }) => role === "user")?.content),
		toolResult: last?.role === "tool" ? textOf(last.content) : undefined,
		tools: toolsOf(objectsIn(call.body.tools), call.body.tool_choice),
		tokensMax: firstCount(call.body, ["max_completion_tokens", "max_tokens"]),
	});
	const promptTokens = messages.reduce((sum, message) => sum + countTokens(textOf(message.content)), 0);
	const choices = choiceCount(call.body);
	const chatAnswer: ChatAnswer = {
		call,
		id: call.newId("chatcmpl-"),
		callId: call.newId("call_"),
		answer,
		choices,
		usage: chatUsage(promptTokens, answer, choices),
	};
	return call.body.stream === true
		? { kind: "events", events: chatEvents(chatAnswer), failure: dataEvent(STREAM_FAILURE) }
		: { kind: "json", body: chatBody(chatAnswer) };
}

/** Usage in the shape of chat and completions. Every choice costs its tokens. */
export function chatUsage(promptTokens: number, answer: Answer, choices: number): JsonObject {
	const completionTokens = answer.outputTokens * choices;
	return {
		prompt_tokens: promptTokens,
		completion_tokens: completionTokens,
		total_tokens: promptTokens + completionTokens,
		prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
		completion_tokens_details: {
			reasoning_tokens: answer.reasoningTokens * choices,
			audio_tokens: 0,
			accepted_prediction_tokens: 0,
			rejected_prediction_tokens: 0,
		},
	};
}

function chatBody({ call, id, callId, answer, choices, usage }: ChatAnswer): JsonObject {
	const { reasoning, text, toolCall } = answer;
	const toolCalls = toolCall && [
		{ id: callId, type: "function", function: { name: toolCall.name, arguments: toolCall.arguments.join("") } },
	];
	return {
		id,
		object: "chat.completion",
		created: call.nowSeconds,
		model: call.model,
		choices: indexes(choices).map((index) => ({
			index,
			message: {
				role: "assistant",
				content: toolCall ? null : text.join(""),
				refusal: null,
				annotations: [],
				...(reasoning.length > 0 ? { reasoning_content: reasoning.join("") } : {}),
				...(toolCalls ? { tool_calls: toolCalls } : {}),
			},
			logprobs: null,
			finish_reason: answer.finish,
		})),
		...(call.script.usage ? { usage } : {}),
		service_tier: "default",
		system_fingerprint: null,
	};
}

function* chatEvents(chatAnswer: ChatAnswer): Generator<MockEvent> {
	const { call, answer, choices, usage } = chatAnswer;
	const options = call.body.stream_options;
	const includeUsage = call.script.usage && isJsonObject(options) && options.include_usage === true;
	const chunk = (content: JsonObject, token = false) =>
		dataEvent(chatChunk(chatAnswer, content, includeUsage), { token });
	for (const index of indexes(choices)) {
		yield chunk({ choices: [choice(index, { role: "assistant", content: "", refusal: null })] });
	}
	for (const delta of chatDeltas(chatAnswer)) {
		for (const index of indexes(choices)) {
			yield chunk({ choices: [choice(index, delta)] }, true);
		}
	}
	for (const index of indexes(choices)) {
		yield chunk({ choices: [choice(index, {}, answer.finish)] });
	}
	if (includeUsage) {
		yield chunk({ choices: [], usage });
	}
	yield DONE;
}

/** Every delta that a reader would call output, in order. */
function* chatDeltas({ answer, callId }: ChatAnswer): Generator<JsonObject> {
	for (const piece of answer.reasoning) {
		yield { reasoning_content: piece };
	}
	for (const piece of answer.text) {
		yield { content: piece };
	}
	for (const [position, piece] of (answer.toolCall?.arguments ?? []).entries()) {
		const start = position === 0 ? { id: callId, type: "function" } : {};
		const name = position === 0 ? { name: answer.toolCall?.name } : {};
		yield { tool_calls: [{ index: 0, ...start, function: { ...name, arguments: piece } }] };
	}
}

/** OpenAI puts `usage: null` on every chunk but the last when usage was asked for. */
function chatChunk({ call, id }: ChatAnswer, content: JsonObject, includeUsage: boolean): JsonObject {
	return {
		id,
		object: "chat.completion.chunk",
		created: call.nowSeconds,
		model: call.model,
		service_tier: "default",
		system_fingerprint: null,
		...(includeUsage ? { usage: null } : {}),
		...content,
	};
}

function choice(index: number, delta: JsonObject, finish: JsonValue = null): JsonObject {
	return { index, delta, logprobs: null, finish_reason: finish };
}

function indexes(count: number): readonly number[] {
	return Array.from({ length: count }, (_, index) => index);
}
