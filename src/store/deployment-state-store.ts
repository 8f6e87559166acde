import { eq } from "drizzle-orm";
import type { Db } from "./db.ts";
import type { Recorded } from "./recorded.ts";
import type { Tables } from "./tables.ts";
import type { DeploymentStateStore } from "./types.ts";

export interface DeploymentStateStoreDeps {
	readonly db: Db;
	readonly tables: Tables;
	readonly recorded: Recorded;
}

export function createDeploymentStateStore({
	db,
	tables: { deploymentStates },
	recorded,
}: DeploymentStateStoreDeps): DeploymentStateStore {
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
			await recorded({ kind: "deployment", id: deploymentId }, (tx) =>
				tx
					.insert(deploymentStates)
					.values({ deploymentId, ...state })
					.onConflictDoUpdate({ target: deploymentStates.deploymentId, set: state })
					.returning({ id: deploymentStates.deploymentId }),
			);
		},
	};
}
