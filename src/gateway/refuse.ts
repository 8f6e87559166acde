import type { StreamReader } from "../dialects/types.ts";
import { errorBody, GatewayError } from "../lib/errors.ts";
import type { LogFields, Logger } from "../telemetry/logger.ts";
import type { LeaveReason, RequestScope } from "./live.ts";

const OUR_BUG = new GatewayError({
	status: 500,
	type: "api_error",
	message: "The gateway failed to serve this request. Its log says why.",
	code: "internal_error",
});

/** Any failure as the client may see it: one shape, one place. What is not a GatewayError is a bug, logged with its stack. */
export function refuse(error: unknown, requestId: string, logger: Logger): Response {
	const known = error instanceof GatewayError ? error : OUR_BUG;
	if (known === OUR_BUG) {
		logger.error("bug", { requestId, error: String(error), stack: error instanceof Error ? error.stack : undefined });
	} else if (known.status >= 500) {
		logger.warn("request_failed", {
			requestId,
			status: known.status,
			code: known.code,
			cause: known.cause === undefined ? undefined : String(known.cause),
		});
	}
	const headers = new Headers({ "content-type": "application/json", "x-request-id": requestId, ...known.headers });
	if (known.retryAfterSeconds !== undefined) {
		headers.set("retry-after", String(known.retryAfterSeconds));
	}
	if (known.status === 429 && known.kind !== undefined) {
		headers.set("x-gateway-limit-kind", known.kind);
	}
	return new Response(JSON.stringify(errorBody(known)), { status: known.status, headers });
}

/** Which limit or reason refused a request, and whose it was: for the log and for the metrics. */
export function refusalFacts(error: unknown): LogFields {
	return error instanceof GatewayError && error.kind !== undefined
		? { refusal: error.kind, limitScope: error.headers["x-gateway-limit-scope"] }
		: {};
}

const encoder = new TextEncoder();

/** An error as the last event of a stream whose head has already promised success, in the form of its other events. */
export function errorEvent(error: GatewayError, reader?: Pick<StreamReader, "errorEvent">): Uint8Array {
	const body = errorBody(error);
	const { name, data } = reader?.errorEvent?.({ error: { ...body.error } }) ?? { name: "", data: JSON.stringify(body) };
	return encoder.encode(`${name === "" ? "" : `event: ${name}\n`}data: ${data}\n\n`);
}

/** The gateway takes no new requests any more. */
export function draining(): GatewayError {
	return new GatewayError({
		status: 503,
		type: "service_unavailable",
		message: "The gateway is shutting down. Try again.",
		code: "draining",
		kind: "draining",
		retryAfterSeconds: 1,
		headers: { connection: "close" },
	});
}

/** Nothing is begun, and nothing charged, for a request that has been given up. */
export function stopIfLeft(scope: RequestScope): void {
	const reason = scope.left();
	if (reason !== undefined) {
		throw leftError(reason);
	}
}

/** For a client that has gone nobody reads this; for a key revoked in mid-request it says so. */
export function leftError(reason: LeaveReason): GatewayError {
	switch (reason) {
		case "client":
			return new GatewayError({
				status: 408,
				type: "invalid_request_error",
				message: "The client closed the connection.",
				code: "client_closed_request",
			});
		case "revoked":
			return new GatewayError({
				status: 401,
				type: "authentication_error",
				message: "The API key was revoked while this request was running.",
				code: "key_revoked",
			});
		case "shutdown":
			return draining();
		default:
			return reason satisfies never;
	}
}
