import { isJsonObject, type JsonObject, objectOf, objectsIn } from "../../lib/json-types.ts";
import { readFault } from "../provider-fault.ts";
import type { ProviderFault } from "../types.ts";
import { wordOf } from "./reading.ts";

/** Google's status words with the HTTP status and OpenAI's type: https://cloud.google.com/apis/design/errors */
const WORDS: ReadonlyMap<string, readonly [number, string]> = new Map([
	["INVALID_ARGUMENT", [400, "invalid_request_error"]],
	["FAILED_PRECONDITION", [400, "invalid_request_error"]],
	["OUT_OF_RANGE", [400, "invalid_request_error"]],
	["UNAUTHENTICATED", [401, "authentication_error"]],
	["PERMISSION_DENIED", [403, "permission_error"]],
	["NOT_FOUND", [404, "not_found_error"]],
	["ALREADY_EXISTS", [409, "invalid_request_error"]],
	["ABORTED", [409, "invalid_request_error"]],
	["RESOURCE_EXHAUSTED", [429, "rate_limit_error"]],
	["CANCELLED", [499, "api_error"]],
	["INTERNAL", [500, "server_error"]],
	["UNKNOWN", [500, "server_error"]],
	["DATA_LOSS", [500, "server_error"]],
	["UNIMPLEMENTED", [501, "server_error"]],
	["UNAVAILABLE", [503, "service_unavailable"]],
	["DEADLINE_EXCEEDED", [504, "timeout"]],
]);

/** Google says 400 where the key is at fault: https://ai.google.dev/gemini-api/docs/troubleshooting */
const BAD_KEY = /api key (?:not valid|not found|expired|invalid)|pass a valid api key/i;
/** Where the account may not be used at all: the same request would do elsewhere. */
const BAD_ACCOUNT = /location is not supported|not available in your (?:country|region)|billing|free tier/i;
const TOO_LONG =
	/token count.{0,80}exceeds|exceeds the maximum number of (?:input )?tokens|(?:input|prompt).{0,40}too (?:long|large)|context (?:length|window).{0,40}exceed/i;

/**
 * A failure of the Gemini API or of Vertex AI, also where it comes wrapped in a list.
 * @param status of the HTTP answer; undefined inside a stream, where the words must tell.
 */
export function readGoogleFault(body: JsonObject, status: number | undefined): ProviderFault {
	const unwrapped: unknown = body;
	const [first] = Array.isArray(unwrapped) ? unwrapped.filter(isJsonObject) : [body];
	const envelope: JsonObject = first ?? {};
	const plain = readFault(envelope, status);
	const error = isJsonObject(envelope.error) ? envelope.error : envelope;
	const word = wordOf(error.status);
	const [ownStatus, ownType] = WORDS.get(word ?? "") ?? [undefined, undefined];
	const details = objectsIn(error.details);
	const reason = details.map((detail) => wordOf(detail.reason)).find((found) => found !== undefined);
	const statusSaid = status ?? (plain.code === undefined ? (ownStatus ?? plain.status) : plain.status);
	const told: ProviderFault = {
		...plain,
		status: statusSaid,
		type: ownType ?? plain.type ?? (statusSaid >= 500 ? "server_error" : "invalid_request_error"),
		code: reason ?? word ?? plain.code,
	};
	return sorted(told, details);
}

/** A generation that came to nothing: the provider's failure, since another attempt may do better. */
export function brokenGeneration(reason: string, message: string | undefined): ProviderFault {
	return {
		status: 502,
		type: "upstream_error",
		botched: true,
		code: reason,
		message: message ?? `The model's answer failed: ${reason}.`,
	};
}

function sorted(fault: ProviderFault, details: readonly JsonObject[]): ProviderFault {
	const { status, message, code } = fault;
	if (status === 400 && (code?.startsWith("API_KEY_") || BAD_KEY.test(message))) {
		return { ...fault, status: 401, type: "authentication_error", code: "invalid_api_key" };
	}
	if (status === 400 && code === "FAILED_PRECONDITION" && BAD_ACCOUNT.test(message)) {
		return { ...fault, status: 403, type: "permission_error" };
	}
	if (status === 400 && BAD_ACCOUNT.test(message) && message.includes("location")) {
		return { ...fault, status: 403, type: "permission_error" };
	}
	if ((status === 400 || status === 413) && TOO_LONG.test(message)) {
		return { ...fault, code: "context_length_exceeded" };
	}
	if (status === 404 && /\bmodels?\b/i.test(message)) {
		return { ...fault, code: "model_not_found" };
	}
	return status === 429 ? limited(fault, details) : fault;
}

/** A quota of the day does not come back in the seconds that Google names beside it. */
function limited(fault: ProviderFault, details: readonly JsonObject[]): ProviderFault {
	const quotas = details.flatMap(({ violations }) => objectsIn(violations)).map(({ quotaId }) => String(quotaId));
	if (quotas.some((quota) => /PerDay/i.test(quota))) {
		return { ...fault, code: "insufficient_quota", retryAfterMs: undefined };
	}
	const retryAfterMs = details.map(({ retryDelay }) => milliseconds(retryDelay)).find((delay) => delay !== undefined);
	return { ...fault, code: "rate_limit_exceeded", retryAfterMs: retryAfterMs ?? saidDelay(fault.message) };
}

/** `"34.4s"`, or the same as an object. */
function milliseconds(delay: JsonObject[string]): number | undefined {
	if (typeof delay === "string") {
		const seconds = /^(\d+(?:\.\d+)?)s$/.exec(delay)?.[1];
		return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1_000);
	}
	const { seconds, nanos } = objectOf(delay);
	const whole = Number(seconds ?? 0) * 1_000 + Number(nanos ?? 0) / 1_000_000;
	return isJsonObject(delay) && Number.isFinite(whole) && whole > 0 ? Math.ceil(whole) : undefined;
}

function saidDelay(message: string): number | undefined {
	const seconds = /retry in (\d+(?:\.\d+)?)s/i.exec(message)?.[1];
	return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1_000);
}
