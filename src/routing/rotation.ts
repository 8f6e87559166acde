import type { Clock } from "../lib/clock.ts";
import type { DeploymentStateStore } from "../store/types.ts";

/** Which deployments an administrator has taken out of rotation. Read on every request, so it lives in memory. */
export interface Rotation {
	/** Reads what was persisted. Before it has run, every deployment counts as enabled. */
	load(): Promise<void>;
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
}: {
	readonly states: DeploymentStateStore;
	readonly clock: Clock;
}): Rotation {
	let disabled = new Set<string>();
	// One change at a time, so that memory and disk agree on which of two opposite orders came last.
	let lastChange: Promise<void> = Promise.resolve();

	async function change(deploymentId: string, enabled: boolean): Promise<void> {
		await states.setEnabled(deploymentId, enabled, clock.now());
		if (enabled) {
			disabled.delete(deploymentId);
		} else {
			disabled.add(deploymentId);
		}
	}

	return {
		async load() {
			disabled = new Set(await states.disabled());
		},
		isEnabled: (deploymentId) => !disabled.has(deploymentId),
		setEnabled(deploymentId, enabled) {
			const changed = lastChange.then(() => change(deploymentId, enabled));
			// A change that failed has told its own caller; the next one starts afresh.
			lastChange = changed.catch(() => undefined);
			return changed;
		},
	};
}
