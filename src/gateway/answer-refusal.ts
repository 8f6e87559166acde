import { readFault } from "../dialects/provider-fault.ts";
import type { ProviderFault } from "../dialects/types.ts";
import { errorBody, GatewayError } from "../lib/errors.ts";
import { isJsonObject } from "../lib/json-types.ts";
import { servedHeaders } from "./answer-headers.ts";
import { type Answered, type AttemptContext, type AttemptResult, failed, givenUp } from "./attempt-result.ts";
import { failureOfStatus } from "./failure.ts";
import { parseObject, readAnswer } from "./read-answer.ts";
import { unreadableState } from "./unreadable-state.ts";

/** Error bodies are short; what is longer is not read (bytes). */
const REFUSAL_BYTES_MAX = 256 * 1024;

/**
 * A provider's error. A failure of the provider or of its account is kept from the client (another deployment may do
 * better); a request that is itself wrong comes back as the provider said it, status and body.
 */
export async function answerRefusal(context: AttemptContext, head: Response): Promise<AttemptResult> {
	const { served, books, run, deps } = context;
	let bytes: Uint8Array<ArrayBuffer> | undefined;
	try {
		bytes = await readAnswer(head, REFUSAL_BYTES_MAX);
	} catch (error) {
		return givenUp(context, error, head.status);
	}
	const json = bytes === undefined ? undefined : parseObject(bytes);
	const { translation } = context.spoken;
	const fault = json === undefined ? undefined : (translation?.readFault ?? readFault)(json, head.status);
	// A dialect may know better than the status: Google says 400 to a wrong key.
	const status = fault?.status ?? head.status;
	const failure = failureOfStatus(status, head.headers, fault, deps.runtime.clock.now());
	if (failure !== undefined) {
		return failed(context, failure);
	}
	run.close();
	await books.settle({ outcome: "refused", status: head.status });
	const headers = servedHeaders(served, head.headers, { nano: 0, final: true });
	const verbatim =
		translation === undefined &&
		bytes !== undefined &&
		isJsonObject(json?.error) &&
		typeof json.error.message === "string" &&
		!leaks(bytes, served.deployment.apiKey);
	if (!verbatim) {
		headers["content-type"] = "application/json";
	}
	const body = verbatim ? bytes : refusalBody(status, fault, served.deployment.apiKey);
	const answered = { kind: "answered", inMotion: false, response: new Response(body, { status, headers }) } as const;
	return refusedFor(context, fault, answered);
}

/** A refusal that another deployment, or the same one with less to read, may not make. */
export function refusedFor(
	context: AttemptContext,
	fault: ProviderFault | undefined,
	answered: Answered,
): AttemptResult {
	return fault !== undefined && isTooLong(fault)
		? { kind: "too_long", answered }
		: (unreadableState(context, fault, answered) ?? answered);
}

/** A refusal told inside an answer whose status says success, in the client's words. */
export async function refusedInside(context: AttemptContext, head: Response, fault: ProviderFault): Promise<Answered> {
	const { served, run, books } = context;
	run.close();
	await books.settle({ outcome: "refused", status: head.status });
	const headers = {
		...servedHeaders(served, head.headers, { nano: 0, final: true }),
		"content-type": "application/json",
	};
	const body = refusalBody(fault.status, fault, served.deployment.apiKey);
	return { kind: "answered", inMotion: false, response: new Response(body, { status: fault.status, headers }) };
}

const TOO_LONG =
	/maximum context length|context (?:window|length|size)|prompt is too long|too many (?:input |prompt )?tokens|input is too long/i;

/** The prompt does not fit into the model: by the code that OpenAI and our own dialects give it, else by the words. */
function isTooLong({ status, code, message }: ProviderFault): boolean {
	return code === "context_length_exceeded" || ((status === 400 || status === 413) && TOO_LONG.test(message));
}

export function leaks(bytes: Uint8Array, secret: string | undefined): boolean {
	return (
		secret !== undefined &&
		secret !== "" &&
		Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(secret)
	);
}

/** The provider's message in OpenAI's shape, for providers that answer in another one. */
function refusalBody(status: number, fault: ProviderFault | undefined, secret: string | undefined): string {
	const message = fault?.message ?? `The provider refused the request with status ${status}.`;
	const error = new GatewayError({
		status,
		type: status === 404 ? "not_found_error" : "invalid_request_error",
		message: (secret === undefined || secret === "" ? message : message.replaceAll(secret, "[redacted]")).slice(
			0,
			2_000,
		),
		code: fault?.code,
	});
	return JSON.stringify(errorBody(error));
}
