import type { JsonObject } from "../lib/json-types.ts";
import type { Multipart } from "../lib/multipart.ts";
import type { PromptView } from "../lib/prompt-view.ts";
import type { Usage } from "../lib/usage.ts";

/** Everything an app can ask a model for. One operation = one route of OpenAI's API = one wire format in and out. */
export const OPERATIONS = [
	"chat",
	"responses",
	"completions",
	"embeddings",
	"moderations",
	"images.generations",
	"images.edits",
	"audio.transcriptions",
	"audio.translations",
	"audio.speech",
] as const;

export type OperationId = (typeof OPERATIONS)[number];

/** What a request needs of a model, read from its body. A deployment known not to have it is passed over. */
export interface Needs {
	readonly tools: boolean;
	readonly images: boolean;
	readonly audio: boolean;
	readonly jsonSchema: boolean;
}

/** The few facts that routing, limits and the ledger read from a request. The body itself travels on untouched. */
export interface Envelope {
	/** The alias as the client wrote it. */
	readonly model: string;
	readonly stream: boolean;
	/** The client itself asked for the usage chunk of a chat stream (`stream_options.include_usage`). */
	readonly includeUsage: boolean;
	/** The client's own bound on output tokens for one choice; undefined = none given. */
	readonly maxOutputTokens: number | undefined;
	/** The field the client gave that bound in (`max_tokens`, `max_completion_tokens`, `max_output_tokens`). */
	readonly maxOutputField: string | undefined;
	/** How many answers are generated (`n` or `best_of`, times the number of prompts for completions; images for images). At least 1. */
	readonly choices: number;
	readonly needs: Needs;
	/** Whether this operation produces output tokens that must be reserved (chat, responses, completions: true). */
	readonly generates: boolean;
	/**
	 * An upper bound, not a guess, of the prompt tokens that the request's own text can make, within about ten percent for
	 * prose. Media are in it by the fixed bounds of `dialects/prompt-size.ts`. It cannot know what a provider adds unseen:
	 * a hidden system prompt, a stored conversation (`previous_response_id`), search results.
	 */
	readonly promptTokensMax: number;
	/** Images in the prompt, each counted in `promptTokensMax` as IMAGE_TOKENS_MAX. */
	readonly promptImages: number;
	/**
	 * What files in the prompt may take beyond their part of `promptTokensMax`, which is what a usual file takes: no file
	 * takes more. Infinite for a file whose size is not known (an address, an id).
	 */
	readonly promptFileTokens: number;
	/** Non-token quantities known from the request: characters to speak, images asked for, seconds unknown. */
	readonly quantities: Partial<Pick<Usage, "images" | "seconds" | "characters">>;
	/** The conversation carries fields of other providers (see openai-chat/extensions.ts), which strict ones refuse. */
	readonly hasExtensions: boolean;
	/** `previous_response_id` of the Responses API: pins the request to the deployment that made it. */
	readonly previousResponseId: string | undefined;
	/** `conversation` of the Responses API: one that the gateway keeps. */
	readonly conversationId: string | undefined;
}

/** An upper bound of the tokens that any common tokenizer makes of a text. */
export type PromptTokensUpperBound = (text: string) => number;

/** A request body, parsed once. `bytes` is what the client sent and what an OpenAI-compatible provider gets. */
export type RequestBody =
	| { readonly kind: "json"; readonly text: string; readonly json: JsonObject }
	| { readonly kind: "multipart"; readonly form: Multipart };

/** The ingress face of a dialect: reads what a client sent. Throws GatewayError 400 naming the field. */
export interface Ingress {
	readonly operation: OperationId;
	/** Below `/v1`. */
	readonly path: string;
	readonly body: RequestBody["kind"];
	readEnvelope(body: RequestBody): Envelope;
	/** What the route classifier looks at; without messages where there is no text (images in, audio in). */
	promptText(body: RequestBody): PromptView;
}

/** One server-sent event, framing removed. */
export interface SseEvent {
	/** The `event:` field, "" when absent. */
	readonly name: string;
	/** The `data:` lines joined by \n. */
	readonly data: string;
	/** The same parsed, where it was made here and so need not be read again. */
	readonly json?: JsonObject | undefined;
}

/** What a reader saw in one event. */
export type StreamStep =
	/** Something a user would call output: text, a tool call, reasoning, audio, an image. */
	| "content"
	/** Roles, ids, created events, pings, `usage: null`. */
	| "meta"
	/** OpenAI's extra chunk with `choices: []` that holds only the usage. */
	| "usage"
	/**
	 * The event after which the protocol says that nothing follows (`[DONE]`, `response.completed`). Where that event itself
	 * brings the first output (an image, a whole transcript) it is "content", and `finished()` is true from then on.
	 */
	| "end"
	/** The provider reports a failure inside the stream; `fault()` tells it. */
	| "error"
	/** Not JSON where JSON is due. */
	| "malformed";

/** A failure reported by a provider in its own words. */
export interface ProviderFault {
	readonly status: number;
	readonly type: string | undefined;
	readonly code: string | undefined;
	readonly message: string;
	/**
	 * The model's failure and not the server's: it wrote what nobody can read. Another attempt may do better, and the
	 * deployment is as healthy as before.
	 */
	readonly botched?: boolean | undefined;
	/** How long the provider asks to be left alone, where it says so in the body and not in a header. */
	readonly retryAfterMs?: number | undefined;
}

/** Reads (never rewrites) the events of one stream. Holds the state of one stream. */
export interface StreamReader {
	/** Events after the end are "meta" and change nothing. */
	step(event: SseEvent): StreamStep;
	/** The provider's own count if it has arrived (the last one wins; they are cumulative). */
	usage(): Usage | undefined;
	/** True once every choice has finished or the end event came: a stream that stops before has been cut. */
	finished(): boolean;
	fault(): ProviderFault | undefined;
	/** Output tokens seen so far, an estimate for streams that are cut before the usage. */
	outputTokensSeen(): number;
	/** The id of the object made (`resp_…`), for ownership. */
	objectId(): string | undefined;
	/** The whole object, of a stream that ends with it (Responses). */
	answer?(): JsonObject | undefined;
	/** An error (`{"error": …}`) as the last event of a stream whose events have a form of their own (Responses). */
	errorEvent?(body: JsonObject): SseEvent;
}

/** The egress face for answers in an operation's own wire format: reads usage and faults, changes nothing. */
export interface AnswerReader {
	readonly operation: OperationId;
	/** How the provider answers when not streaming. `any`: JSON or binary, told by the content type. */
	readonly answer: "json" | "any";
	/** undefined where the answer holds no usable usage (missing, negative, not numbers). Zero is a number and wins. */
	usage(answer: JsonObject): Usage | undefined;
	/**
	 * The answer with the gateway's own count, where a provider without one was made to speak these words and their format
	 * demands it.
	 */
	withUsage?(answer: JsonObject, promptTokens: number): JsonObject;
	/** Estimate of output tokens for an answer without usage. */
	outputTokensSeen(answer: JsonObject): number;
	/** A failure told inside an answer whose status says success. */
	fault(answer: JsonObject): ProviderFault | undefined;
	/**
	 * @param choices How many answers were asked for: the stream is not finished before as many have ended.
	 * @throws Error for an operation that is never streamed.
	 */
	openStream(choices?: number): StreamReader;
}
