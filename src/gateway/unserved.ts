import type { GatewayError } from "../lib/errors.ts";
import type { UnservedStore } from "../store/types.ts";
import type { Admitted, GatewayDeps } from "./types.ts";

/** Where such requests are kept. Never throws, never waited for: they cost nothing, so one may be lost. */
export type KeepUnserved = UnservedStore["keep"];

/** Notes a request that ends here. @returns The error, to be thrown. */
export function noteUnserved(
	error: GatewayError,
	{ admitted, decision }: { readonly admitted: Admitted; readonly decision: string },
	deps: GatewayDeps,
): GatewayError {
	deps.accounts.keepUnserved({
		requestId: admitted.scope.requestId,
		keyId: admitted.principal.id,
		team: admitted.principal.team,
		alias: admitted.alias.name,
		operation: admitted.ingress.operation,
		streamed: admitted.envelope.stream,
		atMs: deps.runtime.clock.now(),
		status: error.status,
		code: error.code,
		decision,
	});
	return error;
}
