import type { JsonObject, JsonValue } from "../../lib/json-types.ts";
import type { ProviderFault } from "../types.ts";

const MESSAGE_LENGTH_MAX = 2_000;

/**
 * Statuses of AWS's exceptions, by their names in lower case without the ending. In a stream nothing else tells them.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html#API_runtime_ConverseStream_Errors
 */
const STATUSES: ReadonlyMap<string, number> = new Map([
	["validation", 400],
	["unrecognizedclient", 403],
	["invalidsignature", 403],
	["expiredtoken", 403],
	["missingauthenticationtoken", 403],
	["incompletesignature", 403],
	["accessdenied", 403],
	["resourcenotfound", 404],
	["modeltimeout", 408],
	["conflict", 409],
	["throttling", 429],
	["toomanyrequests", 429],
	["servicequotaexceeded", 429],
	["modelnotready", 429],
	["internalserver", 500],
	["internalfailure", 500],
	// AWS sends 424: the model failed, the request did not. As a 502 it is worth another attempt elsewhere.
	["modelerror", 502],
	["modelstreamerror", 502],
	["serviceunavailable", 503],
]);
const STATUS_FAILED_DEPENDENCY = 424;
const STATUS_UNKNOWN = 500;

/** Exceptions whose own status would mislead: a quota is a 400 and a model that failed a 424 at AWS. */
const CORRECTED: ReadonlySet<string> = new Set([
	"servicequotaexceeded",
	"modelnotready",
	"modelerror",
	"modelstreamerror",
	"throttling",
]);

const TOO_LONG =
	/input is too long|prompt is too long|too many input tokens|context (?:length|limit|window)|maximum (?:input|context)|exceeds? the (?:maximum|model).{0,40}tokens|input tokens? (?:exceeded|count)/i;

/** A failure in AWS's words: `{"message"}` with a status, `{"Message"}`, `{"__type", "message"}`. */
export function bedrockFault(body: JsonObject, status: number | undefined): ProviderFault {
	const type = typeOf(body);
	const name = type?.replace(/(?:Exception|Error)$/, "").toLowerCase() ?? "";
	const message =
		[body.message, body.Message, body.errorMessage, body.originalMessage].find(isText) ??
		"The provider gave no reason.";
	const known = STATUSES.get(name);
	const given = status === STATUS_FAILED_DEPENDENCY ? 502 : status;
	const told = given === undefined || CORRECTED.has(name) ? (known ?? given ?? STATUS_UNKNOWN) : given;
	return {
		status: told,
		type,
		code: codeOf(told, name, message),
		message: message.slice(0, MESSAGE_LENGTH_MAX),
	};
}

/** OpenAI's word for it, where clients and the gateway act on one. */
function codeOf(status: number, name: string, message: string): string | undefined {
	switch (status) {
		case 400:
			return TOO_LONG.test(message) ? "context_length_exceeded" : undefined;
		case 404:
			return name === "resourcenotfound" ? "model_not_found" : undefined;
		case 429:
			if (name === "modelnotready") {
				return undefined;
			}
			// A day's quota does not come back in seconds.
			return name === "servicequotaexceeded" || /per day/i.test(message) ? "insufficient_quota" : "rate_limit_exceeded";
		default:
			return undefined;
	}
}

/** `com.amazon.coral.service#ValidationException`, `ValidationException:http://…`, `validationException`. */
function typeOf(body: JsonObject): string | undefined {
	const type = [body.__type, body.code, body.Code].find(isText);
	const bare = type?.split("#").at(-1)?.split(":")[0];
	return bare === undefined || bare === "" ? undefined : bare.charAt(0).toUpperCase() + bare.slice(1);
}

function isText(value: JsonValue | undefined): value is string {
	return typeof value === "string" && value !== "";
}

/** A failure told inside an answer whose status says success, or by the name of a stream's event. */
export function isFaultBody(body: JsonObject): boolean {
	return typeof body.__type === "string" && body.output === undefined;
}
