import { isJsonObject, type JsonObject, type JsonValue } from "../lib/json-types.ts";
import type { ProviderFault } from "./types.ts";

/** The `kind` of an error that is a botched generation, where it travels as JSON. */
export const BOTCHED_GENERATION = "generation_failed";

const MESSAGE_LENGTH_MAX = 2_000;

/** Words by which providers class a failure where no HTTP status can say it, and the status they would have sent. */
const STATUS_OF_WORD: ReadonlyMap<string, number> = new Map([
	["invalid_request_error", 400],
	["invalid_prompt", 400],
	["context_length_exceeded", 400],
	["content_filter", 400],
	["invalid_encrypted_content", 400],
	["request_too_large", 413],
	["conflict_error", 409],
	["authentication_error", 401],
	["billing_error", 402],
	["invalid_api_key", 401],
	["permission_error", 403],
	["permission_denied", 403],
	["not_found_error", 404],
	["model_not_found", 404],
	["rate_limit_error", 429],
	["rate_limit_exceeded", 429],
	["requests", 429],
	["tokens", 429],
	["insufficient_quota", 429],
	["too_many_requests", 429],
	["server_error", 500],
	["api_error", 500],
	["internal_server_error", 500],
	["vector_store_timeout", 504],
	["timeout", 504],
	["timeout_error", 504],
	["overloaded_error", 529],
	["service_unavailable", 503],
	["engine_overloaded_error", 503],
]);
const STATUS_UNKNOWN = 500;

/**
 * A provider's failure in its own words, from an error body or an error event in any of the usual shapes:
 * `{"error": {…}}`, `{"error": "…"}`, `{"message"}`, `{"detail"}`.
 * @param status of the HTTP answer; undefined inside a stream or a success, where the words must tell.
 */
export function readFault(body: JsonObject, status: number | undefined): ProviderFault {
	const error = isJsonObject(body.error) ? body.error : body;
	const type = word(error.type);
	const code = isFlagged(error) ? "content_filter" : word(error.code);
	const message = [error.message, body.error, body.detail, body.message].find(
		(text) => typeof text === "string" && text !== "",
	);
	return {
		status: status ?? statusOf(error, code, type),
		type,
		code,
		...(error.kind === BOTCHED_GENERATION ? { botched: true } : {}),
		message: typeof message === "string" ? message.slice(0, MESSAGE_LENGTH_MAX) : "The provider gave no reason.",
	};
}

/**
 * OpenRouter says 403 to a prompt that its moderation flags, which is no more than that.
 * @see https://openrouter.ai/docs/api-reference/errors
 */
function isFlagged({ metadata }: JsonObject): boolean {
	return isJsonObject(metadata) && (Array.isArray(metadata.reasons) || typeof metadata.flagged_input === "string");
}

/**
 * The failure that a JSON document declares, if it does: an `error` that is neither absent nor null, or vLLM's and
 * Mistral's `"object": "error"`.
 */
export function declaredFault(body: JsonObject): ProviderFault | undefined {
	const { error } = body;
	const declared = (error !== undefined && error !== null && error !== false) || body.object === "error";
	return declared ? readFault(body, undefined) : undefined;
}

/** OpenRouter and vLLM put the HTTP status in `code`; others name the failure. */
function statusOf(error: JsonObject, code: string | undefined, type: string | undefined): number {
	for (const value of [error.code, error.status, error.status_code]) {
		const status = typeof value === "string" ? Number(value) : value;
		if (typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 599) {
			return status;
		}
	}
	return STATUS_OF_WORD.get(code ?? "") ?? STATUS_OF_WORD.get(type ?? "") ?? STATUS_UNKNOWN;
}

function word(value: JsonValue | undefined): string | undefined {
	return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}
