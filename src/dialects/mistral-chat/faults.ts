import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { readFault } from "../provider-fault.ts";
import type { ProviderFault } from "../types.ts";

const MESSAGE_LENGTH_MAX = 2_000;

/**
 * Mistral's failures: `{"object": "error", "message", "type", "code"}`, `{"detail": "Unauthorized"}`, and for requests that
 * do not fit its schema a list of what is wrong where, under `detail` or `message.detail`.
 */
export function mistralFault(body: JsonObject, status: number | undefined): ProviderFault {
	const fault = readFault(body, status);
	const details = [body.detail, isJsonObject(body.message) ? body.message.detail : undefined].find(Array.isArray);
	const message = details?.map(problem).filter(Boolean).join("; ").slice(0, MESSAGE_LENGTH_MAX) || fault.message;
	return TOO_LONG.test(message) ? { ...fault, message, code: "context_length_exceeded" } : { ...fault, message };
}

/** "Prompt contains 40001 tokens …, too large for model with 32768 maximum context length". */
const TOO_LONG = /too large for model with|maximum context length|exceeds? the (?:model's )?(?:maximum )?context/i;

/** `body.messages.0.user.name: Extra inputs are not permitted` */
function problem(detail: JsonValue): string {
	if (!isJsonObject(detail) || typeof detail.msg !== "string") {
		return "";
	}
	const place = Array.isArray(detail.loc) ? detail.loc.join(".") : "";
	return place === "" ? detail.msg : `${place}: ${detail.msg}`;
}

/** Where an answer is broken off without a word of why. */
export const GENERATION_FAILED: ProviderFault = {
	status: 500,
	type: "server_error",
	code: undefined,
	message: "Mistral broke the answer off with the finish reason 'error'.",
};
