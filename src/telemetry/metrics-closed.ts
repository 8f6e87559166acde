import { OPERATIONS } from "../dialects/types.ts";
import type { FailureClass } from "../gateway/types.ts";
import { ERROR_STATUSES, type ErrorKind } from "../lib/errors.ts";
import type { AttemptOutcome } from "../metering/ledger-types.ts";
import { OTHER } from "./metrics-family.ts";

/** Lists that label values are taken from. The compiler holds them to the types they repeat. */
const FAILURE_CLASSES: Readonly<Record<FailureClass, true>> = {
	connect_refused: true,
	dns: true,
	tls: true,
	reset: true,
	network: true,
	connect_timeout: true,
	ttft_timeout: true,
	idle_timeout: true,
	total_timeout: true,
	redirect: true,
	rate_limited: true,
	quota: true,
	provider_auth: true,
	upstream_5xx: true,
	upstream_timeout_status: true,
	invalid_response: true,
	error_event: true,
	botched_generation: true,
	empty_stream: true,
	broken_stream: true,
};

const OUTCOMES: Readonly<Record<AttemptOutcome, true>> = {
	ok: true,
	refused: true,
	upstream_failed: true,
	client_gone: true,
	cut: true,
	crashed: true,
};

/** Whose limit it may be; "" where it is nobody's. */
export const REFUSAL_SCOPES: Readonly<Record<ErrorKind, readonly string[]>> = {
	rpm: ["key", "team"],
	tpm: ["key", "team"],
	parallel: ["key", "team"],
	budget: ["key", "team"],
	upstream: [""],
	auth: [""],
	provider_auth: [""],
	ledger_unavailable: [""],
	budget_unavailable: [""],
	draining: [""],
};

const errorClasses: ReadonlySet<string> = new Set(Object.keys(FAILURE_CLASSES));
const outcomes: ReadonlySet<string> = new Set(Object.keys(OUTCOMES));
/** Requests about kept objects are operations of the gateway's own. */
const operations: ReadonlySet<string> = new Set([...OPERATIONS, "responses.stored", "conversations"]);
const codes: ReadonlyMap<unknown, string> = new Map(
	[200, 201, 204, ...Object.values(ERROR_STATUSES).flat()].map((status) => [status, String(status)]),
);

export function operationLabel(operation: string): string {
	return operations.has(operation) ? operation : OTHER;
}

/** @param status HTTP status; providers may refuse with any. */
export function codeLabel(status: unknown): string {
	return codes.get(status) ?? OTHER;
}

export function outcomeLabel(outcome: string): string {
	return outcomes.has(outcome) ? outcome : OTHER;
}

/** "" where nothing failed. */
export function errorClassLabel(errorClass: string | undefined): string {
	if (errorClass === undefined) {
		return "";
	}
	return errorClasses.has(errorClass) ? errorClass : OTHER;
}
