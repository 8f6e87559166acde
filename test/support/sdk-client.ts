import OpenAI from "openai";
import type { ChatCompletion, ChatCompletionChunk } from "openai/resources/chat/completions";

/** What went over the wire for the latest call of a client. */
export interface WireAnswer {
	readonly status: number;
	readonly headers: Headers;
	/** The body as it was sent, read beside the SDK: comments, `[DONE]` and all. */
	readonly text: string;
}

export interface SdkClient {
	readonly openai: OpenAI;
	/** Waits for the end of the latest answer. */
	wire(): Promise<WireAnswer>;
}

/** The real `openai` package, pointed at the gateway, with an ear on the wire. It tries nothing twice. */
export function createSdkClient(gateway: { readonly url: string }, key: string): SdkClient {
	let latest: Promise<WireAnswer> | undefined;
	const listening = async (url: string | URL | Request, init?: RequestInit) => {
		const response = await fetch(url, init);
		const { status, headers } = response;
		latest = response
			.clone()
			.text()
			.then((text) => ({ status, headers, text }));
		// Whoever asks for it hears of it.
		latest.catch(() => undefined);
		return response;
	};
	return {
		openai: new OpenAI({ apiKey: key, baseURL: `${gateway.url}/v1`, maxRetries: 0, fetch: listening }),
		wire: () => latest ?? Promise.reject(new Error("nothing was asked yet")),
	};
}

/** An answer as a client of OpenAI's API puts it together, whole or from chunks. */
export interface ClientAnswer {
	/** The ids of all chunks. */
	readonly ids: readonly string[];
	readonly text: string;
	readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
	/** Every finish reason that was told for the first choice. */
	readonly finishReasons: readonly string[];
	readonly usage: Usage | undefined;
	readonly reasoning: string;
	readonly details: readonly Readonly<Record<string, unknown>>[];
}

/** OpenAI's usage with the gateway's extensions: `src/dialects/chat-hub/usage.ts`. */
export interface Usage {
	readonly prompt_tokens: number;
	readonly completion_tokens: number;
	readonly total_tokens: number;
	readonly prompt_tokens_details?: {
		readonly cached_tokens?: number;
		readonly audio_tokens?: number;
		readonly cache_write_tokens?: number;
		readonly cache_write_1h_tokens?: number;
		readonly image_tokens?: number;
	};
	readonly completion_tokens_details?: {
		readonly reasoning_tokens?: number;
		readonly audio_tokens?: number;
		readonly image_tokens?: number;
	};
	readonly server_tool_use?: { readonly web_search_requests?: number };
}

/** The gateway's extensions of a message and of a delta. */
interface Extensions {
	readonly reasoning_content?: string | null;
	readonly reasoning_details?: readonly Readonly<Record<string, unknown>>[];
}

export function readCompletion(completion: ChatCompletion): ClientAnswer {
	const choice = completion.choices[0];
	const message: (ChatCompletion.Choice["message"] & Extensions) | undefined = choice?.message;
	return {
		ids: [completion.id],
		text: message?.content ?? "",
		toolCalls: (message?.tool_calls ?? []).flatMap((call) =>
			call.type === "function" ? [{ id: call.id, ...call.function }] : [],
		),
		finishReasons: choice === undefined ? [] : [choice.finish_reason],
		usage: completion.usage,
		reasoning: message?.reasoning_content ?? "",
		details: message?.reasoning_details ?? [],
	};
}

export function readChunks(chunks: readonly ChatCompletionChunk[]): ClientAnswer {
	const choices = chunks.flatMap((chunk) => chunk.choices.filter(({ index }) => index === 0));
	const deltas: (ChatCompletionChunk.Choice.Delta & Extensions)[] = choices.map(({ delta }) => delta);
	const calls: { id: string; name: string; arguments: string }[] = [];
	for (const piece of deltas.flatMap((delta) => delta.tool_calls ?? [])) {
		const call = calls[piece.index] ?? { id: "", name: "", arguments: "" };
		calls[piece.index] = {
			id: call.id + (piece.id ?? ""),
			name: call.name + (piece.function?.name ?? ""),
			arguments: call.arguments + (piece.function?.arguments ?? ""),
		};
	}
	return {
		ids: chunks.map(({ id }) => id),
		text: deltas.map((delta) => delta.content ?? "").join(""),
		toolCalls: calls,
		finishReasons: choices.flatMap((choice) => choice.finish_reason ?? []),
		usage: chunks.flatMap((chunk) => chunk.usage ?? []).at(-1),
		reasoning: deltas.map((delta) => delta.reasoning_content ?? "").join(""),
		details: deltas.flatMap((delta) => delta.reasoning_details ?? []),
	};
}
