import { GatewayError } from "../lib/errors.ts";
import { transportFailure } from "../transport/transport-failure.ts";
import { clientStream } from "./client-stream.ts";
import type { RequestScope } from "./live.ts";
import { errorEvent, leftError } from "./refuse.ts";
import type { GatewayDeps } from "./types.ts";

/**
 * An event stream that has been paid for already (a stored response that is read again): passed on as it comes, at the
 * client's pace, until it ends, falls silent, or its key is revoked.
 */
export function passOn(
	body: ReadableStream<Uint8Array>,
	scope: RequestScope,
	abort: () => void,
	deps: GatewayDeps,
): ReadableStream {
	const idleMs = deps.config.current().server.streamIdleTimeoutMs;
	const reader = body.getReader();
	const silence = deps.runtime.deadlines.after(idleMs, abort);
	return clientStream({
		scope,
		deps,
		abort,
		silentFor: silence.reset,
		keepAlive: undefined,
		async pump(sink) {
			try {
				for (let next = await reader.read(); !next.done; next = await reader.read()) {
					silence.reset(idleMs);
					await sink.write(next.value);
				}
			} catch (error) {
				sink.write(errorEvent(endOf(scope, error)))?.catch(() => {
					// It does not read: it would not have read this either.
				});
			} finally {
				silence.clear();
			}
		},
		async neverAsked() {
			silence.clear();
		},
	});
}

function endOf(scope: RequestScope, error: unknown): GatewayError {
	const reason = scope.left();
	return reason === undefined
		? new GatewayError({
				status: 502,
				type: "upstream_error",
				message: "The answer broke off.",
				code: transportFailure(error).class,
			})
		: leftError(reason);
}
