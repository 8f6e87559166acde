import { badRequest, forbidden, GatewayError, notFound, wholeSeconds } from "../lib/errors.ts";
import type { ExclusionReason } from "../routing/types.ts";
import type { Admitted, Exclusion, GatewayDeps } from "./types.ts";

const ABILITY_WORDS: Readonly<Partial<Record<ExclusionReason, string>>> = {
	tools: "tools",
	images: "images",
	audio: "audio input",
	json_schema: "answers that keep to a JSON schema",
};

/** What the client is told when no deployment may serve its request. What time will mend comes before what it will not. */
export function nothingLeft(excluded: readonly Exclusion[], admitted: Admitted, deps: GatewayDeps): GatewayError {
	const alias = admitted.alias.name;
	const reasons = new Set(excluded.map((exclusion) => exclusion.reason));
	const waiting = excluded.filter(({ reason }) => reason === "cooling" || reason === "breaker_open");
	if (waiting.length > 0) {
		const nowMs = deps.runtime.clock.now();
		const recoveries = waiting.map(({ deployment }) => deps.routing.health.view(deployment.id).availableAtMs ?? nowMs);
		const retryAfterMs = Math.max(1, Math.min(...recoveries) - nowMs);
		return reasons.has("breaker_open") ? allFailing(alias, retryAfterMs) : upstreamBusy(alias, retryAfterMs);
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
	const lacking = excluded.flatMap(({ reason }) => ABILITY_WORDS[reason] ?? []);
	if (lacking.length > 0) {
		const words = [...new Set(lacking)].join(" and ");
		return badRequest(`No model behind '${alias}' supports ${words}.`, "model", "unsupported_feature");
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

/** 503 `upstream`: at least one provider that could answer has been failing, and nobody else is left; nobody was asked. */
function allFailing(alias: string, retryAfterMs: number): GatewayError {
	const seconds = wholeSeconds(retryAfterMs);
	return new GatewayError({
		status: 503,
		type: "service_unavailable",
		message: `Every provider behind '${alias}' has been failing. Try again in ${seconds} s.`,
		code: "upstream_unavailable",
		kind: "upstream",
		retryAfterSeconds: seconds,
		headers: { "x-should-retry": "false" },
	});
}
