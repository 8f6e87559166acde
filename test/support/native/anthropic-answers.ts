import { halves, type NamedEvent, type NativeAnswers, SAID_TOKENS, type Saying, words } from "./saying.ts";

/** https://docs.claude.com/en/api/messages and https://docs.claude.com/en/docs/build-with-claude/streaming */
export const anthropicAnswers: NativeAnswers = {
	streamType: "text/event-stream; charset=utf-8",
	whole: (saying) => ({ ...message(saying), content: blocksOf(saying), stop_reason: stopReason(saying) }),
	events: (saying) => eventsOf(saying).map(named),
	error: (status, text) => ({
		type: "error",
		error: { type: status === 529 ? "overloaded_error" : "invalid_request_error", message: text },
		request_id: "req_upstream",
	}),
	errorEvent: (text) => named({ type: "error", error: { type: "overloaded_error", message: text } }),
	unknownEvent: named({ type: "content_block_sparkle", index: 7, sparkle: { brightness: 9 } }),
	endings: 2,
};

/** `data:` with its `event:`, as Anthropic writes it. */
function named(event: NamedEvent): Buffer {
	return Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

function message(saying: Saying) {
	const { input, output } = saying.tokens ?? SAID_TOKENS;
	return {
		id: "msg_01ScriptedAnswer",
		type: "message",
		role: "assistant",
		model: "claude-sonnet-4-5-20250929",
		stop_sequence: null,
		usage: {
			input_tokens: input,
			cache_creation_input_tokens: 0,
			cache_read_input_tokens: 0,
			output_tokens: output,
			service_tier: "standard",
		},
	};
}

const ENDINGS = { length: "max_tokens", filter: "refusal" } as const;

function stopReason({ ending, toolCalls }: Saying): string {
	return ending === undefined ? (toolCalls?.length ? "tool_use" : "end_turn") : ENDINGS[ending];
}

function blocksOf({ thinking, text, toolCalls = [] }: Saying) {
	return [
		...(thinking === undefined ? [] : [{ type: "thinking", thinking: thinking.text, signature: thinking.seal }]),
		...(text === undefined ? [] : [{ type: "text", text }]),
		...toolCalls.map(({ id, name, arguments: input }) => ({ type: "tool_use", id, name, input })),
	];
}

function eventsOf(saying: Saying): NamedEvent[] {
	const { thinking, text, toolCalls = [] } = saying;
	const blocks = [
		...(thinking === undefined
			? []
			: [
					{
						start: { type: "thinking", thinking: "", signature: "" },
						deltas: [
							...words(thinking.text).map((word) => ({ type: "thinking_delta", thinking: word })),
							{ type: "signature_delta", signature: thinking.seal },
						],
					},
				]),
		...(text === undefined
			? []
			: [
					{
						start: { type: "text", text: "" },
						deltas: words(text).map((word) => ({ type: "text_delta", text: word })),
					},
				]),
		...toolCalls.map(({ id, name, arguments: input }) => ({
			start: { type: "tool_use", id, name, input: {} },
			deltas: ["", ...halves(Object.keys(input).length === 0 ? "" : JSON.stringify(input))].map((piece) => ({
				type: "input_json_delta",
				partial_json: piece,
			})),
		})),
	];
	const start = { ...message(saying), content: [], stop_reason: null };
	return [
		{ type: "message_start", message: { ...start, usage: { ...start.usage, output_tokens: 1 } } },
		...blocks.flatMap((block, index) => [
			{ type: "content_block_start", index, content_block: block.start },
			...(index === 0 ? [{ type: "ping" }] : []),
			...block.deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
			{ type: "content_block_stop", index },
		]),
		{
			type: "message_delta",
			delta: { stop_reason: stopReason(saying), stop_sequence: null },
			usage: { output_tokens: start.usage.output_tokens },
		},
		{ type: "message_stop" },
	];
}
