import type { Alias, Deployment, Snapshot } from "../config/types.ts";
import { badRequest, forbidden, GatewayError, notFound, wholeSeconds } from "../lib/errors.ts";
import type { NanoUsd } from "../lib/money.ts";
import { expectedCostOf, pricesQuantities } from "../metering/cost.ts";
import type { Orderer } from "../routing/types.ts";
import { mayUse } from "./admit.ts";
import { owns } from "./owns.ts";
import { requestMedia } from "./request-media.ts";
import { keepsResponses, serves } from "./spoken.ts";
import type { Admitted, Exclusion, GatewayDeps, Planned } from "./types.ts";

/** Stage 3: from an alias to the deployments to try, best first. Throws when none can serve the request, saying why. */
export async function plan(admitted: Admitted, snapshot: Snapshot, deps: GatewayDeps): Promise<Planned> {
	const { alias, principal } = admitted;
	const score = deps.routing.score(admitted.ingress.promptText(admitted.body));
	const pinned = await pinnedDeployment(admitted, deps);
	const expectedCost = (deployment: Deployment) => costAt(deployment, admitted);
	const excluded: Exclusion[] = [];
	const ordered: Deployment[] = [];
	for (const candidateAlias of [alias, ...fallbacksOf(alias, snapshot)]) {
		if (!mayUse(principal, candidateAlias.name)) {
			continue;
		}
		const fitting = candidateAlias.deployments.filter((deployment) => {
			const reason = exclusion(deployment, admitted, pinned, deps);
			if (reason !== undefined) {
				excluded.push({ deployment, reason });
			}
			return reason === undefined;
		});
		// A fallback's turns are counted apart: being named as one must not shift the turns of its own requests.
		const counted =
			candidateAlias === alias ? alias : { ...candidateAlias, name: `${alias.name}\n${candidateAlias.name}` };
		const strategy = principal.forceStrategy ?? candidateAlias.strategy;
		ordered.push(...order({ alias: counted, candidates: fitting, strategy, bucket: score.bucket, expectedCost }, deps));
	}
	if (ordered.length === 0) {
		throw nothingLeft(excluded, admitted, deps);
	}
	return {
		...admitted,
		score,
		targets: ordered,
		attemptsMax: alias.retries + 1,
		withMedia: requestMedia(admitted, deps),
	};
}

function fallbacksOf(alias: Alias, snapshot: Snapshot): Alias[] {
	return alias.fallbacks.flatMap((name) => snapshot.aliases.get(name) ?? []);
}

/** Deployments with a closed breaker first; one that has been failing is tried when nothing else is left. */
function order(request: Parameters<Orderer["order"]>[0], deps: GatewayDeps): readonly Deployment[] {
	const sorted = deps.routing.orderer.order(request);
	const isAvailable = (deployment: Deployment) => deps.routing.health.available(deployment.id);
	return sorted.every(isAvailable)
		? sorted
		: [...sorted.filter(isAvailable), ...sorted.filter((deployment) => !isAvailable(deployment))];
}

function costAt({ price: sheet }: Deployment, { envelope }: Admitted): NanoUsd | undefined {
	return sheet === undefined || !pricesQuantities(envelope.quantities, sheet)
		? undefined
		: expectedCostOf({ ...envelope, outputTokensMax: envelope.generates ? envelope.maxOutputTokens : 0, sheet });
}

function exclusion(
	deployment: Deployment,
	admitted: Admitted,
	pinned: string | undefined,
	deps: GatewayDeps,
): Exclusion["reason"] | undefined {
	if (pinned !== undefined && deployment.id !== pinned) {
		return "pinned";
	}
	if (!serves(deployment, admitted.ingress.operation, deps.dialects)) {
		return "operation";
	}
	if (!deps.routing.isEnabled(deployment.id)) {
		return "disabled";
	}
	if (
		// Audio is bounded by its bytes, which says little of its length.
		admitted.body.kind === "json" &&
		deployment.maxContextTokens !== undefined &&
		admitted.envelope.promptTokensMax > deployment.maxContextTokens * CONTEXT_MARGIN
	) {
		return "context";
	}
	if (admitted.budgets.length > 0 && !isPriced(deployment, admitted)) {
		return "unpriced";
	}
	return cooling(deployment, deps) ? "cooling" : undefined;
}

/** Prompt counts are upper bounds: only a prompt that is clearly too long is kept away from a model. */
const CONTEXT_MARGIN = 1.3;

/** Whether a price is known for what this request will be billed by: tokens, images, characters. */
function isPriced(deployment: Deployment, admitted: Admitted): boolean {
	return deployment.price !== undefined && pricesQuantities(admitted.envelope.quantities, deployment.price);
}

/** A provider that said 429 is left alone until the time it named; an open breaker only moves to the end of the queue. */
function cooling(deployment: Deployment, deps: GatewayDeps): boolean {
	if (deps.routing.health.available(deployment.id)) {
		return false;
	}
	const view = deps.routing.health.view(deployment.id);
	return view.breaker === "closed" && view.availableAtMs !== undefined && view.availableAtMs > deps.runtime.clock.now();
}

/** `previous_response_id` lives at one provider: the request must go to the deployment that made it. */
async function pinnedDeployment(admitted: Admitted, deps: GatewayDeps): Promise<string | undefined> {
	const id = admitted.envelope.previousResponseId;
	if (id === undefined) {
		return undefined;
	}
	const owner = await deps.accounts.ledger.ownerOf(id);
	if (owner === undefined || !owns(admitted.principal, owner)) {
		throw notFoundBefore(id);
	}
	const deployment = deps.config.current().deployments.get(owner.deploymentId);
	if (deployment !== undefined && !keepsResponses(deployment)) {
		// Made there, but nobody has kept it: `store: false`, or its time is over.
		throw notFoundBefore(id);
	}
	return owner.deploymentId;
}

function notFoundBefore(id: string): GatewayError {
	return notFound(
		`Previous response with id '${id.slice(0, 100)}' not found.`,
		"previous_response_not_found",
		"previous_response_id",
	);
}

function nothingLeft(excluded: readonly Exclusion[], admitted: Admitted, deps: GatewayDeps): GatewayError {
	const alias = admitted.alias.name;
	const reasons = new Set(excluded.map((exclusion) => exclusion.reason));
	if (reasons.has("cooling")) {
		const recoveries = excluded.map(
			({ deployment }) => deps.routing.health.view(deployment.id).availableAtMs ?? Number.POSITIVE_INFINITY,
		);
		return upstreamBusy(alias, Math.min(...recoveries) - deps.runtime.clock.now());
	}
	if (reasons.has("unpriced")) {
		return forbidden(
			`The price of the model behind '${alias}' is unknown, and this key or its team has a budget. Set \`price\` on the deployment in config.yaml.`,
			"price_unknown",
		);
	}
	if (reasons.has("context")) {
		return badRequest(
			`The prompt is longer than any model behind '${alias}' can read.`,
			"messages",
			"context_length_exceeded",
		);
	}
	if (reasons.has("disabled")) {
		return new GatewayError({
			status: 503,
			type: "service_unavailable",
			message: `Every deployment of '${alias}' that could serve this request has been taken out of rotation.`,
			code: "no_deployment",
		});
	}
	return notFound(
		`The deployment that made the previous response no longer serves '${alias}'.`,
		"previous_response_not_found",
		"previous_response_id",
	);
}

/** 429 `upstream`: every provider that could answer asked to be left alone for a while. */
export function upstreamBusy(alias: string, retryAfterMs: number): GatewayError {
	return new GatewayError({
		status: 429,
		type: "rate_limit_exceeded",
		message: `Every provider behind '${alias}' is limiting its rate.`,
		code: "rate_limit_exceeded",
		kind: "upstream",
		retryAfterSeconds: wholeSeconds(retryAfterMs),
		headers: { "x-should-retry": "false" },
	});
}
