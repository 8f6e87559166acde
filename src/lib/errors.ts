/**
 * The one error a caller may see. Everything else that is thrown is a bug: it becomes a bare 500 `api_error`,
 * its stack goes to the log, and nothing of it leaves the process.
 */

/** `error.type` on the wire, with the status codes it may carry. */
export const ERROR_STATUSES = {
	invalid_request_error: [400, 405, 408, 409, 413, 414, 415, 417, 422],
	authentication_error: [401],
	permission_error: [403],
	not_found_error: [404],
	rate_limit_exceeded: [429],
	budget_exceeded: [429],
	upstream_error: [502],
	upstream_timeout: [504],
	service_unavailable: [503],
	api_error: [500],
} as const satisfies Record<string, readonly number[]>;

export type ErrorType = keyof typeof ERROR_STATUSES;

/** `error.kind`: which limit, or whose fault. Also the `X-Gateway-Limit-Kind` header of a 429. */
export type ErrorKind =
	| "rpm"
	| "tpm"
	| "parallel"
	| "budget"
	| "upstream"
	| "auth"
	| "provider_auth"
	| "ledger_unavailable"
	| "budget_unavailable"
	| "draining";

export interface GatewayErrorOptions {
	readonly status: number;
	readonly type: ErrorType;
	/** Public text: what happened and what to do. Never a secret, a path, a stack or a hash. */
	readonly message: string;
	readonly code?: string | undefined;
	readonly param?: string | undefined;
	readonly kind?: ErrorKind | undefined;
	/** Whole seconds, at least 1; equal in the `Retry-After` header and the body. */
	readonly retryAfterSeconds?: number | undefined;
	/** Further response headers, such as `Allow` or `x-should-retry`. */
	readonly headers?: Readonly<Record<string, string>> | undefined;
	/** Private: for the log only. */
	readonly cause?: unknown;
}

export class GatewayError extends Error {
	override readonly name = "GatewayError";
	readonly status: number;
	readonly type: ErrorType;
	readonly code: string | undefined;
	readonly param: string | undefined;
	readonly kind: ErrorKind | undefined;
	readonly retryAfterSeconds: number | undefined;
	readonly headers: Readonly<Record<string, string>>;

	constructor(options: GatewayErrorOptions) {
		super(options.message, { cause: options.cause });
		this.status = options.status;
		this.type = options.type;
		this.code = options.code;
		this.param = options.param;
		this.kind = options.kind;
		this.retryAfterSeconds = options.retryAfterSeconds;
		this.headers = options.headers ?? {};
	}
}

/** 400: the request itself is wrong. `param` names the field. */
export function badRequest(message: string, param?: string, code?: string): GatewayError {
	return new GatewayError({ status: 400, type: "invalid_request_error", message, param, code });
}

/** 401: no usable credential. The same words for every wrong key, so that answers teach an attacker nothing. */
export function unauthorized(message: string, code = "invalid_api_key"): GatewayError {
	return new GatewayError({
		status: 401,
		type: "authentication_error",
		message,
		code,
		headers: { "www-authenticate": "Bearer" },
	});
}

export function forbidden(message: string, code: string): GatewayError {
	return new GatewayError({ status: 403, type: "permission_error", message, code });
}

export function notFound(message: string, code = "not_found", param?: string): GatewayError {
	return new GatewayError({ status: 404, type: "not_found_error", message, code, param });
}

/** The wire body of an error: OpenAI's four fields, plus the gateway's own two where they apply. */
export interface ErrorBody {
	readonly error: {
		readonly type: string;
		readonly message: string;
		readonly code: string | null;
		readonly param: string | null;
		readonly kind?: string;
		readonly retry_after_seconds?: number;
	};
}

export function errorBody(error: GatewayError): ErrorBody {
	return {
		error: {
			type: error.type,
			message: error.message,
			code: error.code ?? null,
			param: error.param ?? null,
			...(error.kind === undefined ? {} : { kind: error.kind }),
			...(error.retryAfterSeconds === undefined ? {} : { retry_after_seconds: error.retryAfterSeconds }),
		},
	};
}

/** A wait as `Retry-After` tells it: rounded up, at least 1. */
export function wholeSeconds(milliseconds: number): number {
	return Math.max(1, Math.ceil(milliseconds / 1000));
}
