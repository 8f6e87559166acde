import type { Clock } from "../lib/clock.ts";
import { createMirror } from "../lib/mirror.ts";
import type { DeploymentStateStore } from "../store/types.ts";

/** Which deployments an administrator has taken out of rotation. Read on every request, so it lives in memory. */
export interface Rotation {
	/** Reads what was persisted. Before it has run, every deployment counts as enabled. */
	load(): Promise<void>;
	/**
	 * Reads again what another process may have changed, and what an earlier call could not: in force when the promise
	 * resolves. Rejects when the database does not answer.
	 */
	reload(deploymentIds: readonly string[]): Promise<void>;
	isEnabled(deploymentId: string): boolean;
	/** In force, and on disk, once the promise has resolved. Rejects, changing nothing, when it cannot be stored. */
	setEnabled(deploymentId: string, enabled: boolean): Promise<void>;
}

/**
 * A rotation over the store. Deployments that are no longer configured keep their state: their ids are derived from
 * the configuration, so one that comes back is still the one that was disabled.
 */
export function createRotation({
	states,
	clock,
	onChanged = () => {},
}: {
	readonly states: DeploymentStateStore;
	readonly clock: Clock;
	/** Called after each change that is on disk: others may want to know. */
	readonly onChanged?: (() => void) | undefined;
}): Rotation {
	const disabled = createMirror(async () => new Map([...(await states.disabled())].map((id) => [id, true])));
	return {
		load: disabled.load,
		reload: disabled.reload,
		isEnabled: (deploymentId) => !disabled.current().has(deploymentId),
		async setEnabled(deploymentId, enabled) {
			await disabled.set(deploymentId, enabled ? undefined : true, () =>
				states.setEnabled(deploymentId, enabled, clock.now()),
			);
			onChanged();
		},
	};
}
