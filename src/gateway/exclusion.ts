import type { Deployment } from "../config/types.ts";
import type { Needs } from "../dialects/types.ts";
import { pricesQuantities } from "../metering/cost.ts";
import type { Ability } from "../metering/types.ts";
import type { ExclusionReason } from "../routing/types.ts";
import { serves } from "./spoken.ts";
import type { Admitted, GatewayDeps } from "./types.ts";

/** Prompt counts are upper bounds: only a prompt that is clearly too long is kept away from a model. */
const CONTEXT_MARGIN = 1.3;

/**
 * Why a deployment is passed over for a request; undefined = it may serve it. What never changes is looked at first, so
 * that "cooling" and "breaker_open" are only said of deployments that could serve it at another time.
 * @param pinned The one deployment that can go on from what the request names.
 */
export function exclusion(
	deployment: Deployment,
	admitted: Admitted,
	pinned: string | undefined,
	deps: GatewayDeps,
): ExclusionReason | undefined {
	if (pinned !== undefined && deployment.id !== pinned) {
		return "pinned";
	}
	if (!serves(deployment, admitted.ingress.operation, deps.dialects)) {
		return "operation";
	}
	if (!deps.routing.isEnabled(deployment.id)) {
		return "disabled";
	}
	const missing = deployment.supports && missingAbility(deployment.supports, admitted.envelope.needs);
	if (missing !== undefined) {
		return missing;
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
	switch (deps.routing.health.standing(deployment.id)) {
		case "available":
			return undefined;
		case "cooling":
			return "cooling";
		case "failing":
			return "breaker_open";
	}
}

function missingAbility(supports: readonly Ability[], needs: Needs): Ability | undefined {
	const asked: readonly (readonly [Ability, boolean])[] = [
		["tools", needs.tools],
		["images", needs.images],
		["audio", needs.audio],
		["json_schema", needs.jsonSchema],
	];
	return asked.find(([ability, isNeeded]) => isNeeded && !supports.includes(ability))?.[0];
}

/** Whether a price is known for what this request will be billed by: tokens, images, characters. */
function isPriced(deployment: Deployment, admitted: Admitted): boolean {
	return deployment.price !== undefined && pricesQuantities(admitted.envelope.quantities, deployment.price);
}
