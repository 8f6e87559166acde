import { GatewayError } from "../lib/errors.ts";
import { transportFailure } from "../transport/upstream.ts";
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
	{ config, runtime }: GatewayDeps,
): ReadableStream {
	const idleMs = config.current().server.streamIdleTimeoutMs;
	const reader = body.getReader();
	const silence = runtime.deadlines.after(idleMs, abort);
	let begun = false;
	scope.onLeave(() => {
		abort();
		if (!begun) {
			// Nobody will ever ask for the first byte.
			begun = true;
			silence.clear();
			scope.finish();
		}
	});
	return new ReadableStream({
		type: "direct",
		async pull(sink) {
			if (begun) {
				sink.close();
				return;
			}
			begun = true;
			try {
				for (let next = await reader.read(); !next.done; next = await reader.read()) {
					silence.reset(idleMs);
					const room = sink.write(next.value);
					sink.flush();
					if (typeof room !== "number") {
						await room;
					}
				}
			} catch (error) {
				sink.write(errorEvent(endOf(scope, error)));
			} finally {
				silence.clear();
				sink.close();
				scope.finish();
			}
		},
		cancel() {
			scope.leave("client");
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
