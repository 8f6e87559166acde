import { type Json, number, object, objects, parseJson, text } from "./json.ts";
import { closeCall, type OpenCall, type OracleAnswer, type OracleUsage } from "./types.ts";

const FINISH: Readonly<Record<string, string>> = {
	COMPLETE: "stop",
	STOP_SEQUENCE: "stop",
	MAX_TOKENS: "length",
	TOOL_CALL: "tool_calls",
};

interface Collected {
	text: string;
	reasoning: string;
	readonly calls: OpenCall[];
}

export function wholeCohere(body: string): OracleAnswer {
	const answer = parseJson(body);
	if (answer.message === undefined) {
		return former(answer);
	}
	const message = object(answer.message);
	const collected: Collected = { text: "", reasoning: "", calls: objects(message.tool_calls).map(callOf) };
	for (const content of objects(message.content)) {
		addContent(collected, content);
	}
	return answerOf(collected, answer, text(answer.id));
}

/** An answer of Cohere's first API, which some recordings hold. */
function former(answer: Json): OracleAnswer {
	const collected: Collected = { text: text(answer.text), reasoning: "", calls: [] };
	// Reasons and counts have the names of today; the counts lie elsewhere, and whole answers leave the reason out.
	const ending = { finish_reason: answer.finish_reason, usage: answer.meta };
	return { ...answerOf(collected, ending, ""), id: undefined };
}

export function streamedCohere(data: readonly string[]): OracleAnswer {
	const collected: Collected = { text: "", reasoning: "", calls: [] };
	let last: Json = {};
	let id = "";
	for (const event of data.filter((line) => line !== "[DONE]").map(parseJson)) {
		if (event.event_type === "stream-end") {
			// The first API says at the end once more what it has said.
			return former(object(event.response));
		}
		const delta = object(event.delta);
		const message = object(delta.message);
		switch (event.type) {
			case "message-start":
				id = text(event.id);
				break;
			case "content-start":
			case "content-delta":
				addContent(collected, object(message.content));
				break;
			case "tool-call-start":
				collected.calls.push(callOf(object(message.tool_calls)));
				break;
			case "tool-call-delta": {
				const call = collected.calls.at(-1);
				if (call !== undefined) {
					call.arguments += text(object(object(message.tool_calls).function).arguments);
				}
				break;
			}
			case "message-end":
				last = delta;
				break;
			default:
				break;
		}
	}
	return answerOf(collected, last, id);
}

function callOf(call: Json): OpenCall {
	const described = object(call.function);
	return { id: text(call.id), name: text(described.name), arguments: text(described.arguments) };
}

function addContent(collected: Collected, content: Json): void {
	collected.text += text(content.text);
	collected.reasoning += text(content.thinking);
}

function answerOf(collected: Collected, ending: Json, id: string): OracleAnswer {
	return {
		text: collected.text,
		toolCalls: collected.calls.map(closeCall),
		finishReason: FINISH[text(ending.finish_reason)],
		usage: usageOf(object(ending.usage)),
		reasoning: collected.reasoning,
		seals: [],
		id: id || undefined,
	};
}

function usageOf(usage: Json): OracleUsage | undefined {
	const tokens = object(usage.tokens);
	const input = number(tokens.input_tokens);
	const output = number(tokens.output_tokens);
	return input === undefined || output === undefined
		? undefined
		: {
				prompt: [input],
				completion: output,
				cached: number(usage.cached_tokens),
				cacheWrite: undefined,
				reasoning: undefined,
				searches: undefined,
			};
}
