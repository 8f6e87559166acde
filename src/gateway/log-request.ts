import type { RequestScope } from "./live.ts";
import type { GatewayDeps } from "./types.ts";

/** One log line for each request, when its last byte has left. Facts only: no prompt, no answer, no key. */
export function logWhenFinished(scope: RequestScope, operation: string, runtime: GatewayDeps["runtime"]): void {
	scope.onFinish(() => {
		runtime.logger.info("request", {
			requestId: scope.requestId,
			operation,
			...scope.facts(),
			left: scope.left(),
			durationMs: Math.round((runtime.clock.monotonic() - scope.startedAtMs) * 10) / 10,
		});
	});
}
