import type { ConfigSource } from "../config/types.ts";
import type { Clock } from "../lib/clock.ts";
import { createMirror } from "../lib/mirror.ts";
import { saved } from "../store/saved.ts";
import type { TeamStore } from "../store/types.ts";
import type { TeamDirectory, TeamLimits, TeamOverrides } from "./team-types.ts";

export interface TeamDirectoryDeps {
	readonly store: TeamStore;
	readonly config: ConfigSource;
	readonly clock: Clock;
	/** Called after each change that is on disk: others may want to know. */
	readonly onChanged?: (() => void) | undefined;
}

const UNLIMITED: TeamLimits = {
	rpm: undefined,
	tpm: undefined,
	monthlyBudgetNano: undefined,
	maxParallelRequests: undefined,
};

/** Loads what administrators have set: from then on a team's limits are looked up in memory. */
export async function createTeamDirectory(deps: TeamDirectoryDeps): Promise<TeamDirectory> {
	const { store, config, clock, onChanged = () => {} } = deps;
	const overrides = createMirror(() => store.all());
	await overrides.load();
	const configuredFor = (team: string) => config.current().teamBudgets.get(team);
	return {
		limitsOf(team) {
			const configured = configuredFor(team) ?? UNLIMITED;
			const own = overrides.current().get(team);
			return own === undefined ? configured : merged(own, configured);
		},
		overridesOf: (team) => overrides.current().get(team),
		configuredFor,
		reload: overrides.reload,
		async set(team, given) {
			const value = Object.keys(given).length === 0 ? undefined : given;
			await overrides.set(team, value, () =>
				saved("The team's limits were not changed", () => store.set(team, given, clock.now())),
			);
			onChanged();
		},
	};
}

function merged(own: TeamOverrides, configured: TeamLimits): TeamLimits {
	const limit = (name: keyof TeamLimits) => (own[name] === undefined ? configured[name] : (own[name] ?? undefined));
	return {
		rpm: limit("rpm"),
		tpm: limit("tpm"),
		monthlyBudgetNano: limit("monthlyBudgetNano"),
		maxParallelRequests: limit("maxParallelRequests"),
	};
}
