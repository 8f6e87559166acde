import type { ProviderFault } from "../dialects/types.ts";
import { GatewayError } from "../lib/errors.ts";
import { upstreamBusy } from "./nothing-left.ts";
import type { AttemptFailure, FailureClass } from "./types.ts";

/** How long a provider that limits its rate is left alone when it does not say, and the bounds of what it may say. */
const COOLDOWN_DEFAULT_MS = 5_000;
const COOLDOWN_MIN_MS = 1_000;
const COOLDOWN_MAX_MS = 60_000;
/** An exhausted quota does not come back in seconds. */
const QUOTA_COOLDOWN_MS = 300_000;

/** Whether a provider's status is worth another attempt, and as what. undefined: the request itself is at fault. */
export function failureOfStatus(
	status: number,
	headers: Headers,
	fault: ProviderFault | undefined,
	nowMs: number,
): AttemptFailure | undefined {
	const detail = fault?.message ?? `status ${status}`;
	const failure = (name: FailureClass, retryAfterMs?: number): AttemptFailure => ({
		class: name,
		status,
		retryAfterMs,
		detail,
	});
	if (status === 429) {
		const exhausted = fault?.code === "insufficient_quota" || fault?.type === "insufficient_quota";
		return exhausted
			? failure("quota", QUOTA_COOLDOWN_MS)
			: failure("rate_limited", readRetryAfter(headers, nowMs, fault));
	}
	if (status === 402) {
		// DeepSeek, OpenRouter, Together, Cohere: the gateway's account there has no money left.
		return failure("quota", QUOTA_COOLDOWN_MS);
	}
	if (status === 401 || status === 403) {
		return fault?.code === "content_filter" ? undefined : failure("provider_auth");
	}
	if (status === 408) {
		return failure("upstream_timeout_status");
	}
	if (status >= 500) {
		const isTold = headers.has("retry-after") || headers.has("retry-after-ms");
		return failure("upstream_5xx", isTold ? readRetryAfter(headers, nowMs, fault) : undefined);
	}
	return status >= 300 && status < 400 ? failure("redirect") : undefined;
}

/** A fault that another deployment would find as well: the request itself is refused. */
export function isRequestsFault(fault: ProviderFault): boolean {
	return fault.status >= 400 && failureOfStatus(fault.status, new Headers(), fault, 0) === undefined;
}

const TELLING: ReadonlySet<FailureClass> = new Set(["rate_limited", "quota", "provider_auth"]);

/** A failure told in words inside a 200 or a stream: the status it names decides what that means for failover. */
export function failureOfFault(fault: ProviderFault, nowMs: number): AttemptFailure {
	const known = failureOfStatus(fault.status, new Headers(), fault, nowMs);
	// A limit is a limit and a wrong key a wrong key, wherever it is told; all else says no more than that it failed.
	if (fault.botched === true) {
		return { class: "botched_generation", status: fault.status, retryAfterMs: undefined, detail: fault.message };
	}
	const tellsWhy = known !== undefined && TELLING.has(known.class);
	return {
		class: tellsWhy ? known.class : "error_event",
		status: fault.status,
		retryAfterMs: known?.retryAfterMs,
		detail: fault.message,
	};
}

/**
 * `retry-after-ms`, then `Retry-After` in seconds or as a date, then what the body says; clamped, since providers send
 * absurd and negative ones.
 */
export function readRetryAfter(headers: Headers, nowMs: number, fault?: ProviderFault): number {
	const milliseconds = Number.parseFloat(headers.get("retry-after-ms") ?? "");
	if (Number.isFinite(milliseconds)) {
		return clampCooldown(milliseconds);
	}
	const text = headers.get("retry-after");
	if (text === null) {
		return fault?.retryAfterMs === undefined ? COOLDOWN_DEFAULT_MS : clampCooldown(fault.retryAfterMs);
	}
	const seconds = Number(text);
	if (Number.isFinite(seconds)) {
		return clampCooldown(seconds * 1000);
	}
	const date = Date.parse(text);
	return Number.isNaN(date) ? COOLDOWN_DEFAULT_MS : clampCooldown(date - nowMs);
}

function clampCooldown(milliseconds: number): number {
	return Math.min(COOLDOWN_MAX_MS, Math.max(COOLDOWN_MIN_MS, milliseconds));
}

const TIMEOUTS: ReadonlySet<FailureClass> = new Set([
	"connect_timeout",
	"ttft_timeout",
	"idle_timeout",
	"total_timeout",
	"upstream_timeout_status",
]);
const NEVER_REACHED: ReadonlySet<FailureClass> = new Set(["connect_refused", "connect_timeout", "dns", "tls"]);

export function isTimeout(name: FailureClass): boolean {
	return TIMEOUTS.has(name);
}

/** The provider has not heard of the request. */
export function neverReached(name: FailureClass): boolean {
	return NEVER_REACHED.has(name);
}

const RATE_LIMITS: ReadonlySet<FailureClass> = new Set(["rate_limited", "quota"]);

/** The provider is well and asks for a pause. */
export function isRateLimit(name: FailureClass): boolean {
	return RATE_LIMITS.has(name);
}

/** What the client is told once every attempt has failed: 504 if all timed out, 429 if all were limited, else 502. */
export function allFailed(alias: string, failures: readonly AttemptFailure[]): GatewayError {
	const all = (classes: ReadonlySet<FailureClass>) => failures.every((failure) => classes.has(failure.class));
	if (all(RATE_LIMITS)) {
		return upstreamBusy(alias, Math.min(...failures.map((failure) => failure.retryAfterMs ?? COOLDOWN_DEFAULT_MS)));
	}
	const tried = failures.length === 1 ? "The provider" : `All ${failures.length} attempts at providers`;
	const cause = new Error(failures.map((failure) => `${failure.class}: ${failure.detail}`).join("; "));
	if (all(TIMEOUTS)) {
		return new GatewayError({
			status: 504,
			type: "upstream_timeout",
			message: `${tried} behind '${alias}' took too long to answer.`,
			code: "upstream_timeout",
			headers: { "x-should-retry": "false" },
			cause,
		});
	}
	const last = failures.at(-1)?.class;
	return new GatewayError({
		status: 502,
		type: "upstream_error",
		message: `${tried} behind '${alias}' failed (${PUBLIC_REASONS[last ?? "network"]}).`,
		code: last === "invalid_response" ? "upstream_invalid_response" : "upstream_error",
		kind: last === "provider_auth" ? "provider_auth" : undefined,
		headers: { "x-should-retry": "false" },
		cause,
	});
}

const PUBLIC_REASONS: Readonly<Record<FailureClass, string>> = {
	connect_refused: "connection refused",
	dns: "host name not found",
	tls: "TLS failure",
	reset: "connection reset",
	network: "network failure",
	connect_timeout: "no connection in time",
	ttft_timeout: "no answer in time",
	idle_timeout: "the answer stopped",
	total_timeout: "the answer took too long",
	redirect: "unexpected redirect",
	rate_limited: "rate limit",
	quota: "quota exhausted",
	provider_auth: "the provider refused the gateway's credentials",
	upstream_5xx: "server error",
	upstream_timeout_status: "the provider timed out",
	invalid_response: "an answer that could not be read",
	error_event: "error event",
	botched_generation: "the model wrote nothing that could be read",
	empty_stream: "empty stream",
	broken_stream: "broken stream",
};
