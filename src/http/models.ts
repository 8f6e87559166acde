import { Elysia } from "elysia";
import type { Alias, Snapshot } from "../config/types.ts";
import { allowedAlias, mayUse } from "../gateway/admit.ts";
import { authenticate } from "../gateway/authenticate.ts";
import type { GatewayDeps } from "../gateway/types.ts";
import { newRequestId } from "../lib/ids.ts";
import { formatUsd } from "../lib/money.ts";
import { methodNotAllowed } from "./errors.ts";

/** Aliases have no birthday: the same one for all keeps answers stable. 2026-01-01. */
const CREATED_SECONDS = 1_767_225_600;

/** `GET /v1/models`: the aliases this key may use, with what is known of the models behind them. */
export function modelRoutes(deps: Pick<GatewayDeps, "config" | "authentication">) {
	const principalOf = (request: Request) => authenticate(request.headers, () => undefined, deps.authentication);
	return new Elysia({ name: "models" })
		.get("/v1/models", ({ request, set }) => {
			const principal = principalOf(request);
			set.headers["x-request-id"] = newRequestId();
			const aliases = [...deps.config.current().aliases.values()].filter((alias) => mayUse(principal, alias.name));
			return { object: "list", data: aliases.map(toModel) };
		})
		.get("/v1/models/*", ({ request, params, set }) => {
			const principal = principalOf(request);
			set.headers["x-request-id"] = newRequestId();
			return toModel(allowedAlias(deps.config.current(), principal, params["*"]));
		})
		.all("/v1/models", methodNotAllowed(["GET"]), { parse: "none" })
		.all("/v1/models/*", methodNotAllowed(["GET"]), { parse: "none" });
}

function toModel(alias: Snapshot["aliases"] extends ReadonlyMap<string, infer Value> ? Value : Alias) {
	const { deployments } = alias;
	const least = (values: readonly (number | undefined)[]) => {
		const known = values.filter((value) => value !== undefined);
		return known.length === 0 ? null : Math.min(...known);
	};
	const prices = deployments.flatMap((deployment) => deployment.price ?? []);
	const dearest = prices.toSorted((a, b) => b.base.outputPerMillion - a.base.outputPerMillion)[0];
	return {
		id: alias.name,
		object: "model",
		created: CREATED_SECONDS,
		owned_by: "gateway-llm",
		// An alias promises what the least of its deployments can do, at the price of the dearest.
		context_length: least(deployments.map((deployment) => deployment.maxContextTokens)),
		max_output_tokens: least(deployments.map((deployment) => deployment.maxOutputTokens)),
		pricing:
			dearest === undefined
				? null
				: {
						input_per_million_usd: formatUsd(dearest.base.inputPerMillion),
						output_per_million_usd: formatUsd(dearest.base.outputPerMillion),
					},
		operations: [...new Set(deployments.flatMap((deployment) => Object.keys(deployment.provider.operations)))].sort(),
	};
}
