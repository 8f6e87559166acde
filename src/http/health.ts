import { Elysia } from "elysia";
import type { Snapshot } from "../config/types.ts";
import type { HealthBook } from "../routing/types.ts";
import type { StateSources } from "../telemetry/metrics-sources.ts";
import { methodNotAllowed } from "./errors.ts";
import type { StoreProbe } from "./store-probe.ts";

export interface HealthDeps {
	readonly config: { current(): Pick<Snapshot, "deployments"> };
	readonly health: HealthBook;
	readonly storeReady: StoreProbe;
	readonly ledgerHealthy: () => boolean;
	readonly isDraining: () => boolean;
	readonly isEnabled: (deploymentId: string) => boolean;
	readonly sources: Pick<StateSources, "redis" | "instances" | "outboxRows">;
}

/** `/health`: the process answers. `/health/ready`: it should be given traffic. States only, no names, no detail. */
export function healthRoutes(deps: HealthDeps) {
	return new Elysia({ name: "health" })
		.get("/health", () => ({ status: "ok" }))
		.get("/health/ready", async ({ set }) => {
			const readiness = readinessOf(deps, await deps.storeReady());
			set.status = readiness.status === "ready" ? 200 : 503;
			return readiness;
		})
		.all("/health", methodNotAllowed(["GET"]), { parse: "none" })
		.all("/health/ready", methodNotAllowed(["GET"]), { parse: "none" });
}

/**
 * An instance that knows its keys and records spend durably is ready. A shared database that is away does not change
 * that while the outbox takes rows: it is away for all instances at once, and none would be left to answer. Nor does
 * Redis, without which limits hold by each instance's part.
 */
function readinessOf(deps: HealthDeps, storeAnswers: boolean) {
	const ledger = deps.ledgerHealthy();
	const draining = deps.isDraining();
	const outboxRows = deps.sources.outboxRows?.();
	const store = storeAnswers ? "ok" : ledger && outboxRows !== undefined ? "degraded" : "unavailable";
	const ready = store !== "unavailable" && ledger && !draining;
	const deployments = [...deps.config.current().deployments.keys()];
	return {
		status: draining ? "draining" : ready ? "ready" : "not_ready",
		store,
		ledger: ledger ? "ok" : "unavailable",
		redis: deps.sources.redis?.() ?? "off",
		instances: deps.sources.instances?.() ?? 1,
		...(outboxRows === undefined ? {} : { outbox_rows: outboxRows }),
		deployments: {
			configured: deployments.length,
			usable: deployments.filter((id) => deps.isEnabled(id) && deps.health.standing(id) === "available").length,
		},
	};
}
