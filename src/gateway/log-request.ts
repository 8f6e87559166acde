import type { Ingress } from "../dialects/types.ts";
import type { RequestScope } from "./live.ts";
import type { GatewayDeps, Planned } from "./types.ts";

/** One log line for each request, when its last byte has left. Facts only: no prompt, no answer, no key. */
export function logWhenFinished(
	scope: RequestScope,
	ingress: Ingress,
	runtime: GatewayDeps["runtime"],
): (status: number, planned: Planned | undefined) => void {
	let status = 0;
	let planned: Planned | undefined;
	scope.onFinish(() => {
		runtime.logger.info("request", {
			requestId: scope.requestId,
			operation: ingress.operation,
			status,
			keyId: planned?.principal.id,
			alias: planned?.alias.name,
			stream: planned?.envelope.stream,
			left: scope.left(),
			durationMs: Math.round((runtime.clock.monotonic() - scope.startedAtMs) * 10) / 10,
		});
	});
	return (answerStatus, plan) => {
		status = answerStatus;
		planned = plan;
	};
}
