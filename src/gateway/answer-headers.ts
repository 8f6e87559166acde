import type { Deployment } from "../config/types.ts";
import { answerHeaders, headerSafe } from "../lib/headers.ts";
import { formatUsd, type NanoUsd } from "../lib/money.ts";
import type { Planned } from "./types.ts";

/** Who served an answer, and after how many failovers. */
export interface Served {
	readonly planned: Planned;
	readonly deployment: Deployment;
	/** Its number among the request's rows in the ledger; 0 = the first. */
	readonly attempt: number;
	/** Attempts before it that failed. */
	readonly retries: number;
	/** What of the request could not be said to it. */
	readonly dropped: readonly string[];
}

/** Proxies refuse long headers: a request of hundreds of unknown fields is not listed whole. */
const DROPPED_LENGTH_MAX = 2_000;

/** The gateway's own headers beside the allowed ones of the provider. A fresh object: the provider's never travels whole. */
export function servedHeaders(
	served: Served,
	upstream: Headers,
	cost: { readonly nano: NanoUsd; readonly final: boolean },
): Record<string, string> {
	const headers = answerHeaders(upstream);
	const { planned, deployment } = served;
	headers["x-request-id"] = planned.scope.requestId;
	headers["x-gateway-decision"] = headerSafe(`${deployment.provider.id}/${deployment.model}`);
	headers["x-gateway-route-bucket"] = planned.score.bucket;
	// Cut, not rounded: 0.329 shown as 0.33 would contradict its bucket.
	headers["x-gateway-route-score"] = (Math.floor(planned.score.score * 100) / 100).toFixed(2);
	headers["x-gateway-cost-usd"] = formatUsd(cost.nano);
	headers["x-gateway-retries"] = String(served.retries);
	Object.assign(headers, budgetHeaders(planned.budgetRemainingNano()));
	if (served.dropped.length > 0) {
		headers["x-gateway-dropped"] = headerSafe(served.dropped.join(", ")).slice(0, DROPPED_LENGTH_MAX);
	}
	if (!cost.final) {
		headers["x-gateway-cost-final"] = "false";
	}
	if (deployment.price === undefined) {
		// Zero here means unknown, not free.
		headers["x-gateway-cost-unpriced"] = "true";
	}
	return headers;
}

/**
 * What is left of the month, for keys that have a budget of their own or their team's: the least of both, less what was
 * spent and less every reservation of that moment. So a whole answer is told what is left after its cost, a stream what
 * is left after its reservation.
 */
function budgetHeaders(remainingNano: NanoUsd | undefined): Record<string, string> {
	return remainingNano === undefined ? {} : { "x-gateway-budget-remaining": formatUsd(remainingNano) };
}

/**
 * The same headers for an answer that needed no routing and cost nothing: models, stored responses.
 * @param remainingNano What is left of the asking key's budgets; undefined = it has none.
 */
export function unroutedHeaders(
	requestId: string,
	decision: string,
	remainingNano: NanoUsd | undefined,
): Record<string, string> {
	return {
		"x-request-id": requestId,
		"x-gateway-decision": headerSafe(decision),
		"x-gateway-route-bucket": "simple",
		"x-gateway-route-score": "0.00",
		"x-gateway-cost-usd": formatUsd(0),
		"x-gateway-retries": "0",
		...budgetHeaders(remainingNano),
	};
}
