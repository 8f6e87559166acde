import { describe, expect, test } from "bun:test";
import { readFault } from "../../../src/dialects/provider-fault.ts";
import { allFailed, failureOfFault, failureOfStatus, readRetryAfter } from "../../../src/gateway/failure.ts";
import type { AttemptFailure, FailureClass } from "../../../src/gateway/types.ts";

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

test("Retry-After is read in every form that providers send, and clamped to 1–60 s", () => {
	const cases: [Record<string, string>, number][] = [
		[{ "retry-after": "7" }, 7_000],
		[{ "retry-after-ms": "2500", "retry-after": "9" }, 2_500],
		[{ "retry-after": new Date(NOW + 12_000).toUTCString() }, 12_000],
		[{ "retry-after": "86400" }, 60_000],
		[{ "retry-after": "-5" }, 1_000],
		[{ "retry-after": new Date(NOW - 60_000).toUTCString() }, 1_000],
		[{ "retry-after": "soon" }, 5_000],
		[{}, 5_000],
	];
	for (const [headers, expected] of cases) {
		expect([headers, readRetryAfter(new Headers(headers), NOW)]).toEqual([headers, expected]);
	}
});

test("a status tells whether the provider, its account or the request is at fault", () => {
	const classOf = (status: number, code?: string) =>
		failureOfStatus(status, new Headers(), { status, type: undefined, code, message: "" }, NOW)?.class;
	expect([400, 404, 409, 413, 422].map((status) => classOf(status))).toEqual([
		undefined,
		undefined,
		undefined,
		undefined,
		undefined,
	]);
	expect([401, 403, 408, 429, 500, 503, 529, 302].map((status) => classOf(status))).toEqual([
		"provider_auth",
		"provider_auth",
		"upstream_timeout_status",
		"rate_limited",
		"upstream_5xx",
		"upstream_5xx",
		"upstream_5xx",
		"redirect",
	]);
	expect(classOf(429, "insufficient_quota")).toBe("quota");
	expect(classOf(402)).toBe("quota");
});

test("a failing server's Retry-After is read where it gives one", () => {
	const waitOf = (headers: Record<string, string>) =>
		failureOfStatus(503, new Headers(headers), undefined, NOW)?.retryAfterMs;
	expect([waitOf({ "retry-after": "2" }), waitOf({ "retry-after-ms": "1500" }), waitOf({})]).toEqual([
		2_000,
		1_500,
		undefined,
	]);
});

test("a provider's words are found in the usual shapes of error bodies", () => {
	expect(readFault({ error: { message: "no", type: "t", code: "c" } }, 400)).toEqual({
		status: 400,
		message: "no",
		type: "t",
		code: "c",
	});
	expect(readFault({ object: "error", message: "no", type: "invalid" }, 422).message).toBe("no");
	expect(readFault({ detail: "no" }, 422).message).toBe("no");
	expect(readFault({ error: "no" }, 400).message).toBe("no");
});

test("when all attempts fail the client learns which kind of failure it was, and not to retry on top", () => {
	const failures = (...classes: FailureClass[]): AttemptFailure[] =>
		classes.map((name, index) => ({
			class: name,
			status: undefined,
			retryAfterMs: (index + 2) * 1_000,
			detail: "private",
		}));
	const summary = (...classes: FailureClass[]) => {
		const { status, type, kind, retryAfterSeconds, message, headers } = allFailed("gpt", failures(...classes));
		expect(message).not.toContain("private");
		expect(headers["x-should-retry"]).toBe("false");
		return { status, type, kind, retryAfterSeconds };
	};
	expect(summary("reset", "ttft_timeout")).toEqual({
		status: 502,
		type: "upstream_error",
		kind: undefined,
		retryAfterSeconds: undefined,
	});
	expect(summary("ttft_timeout", "total_timeout")).toMatchObject({ status: 504, type: "upstream_timeout" });
	expect(summary("rate_limited", "rate_limited")).toEqual({
		status: 429,
		type: "rate_limit_exceeded",
		kind: "upstream",
		retryAfterSeconds: 2,
	});
	expect(summary("provider_auth")).toMatchObject({ status: 502, kind: "provider_auth" });
});

describe("a failure told in words", () => {
	test("that was the model's and not the server's is told apart, so that it is no mark against the deployment", () => {
		const fault = {
			status: 502,
			type: "upstream_error",
			botched: true,
			code: "MALFORMED_FUNCTION_CALL",
			message: "bad call",
		};
		expect(failureOfFault(fault, NOW)).toMatchObject({ class: "botched_generation", status: 502 });
	});

	test.each([
		[429, "rate_limit_error", "rate_limited"],
		[429, "insufficient_quota", "quota"],
		[401, "authentication_error", "provider_auth"],
		[529, "overloaded_error", "error_event"],
	])("%d %s is %s", (status, type, expected) => {
		expect(failureOfFault({ status, type, code: undefined, message: "" }, NOW).class).toBe(expected as FailureClass);
	});
});
