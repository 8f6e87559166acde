import { eq } from "drizzle-orm";
import type { Db } from "./db.ts";
import type { Tables } from "./tables.ts";
import type { DeploymentStateStore } from "./types.ts";

export function createDeploymentStateStore({
	db,
	tables: { deploymentStates },
}: {
	readonly db: Db;
	readonly tables: Tables;
}): DeploymentStateStore {
	return {
		async disabled() {
			const rows = await db
				.select({ id: deploymentStates.deploymentId })
				.from(deploymentStates)
				.where(eq(deploymentStates.enabled, false));
			return new Set(rows.map(({ id }) => id));
		},

		async setEnabled(deploymentId, enabled, atMs) {
			const state = { enabled, changedAt: atMs };
			await db
				.insert(deploymentStates)
				.values({ deploymentId, ...state })
				.onConflictDoUpdate({ target: deploymentStates.deploymentId, set: state });
		},
	};
}
