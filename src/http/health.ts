import { Elysia } from "elysia";
import type { ConfigSource } from "../config/types.ts";
import type { HealthBook } from "../routing/types.ts";
import { methodNotAllowed } from "./errors.ts";

export interface HealthDeps {
	readonly config: ConfigSource;
	readonly health: HealthBook;
	readonly storeReady: () => Promise<boolean>;
	readonly ledgerHealthy: () => boolean;
	readonly isDraining: () => boolean;
	readonly isEnabled: (deploymentId: string) => boolean;
}

/** `/health`: the process answers. `/health/ready`: it should be given traffic. States only, no names, no detail. */
export function healthRoutes(deps: HealthDeps) {
	return new Elysia({ name: "health" })
		.get("/health", () => ({ status: "ok" }))
		.get("/health/ready", async ({ set }) => {
			const store = await deps.storeReady();
			const ledger = deps.ledgerHealthy();
			const draining = deps.isDraining();
			const deployments = [...deps.config.current().deployments.keys()];
			const usable = deployments.filter((id) => deps.isEnabled(id) && deps.health.available(id)).length;
			const ready = store && ledger && !draining;
			set.status = ready ? 200 : 503;
			return {
				status: draining ? "draining" : ready ? "ready" : "not_ready",
				store: store ? "ok" : "unavailable",
				ledger: ledger ? "ok" : "unavailable",
				redis: "off",
				deployments: { configured: deployments.length, usable },
			};
		})
		.all("/health", methodNotAllowed(["GET"]), { parse: "none" })
		.all("/health/ready", methodNotAllowed(["GET"]), { parse: "none" });
}
