import type { JsonObject } from "../../lib/json-types.ts";
import { readFault } from "../provider-fault.ts";
import type { ProviderFault } from "../types.ts";
import { failureStatus } from "./finish.ts";

/** What a status says in OpenAI's words. @see https://docs.cohere.com/reference/errors */
const WORDS_OF_STATUS: ReadonlyMap<number, { readonly type: string; readonly code?: string }> = new Map([
	[401, { type: "authentication_error", code: "invalid_api_key" }],
	[402, { type: "insufficient_quota", code: "insufficient_quota" }],
	[403, { type: "permission_error" }],
	[404, { type: "not_found_error" }],
	[429, { type: "rate_limit_exceeded", code: "rate_limit_exceeded" }],
	// A blocked prompt or answer, and a request that its caller broke off: numbers of Cohere's own.
	[498, { type: "invalid_request_error", code: "content_filter" }],
	[499, { type: "request_cancelled" }],
]);

/** Cohere names no codes: its sentences tell. The first that fits. */
const SENTENCES: readonly { readonly words: RegExp; readonly status: number; readonly code: string }[] = [
	{
		words: /too many tokens(?!: max tokens)|tokens in the prompt (?:cannot exceed|exceeds)|size limit exceeded by/i,
		status: 400,
		code: "context_length_exceeded",
	},
	{ words: /(?:invalid|incorrect|no) api (?:token|key)/i, status: 401, code: "invalid_api_key" },
	{ words: /API calls ?\/ ?month/i, status: 429, code: "insufficient_quota" },
	{ words: /trial key|trial token rate|past the per minute|rate limit/i, status: 429, code: "rate_limit_exceeded" },
	{ words: /model .*not found|model .*(?:does not exist|was removed)/i, status: 404, code: "model_not_found" },
];

const STATUS_UNKNOWN = 500;

/** `{message}` or `{id, message}`, with a status of HTTP or, inside a stream, without one. */
export function readCohereFault(body: JsonObject, status: number | undefined): ProviderFault {
	const fault = readFault(body, status);
	const sentence = SENTENCES.find(({ words }) => words.test(fault.message));
	// A sentence may not turn a server's failure into the client's.
	const fits = sentence !== undefined && (status === undefined || (status >= 400 && status < 500));
	// Where the words say nothing either, what the shared reading found out (a code, a type) stands.
	const certain = status ?? (fits ? sentence.status : fault.status);
	const named = WORDS_OF_STATUS.get(certain);
	return {
		...fault,
		status: certain,
		type: fault.type ?? named?.type ?? (certain >= 500 ? "server_error" : "invalid_request_error"),
		code: fault.code ?? (fits ? sentence.code : named?.code),
	};
}

/** An answer that ended with ERROR or TIMEOUT; undefined when it ended otherwise. */
export function failedFinish(reason: unknown, error: unknown): ProviderFault | undefined {
	const status = failureStatus(reason);
	if (status === undefined) {
		return undefined;
	}
	if (typeof error === "string" && error !== "") {
		const fault = readCohereFault({ message: error }, undefined);
		return fault.status === STATUS_UNKNOWN ? { ...fault, status } : fault;
	}
	const said = String(reason).toUpperCase();
	return readCohereFault({ message: `The provider broke the answer off (${said}).` }, status);
}
