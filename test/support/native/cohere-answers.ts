import {
	halves,
	type NamedEvent,
	type NativeAnswers,
	SAID_TOKENS,
	type SaidCall,
	type Saying,
	words,
} from "./saying.ts";

/** https://docs.cohere.com/reference/chat and https://docs.cohere.com/reference/chat-stream */
export const cohereAnswers: NativeAnswers = {
	streamType: "text/event-stream",
	whole: (saying) => ({
		id: ID,
		message: messageOf(saying),
		finish_reason: finishReason(saying),
		usage: usageOf(saying),
	}),
	events: (saying) => eventsOf(saying).map(named),
	error: (_status, message) => ({ id: ID, message }),
	errorEvent: (message) => named({ type: "message-end", delta: { error: message, finish_reason: "ERROR" } }),
	unknownEvent: named({ type: "sparkle-delta", index: 7, delta: { message: { sparkle: 9 } } }),
	endings: 1,
};

const ID = "5c5a7a2e-0000-4000-8000-5c21f7edans1";

function named(event: NamedEvent): Buffer {
	return Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

function usageOf({ tokens = SAID_TOKENS }: Saying) {
	const counts = { input_tokens: tokens.input, output_tokens: tokens.output };
	return { billed_units: counts, tokens: counts };
}

const ENDINGS = { length: "MAX_TOKENS", filter: "ERROR_TOXIC" } as const;

function finishReason({ ending, toolCalls }: Saying): string {
	return ending === undefined ? (toolCalls?.length ? "TOOL_CALL" : "COMPLETE") : ENDINGS[ending];
}

function callOf({ id, name, arguments: args }: SaidCall, text = JSON.stringify(args)) {
	return { id, type: "function", function: { name, arguments: text } };
}

function messageOf({ thinking, text, toolCalls = [] }: Saying) {
	const content = [
		...(thinking === undefined ? [] : [{ type: "thinking", thinking: thinking.text }]),
		...(text === undefined ? [] : [{ type: "text", text }]),
	];
	return {
		role: "assistant",
		...(content.length === 0 ? {} : { content }),
		...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map((call) => callOf(call)) }),
	};
}

function eventsOf(saying: Saying): NamedEvent[] {
	const { thinking, text, toolCalls = [] } = saying;
	const contents = [
		...(thinking === undefined ? [] : [{ type: "thinking", field: "thinking", text: thinking.text }]),
		...(text === undefined ? [] : [{ type: "text", field: "text", text }]),
	];
	return [
		{
			type: "message-start",
			id: ID,
			delta: { message: { role: "assistant", content: [], tool_plan: "", tool_calls: [], citations: [] } },
		},
		...contents.flatMap(({ type, field, text: said }, index) => [
			{ type: "content-start", index, delta: { message: { content: { type, [field]: "" } } } },
			...words(said).map((word) => ({
				type: "content-delta",
				index,
				delta: { message: { content: { [field]: word } } },
			})),
			{ type: "content-end", index },
		]),
		...toolCalls.flatMap((call, index) => [
			{ type: "tool-call-start", index, delta: { message: { tool_calls: callOf(call, "") } } },
			...halves(JSON.stringify(call.arguments)).map((piece) => ({
				type: "tool-call-delta",
				index,
				delta: { message: { tool_calls: { function: { arguments: piece } } } },
			})),
			{ type: "tool-call-end", index },
		]),
		{ type: "message-end", delta: { finish_reason: finishReason(saying), usage: usageOf(saying) } },
	];
}
