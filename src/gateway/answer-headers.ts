import type { Deployment } from "../config/types.ts";
import { answerHeaders, headerSafe } from "../lib/headers.ts";
import { formatUsd, type NanoUsd } from "../lib/money.ts";
import type { Planned } from "./types.ts";

/** Who served an answer, and after how many failovers. */
export interface Served {
	readonly planned: Planned;
	readonly deployment: Deployment;
	/** 0 for the first attempt. */
	readonly attempt: number;
}

/** The gateway's own headers beside the allowed ones of the provider. A fresh object: the provider's never travels whole. */
export function servedHeaders(
	served: Served,
	upstream: Headers,
	cost: { readonly nano: NanoUsd; readonly final: boolean },
): Headers {
	const headers = answerHeaders(upstream);
	const { planned, deployment } = served;
	headers.set("x-request-id", planned.scope.requestId);
	headers.set("x-gateway-decision", headerSafe(`${deployment.provider.id}/${deployment.model}`));
	headers.set("x-gateway-route-bucket", planned.score.bucket);
	headers.set("x-gateway-route-score", planned.score.score.toFixed(2));
	headers.set("x-gateway-cost-usd", formatUsd(cost.nano));
	headers.set("x-gateway-retries", String(served.attempt));
	if (!cost.final) {
		headers.set("x-gateway-cost-final", "false");
	}
	if (deployment.price === undefined) {
		// Zero here means unknown, not free.
		headers.set("x-gateway-cost-unpriced", "true");
	}
	return headers;
}
