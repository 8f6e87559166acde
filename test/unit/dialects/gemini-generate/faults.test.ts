import { describe, expect, test } from "bun:test";
import type { ProviderFault } from "../../../../src/dialects/types.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { HELLO, translate } from "./support.ts";

function fault(error: JsonObject, status: number | undefined): ProviderFault {
	return translate(HELLO).readFault({ error }, status);
}

const detail = (type: string, fields: JsonObject) => ({ "@type": `type.googleapis.com/google.rpc.${type}`, ...fields });

describe("failures in Google's words", () => {
	const rules: readonly (readonly [string, JsonObject, number | undefined, Partial<ProviderFault>])[] = [
		[
			"a bad argument",
			{ code: 400, message: "Invalid value", status: "INVALID_ARGUMENT" },
			400,
			{ status: 400, type: "invalid_request_error", code: "INVALID_ARGUMENT" },
		],
		[
			"a bad key, by its reason",
			{
				code: 400,
				message: "Nope",
				status: "INVALID_ARGUMENT",
				details: [detail("ErrorInfo", { reason: "API_KEY_INVALID" })],
			},
			400,
			{ status: 401, type: "authentication_error", code: "invalid_api_key" },
		],
		[
			"a bad key, by its words",
			{ code: 400, message: "API key not valid. Please pass a valid API key.", status: "INVALID_ARGUMENT" },
			400,
			{ status: 401, code: "invalid_api_key" },
		],
		[
			"an old key",
			{ code: 400, message: "API key expired. Please renew the API key.", status: "INVALID_ARGUMENT" },
			400,
			{ status: 401 },
		],
		[
			"no key",
			{ code: 401, message: "Login required", status: "UNAUTHENTICATED" },
			401,
			{ type: "authentication_error" },
		],
		[
			"no permission",
			{ code: 403, message: "Denied", status: "PERMISSION_DENIED" },
			403,
			{ status: 403, type: "permission_error" },
		],
		[
			"a country that is not served",
			{ code: 400, message: "User location is not supported for the API use.", status: "FAILED_PRECONDITION" },
			400,
			{ status: 403, type: "permission_error" },
		],
		[
			"an account that does not pay",
			{ code: 400, message: "Please enable billing on your project.", status: "FAILED_PRECONDITION" },
			400,
			{ status: 403 },
		],
		[
			"a file that is not ready is the request's",
			{ code: 400, message: "The File a is not in an ACTIVE state.", status: "FAILED_PRECONDITION" },
			400,
			{ status: 400, type: "invalid_request_error" },
		],
		[
			"a prompt too long",
			{
				code: 400,
				message: "The input token count (9) exceeds the maximum number of tokens allowed (8).",
				status: "INVALID_ARGUMENT",
			},
			400,
			{ status: 400, code: "context_length_exceeded" },
		],
		[
			"a prompt too long, in Vertex's older words",
			{
				code: 400,
				message: "The input token count exceeds the maximum number of input tokens.",
				status: "INVALID_ARGUMENT",
			},
			400,
			{ code: "context_length_exceeded" },
		],
		[
			"an unknown model",
			{ code: 404, message: "models/gemini-x is not found for API version v1beta", status: "NOT_FOUND" },
			404,
			{ status: 404, code: "model_not_found", type: "not_found_error" },
		],
		[
			"a rate limit with its pause",
			{
				code: 429,
				message: "Quota exceeded",
				status: "RESOURCE_EXHAUSTED",
				details: [detail("RetryInfo", { retryDelay: "34s" })],
			},
			429,
			{ status: 429, code: "rate_limit_exceeded", type: "rate_limit_error", retryAfterMs: 34_000 },
		],
		[
			"a pause as an object",
			{ code: 429, message: "x", details: [detail("RetryInfo", { retryDelay: { seconds: "2", nanos: 500000000 } })] },
			429,
			{ retryAfterMs: 2_500 },
		],
		[
			"a pause in words",
			{ code: 429, message: "Quota exceeded. Please retry in 12.5s.", status: "RESOURCE_EXHAUSTED" },
			429,
			{ retryAfterMs: 12_500 },
		],
		[
			"a pause that is none",
			{ code: 429, message: "x", details: [detail("RetryInfo", { retryDelay: "soon" })] },
			429,
			{ code: "rate_limit_exceeded", retryAfterMs: undefined },
		],
		[
			"a quota of the day",
			{
				code: 429,
				message: "x",
				status: "RESOURCE_EXHAUSTED",
				details: [
					detail("QuotaFailure", { violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" }] }),
					detail("RetryInfo", { retryDelay: "34s" }),
				],
			},
			429,
			{ code: "insufficient_quota", retryAfterMs: undefined },
		],
		["overload", { code: 503, message: "x", status: "UNAVAILABLE" }, 503, { status: 503, type: "service_unavailable" }],
		["a time-out", { code: 504, message: "x", status: "DEADLINE_EXCEEDED" }, 504, { status: 504, type: "timeout" }],
		["in a stream, by its number", { code: 500, message: "x", status: "INTERNAL" }, undefined, { status: 500 }],
		["in a stream, by its word", { message: "x", status: "RESOURCE_EXHAUSTED" }, undefined, { status: 429 }],
		["in a stream, by nothing", { message: "x" }, undefined, { status: 500, message: "x" }],
	];
	test.each(rules)("%s", (_name, error, status, expected) => {
		expect(fault(error, status)).toMatchObject(expected);
	});

	test("a list holds the failure, as the API sends it without SSE", () => {
		// The gateway may hand on any JSON; a list has no type of its own here.
		const body = [
			{ error: { code: 429, message: "Slow down", status: "RESOURCE_EXHAUSTED" } },
		] as unknown as JsonObject;
		expect(translate(HELLO).readFault(body, 429)).toMatchObject({ status: 429, message: "Slow down" });
	});

	test.each([[{}], [{ error: null }], [{ error: "text" }], [{ message: "m" }], [{ error: { details: [1, null] } }]])(
		"%j never throws",
		(body) => {
			expect(translate(HELLO).readFault(body, 502).status).toBe(502);
		},
	);
});
