import { halves, type NativeAnswers, SAID_TOKENS, type SaidCall, type Saying, words } from "./saying.ts";

/** How a server that speaks OpenAI's chat shows its thinking. */
type Thinking = "fields" | "parts";

const FACTS = { id: "cmpl-scripted", created: 1_700_000_000, model: "scripted-model" };

/**
 * A server that speaks OpenAI's chat and nothing else, with OpenRouter's `reasoning_details` for its thinking:
 * https://openrouter.ai/docs/use-cases/reasoning-tokens
 */
export const chatAnswers: NativeAnswers = answersOf("fields");

/** Mistral, whose thinking is a part of the content: https://docs.mistral.ai/capabilities/reasoning/ */
export const mistralAnswers: NativeAnswers = answersOf("parts");

function answersOf(thinking: Thinking): NativeAnswers {
	return {
		streamType: "text/event-stream",
		whole: (saying) => ({
			...FACTS,
			object: "chat.completion",
			choices: [{ index: 0, message: messageOf(saying, thinking), finish_reason: finishReason(saying) }],
			usage: usageOf(saying),
		}),
		events: (saying) => [...chunksOf(saying, thinking).map(event), Buffer.from("data: [DONE]\n\n")],
		error: (status, message) => ({ error: { message, type: "server_error", param: null, code: String(status) } }),
		errorEvent: (message) => event({ error: { message, type: "server_error", param: null, code: null } }),
		unknownEvent: event({ ...FACTS, object: "chat.completion.sparkle", sparkle: { brightness: 9 } }),
		// Why it finished, what it counted (Mistral says both at once), and [DONE].
		endings: thinking === "parts" ? 2 : 3,
	};
}

function event(data: unknown): Buffer {
	return Buffer.from(`data: ${JSON.stringify(data)}\n\n`);
}

function usageOf({ tokens = SAID_TOKENS }: Saying) {
	return {
		prompt_tokens: tokens.input,
		completion_tokens: tokens.output,
		total_tokens: tokens.input + tokens.output,
	};
}

const ENDINGS = { length: "length", filter: "content_filter" } as const;

function finishReason({ ending, toolCalls }: Saying): string {
	return ending === undefined ? (toolCalls?.length ? "tool_calls" : "stop") : ENDINGS[ending];
}

interface Thoughts {
	readonly reasoning?: string;
	readonly content?: readonly object[];
}

function thoughts(text: string, thinking: Thinking): Thoughts {
	return thinking === "fields"
		? { reasoning: text }
		: { content: [{ type: "thinking", thinking: [{ type: "text", text }] }] };
}

function detailsOf(saying: Saying, thinking: Thinking) {
	const { text, seal } = saying.thinking ?? { text: "", seal: "" };
	const detail = { type: "reasoning.text", format: "unknown", index: 0, text, signature: seal };
	return saying.thinking === undefined || thinking === "parts" ? {} : { reasoning_details: [detail] };
}

function messageOf(saying: Saying, thinking: Thinking) {
	const { text, toolCalls = [] } = saying;
	const shown = saying.thinking === undefined ? {} : thoughts(saying.thinking.text, thinking);
	const spoken = text === undefined ? [] : [{ type: "text", text }];
	return {
		role: "assistant",
		content: text ?? null,
		...shown,
		...(shown.content === undefined ? {} : { content: [...shown.content, ...spoken] }),
		...detailsOf(saying, thinking),
		...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map((call) => callOf(call)) }),
	};
}

function callOf({ id, name, arguments: args, input }: SaidCall, text = input ?? JSON.stringify(args)) {
	return input === undefined
		? { id, type: "function", function: { name, arguments: text } }
		: { id, type: "custom", custom: { name, input: text } };
}

function pieceOf({ input }: SaidCall, piece: string) {
	return input === undefined ? { function: { arguments: piece } } : { custom: { input: piece } };
}

function chunksOf(saying: Saying, thinking: Thinking): unknown[] {
	const { text = "", toolCalls = [] } = saying;
	const deltas: object[] = [
		{ role: "assistant", content: "" },
		...words(saying.thinking?.text ?? "").map((word) => thoughts(word, thinking)),
		...[detailsOf(saying, thinking)].filter((details) => details.reasoning_details !== undefined),
		...words(text).map((word) => ({ content: word })),
		...toolCalls.flatMap((call, index) => [
			{ tool_calls: [{ index, ...callOf(call, "") }] },
			...halves(call.input ?? JSON.stringify(call.arguments)).map((piece) => ({
				tool_calls: [{ index, ...pieceOf(call, piece) }],
			})),
		]),
	];
	const chunk = (delta: object, finish: string | null = null) => ({
		...FACTS,
		object: "chat.completion.chunk",
		choices: [{ index: 0, delta, finish_reason: finish }],
	});
	const usage = usageOf(saying);
	const last = chunk({}, finishReason(saying));
	return [
		...deltas.map((delta) => chunk(delta)),
		// Mistral counts in its last chunk, OpenAI after it.
		...(thinking === "parts" ? [{ ...last, usage }] : [last, { ...chunk({}), choices: [], usage }]),
	];
}
