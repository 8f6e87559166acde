import { json, type ResponseParts, sse } from "./replies.ts";
import type { Reply, ServedUsage } from "./upstream.ts";

/** Usage that scripted answers report unless told otherwise: the owner's sanity check, 0.000099 at gpt-4o-mini's price. */
export const SANITY_USAGE: ServedUsage = { prompt: 60, completion: 150 };
/** gpt-4o-mini, dollars per million. */
export const SANITY_PRICE = { input_per_million: 0.15, output_per_million: 0.6 } as const;

function usageBlock(usage: ServedUsage) {
	return {
		prompt_tokens: usage.prompt,
		completion_tokens: usage.completion,
		total_tokens: usage.prompt + usage.completion,
	};
}

export interface ChatOptions {
	readonly content?: string;
	readonly usage?: ServedUsage | undefined;
	readonly model?: string;
}

export function chatAnswer(options: ChatOptions = {}) {
	return {
		id: "chatcmpl-1",
		object: "chat.completion",
		created: 1_700_000_000,
		model: options.model ?? "gpt-4o-mini-2024-07-18",
		choices: [
			{
				index: 0,
				message: { role: "assistant", content: options.content ?? "Hello there.", refusal: null },
				logprobs: null,
				finish_reason: "stop",
			},
		],
		usage: usageBlock(options.usage ?? SANITY_USAGE),
	};
}

/** A chat answer that the upstream books. */
export function chatReply(options: ChatOptions & Pick<ResponseParts, "headers"> = {}): Reply {
	const usage = options.usage ?? SANITY_USAGE;
	return json(200, chatAnswer({ ...options, usage }), { usage, headers: options.headers ?? {} });
}

export function chatChunk(delta: Record<string, unknown>, finish: string | null = null) {
	return {
		id: "chatcmpl-1",
		object: "chat.completion.chunk",
		created: 1_700_000_000,
		model: "gpt-4o-mini-2024-07-18",
		choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
	};
}

export const ROLE_CHUNK = chatChunk({ role: "assistant", content: "", refusal: null });
export const STOP_CHUNK = chatChunk({}, "stop");

export function usageChunk(usage: ServedUsage = SANITY_USAGE) {
	return { ...chatChunk({}), choices: [], usage: usageBlock(usage) };
}

/** Role, one chunk a word, finish, usage: the events of an ordinary chat stream. */
export function chatEvents(words: readonly string[], options: { readonly usage?: ServedUsage | null } = {}): unknown[] {
	const usage = options.usage === undefined ? SANITY_USAGE : options.usage;
	return [
		ROLE_CHUNK,
		...words.map((content) => chatChunk({ content })),
		STOP_CHUNK,
		...(usage === null ? [] : [usageChunk(usage)]),
	];
}

/** An ordinary chat stream that the upstream books. */
export function chatStream(words: readonly string[] = ["Hello", " there", "."], usage = SANITY_USAGE): Reply {
	return sse(chatEvents(words, { usage }), { usage });
}

/** Answers streams with a stream and the rest with JSON, as an OpenAI-compatible server does. */
export function chatFor(request: { text(): string }, usage = SANITY_USAGE): Reply {
	return /"stream"\s*:\s*true/.test(request.text()) ? chatStream(undefined, usage) : chatReply({ usage });
}
