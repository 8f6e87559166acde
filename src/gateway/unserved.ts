import type { GatewayError } from "../lib/errors.ts";
import type { Admitted, GatewayDeps } from "./types.ts";

/** A request that was let in and that no provider was asked for: what is told of it later. */
export interface UnservedRequest {
	readonly requestId: string;
	readonly keyId: string;
	readonly team: string | undefined;
	readonly alias: string;
	readonly operation: Admitted["ingress"]["operation"];
	readonly streamed: boolean;
	/** Unix milliseconds. */
	readonly atMs: number;
	/** What the client was told. */
	readonly status: number;
	readonly code: string | undefined;
	/** See routing/decision-text.ts. */
	readonly decision: string;
}

/** Where such requests are kept. Never throws, never waited for: they cost nothing, so one may be lost. */
export type KeepUnserved = (request: UnservedRequest) => void;

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
