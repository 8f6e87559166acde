import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { readFault } from "../provider-fault.ts";
import type { ProviderFault } from "../types.ts";

/** Google's canonical names of failures in OpenAI's words. @see https://ai.google.dev/gemini-api/docs/troubleshooting */
const TYPES: ReadonlyMap<string, string> = new Map([
	["INVALID_ARGUMENT", "invalid_request_error"],
	["FAILED_PRECONDITION", "invalid_request_error"],
	["OUT_OF_RANGE", "invalid_request_error"],
	["UNAUTHENTICATED", "authentication_error"],
	["PERMISSION_DENIED", "permission_error"],
	["NOT_FOUND", "not_found_error"],
	["RESOURCE_EXHAUSTED", "rate_limit_exceeded"],
]);

const STATUS_UNKNOWN = 500;

/** `{"error": {code, message, status, details}}` of Google's embedding and image models. */
export function readGoogleFault(body: JsonObject, status: number | undefined): ProviderFault {
	const fault = readFault(body, status);
	const error = isJsonObject(body.error) ? body.error : body;
	const name = typeof error.status === "string" ? error.status : undefined;
	return {
		...fault,
		status: status ?? (typeof error.code === "number" ? error.code : STATUS_UNKNOWN),
		type: TYPES.get(name ?? "") ?? fault.type ?? (fault.status >= 500 ? "server_error" : "invalid_request_error"),
		// The number beside it is the status again.
		code: isWrongKey(error, fault.message) ? "invalid_api_key" : name,
		...retryAfter(error),
	};
}

/** A wrong key is told with status 400. */
function isWrongKey({ details }: JsonObject, message: string): boolean {
	const named =
		Array.isArray(details) && details.some((entry) => isJsonObject(entry) && entry.reason === "API_KEY_INVALID");
	return named || message.startsWith("API key not valid");
}

/** `RetryInfo` among the details: `{"retryDelay": "17s"}`. */
function retryAfter({ details }: JsonObject): { retryAfterMs?: number } {
	for (const entry of Array.isArray(details) ? details : []) {
		const delay = isJsonObject(entry) && typeof entry.retryDelay === "string" ? entry.retryDelay : "";
		const seconds = /^(\d+(?:\.\d+)?)s$/.exec(delay)?.[1];
		if (seconds !== undefined) {
			return { retryAfterMs: Math.ceil(Number(seconds) * 1_000) };
		}
	}
	return {};
}
