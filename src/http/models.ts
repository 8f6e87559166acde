import { Elysia } from "elysia";
import type { Alias } from "../config/types.ts";
import { OPERATIONS } from "../dialects/types.ts";
import { allowedAlias, mayUse } from "../gateway/admit.ts";
import { unroutedHeaders } from "../gateway/answer-headers.ts";
import { authenticate } from "../gateway/authenticate.ts";
import { budgetRemaining } from "../gateway/budget-remaining.ts";
import { serves } from "../gateway/spoken.ts";
import type { GatewayDeps } from "../gateway/types.ts";
import type { KeyRecord } from "../keys/types.ts";
import { newRequestId } from "../lib/ids.ts";
import { formatUsd } from "../lib/money.ts";
import { methodNotAllowed } from "./errors.ts";

/** Aliases have no birthday: the same one for all keeps answers stable. 2026-01-01. */
const CREATED_SECONDS = 1_767_225_600;

/** `GET /v1/models`: the aliases this key may use, with what is known of the models behind them. */
export function modelRoutes(deps: Pick<GatewayDeps, "accounts" | "config" | "authentication" | "dialects">) {
	const { accounts, config, authentication, dialects } = deps;
	const headersFor = (principal: KeyRecord) =>
		unroutedHeaders(newRequestId(), "gateway-llm/models", budgetRemaining(principal, accounts));
	return new Elysia({ name: "models" })
		.get("/v1/models", async ({ request, server, set }) => {
			const principal = await authenticate(request.headers, () => server?.requestIP(request)?.address, authentication);
			Object.assign(set.headers, headersFor(principal));
			const aliases = [...config.current().aliases.values()].filter((alias) => mayUse(principal, alias.name));
			return { object: "list", data: aliases.map((alias) => toModel(alias, dialects)) };
		})
		.get("/v1/models/*", async ({ request, server, params, set }) => {
			const principal = await authenticate(request.headers, () => server?.requestIP(request)?.address, authentication);
			Object.assign(set.headers, headersFor(principal));
			return toModel(allowedAlias(config.current(), principal, decoded(params["*"])), dialects);
		})
		.all("/v1/models", methodNotAllowed(["GET"]), { parse: "none" })
		.all("/v1/models/*", methodNotAllowed(["GET"]), { parse: "none" });
}

/** Elysia leaves a wildcard as it was sent; SDKs encode the slash of an alias such as `openai/gpt-oss-120b`. */
function decoded(path: string): string {
	try {
		return decodeURIComponent(path);
	} catch {
		// Not an encoding of anything, so not a name that exists: looked up as it is.
		return path;
	}
}

function toModel(alias: Alias, dialects: GatewayDeps["dialects"]) {
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
		operations: OPERATIONS.filter((operation) =>
			deployments.some((one) => serves(one, operation, dialects)),
		).toSorted(),
	};
}
