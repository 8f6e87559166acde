import type { RequestScope } from "./live.ts";
import type { GatewayDeps } from "./types.ts";

/** One log line for each request, and one count, when its last byte has left. Facts only: no prompt, no answer, no key. */
export function logWhenFinished(scope: RequestScope, operation: string, runtime: GatewayDeps["runtime"]): void {
	scope.onFinish(() => {
		const durationMs = runtime.clock.monotonic() - scope.startedAtMs;
		runtime.observer.requestEnded(operation, scope.facts(), durationMs);
		runtime.logger.info("request", {
			requestId: scope.requestId,
			operation,
			...scope.facts(),
			left: scope.left(),
			durationMs: Math.round(durationMs * 10) / 10,
		});
	});
}
