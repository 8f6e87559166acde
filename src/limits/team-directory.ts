import type { ConfigSource } from "../config/types.ts";
import type { Clock } from "../lib/clock.ts";
import { createSerial } from "../lib/serial.ts";
import { saved } from "../store/saved.ts";
import type { TeamStore } from "../store/types.ts";
import type { TeamDirectory, TeamLimits, TeamOverrides } from "./team-types.ts";

export interface TeamDirectoryDeps {
	readonly store: TeamStore;
	readonly config: ConfigSource;
	readonly clock: Clock;
}

const UNLIMITED: TeamLimits = {
	rpm: undefined,
	tpm: undefined,
	monthlyBudgetNano: undefined,
	maxParallelRequests: undefined,
};

/** Loads what administrators have set: from then on a team's limits are looked up in memory. */
export async function createTeamDirectory({ store, config, clock }: TeamDirectoryDeps): Promise<TeamDirectory> {
	const overrides = new Map(await store.all());
	const inOrder = createSerial();
	const configuredFor = (team: string) => config.current().teamBudgets.get(team);
	return {
		limitsOf(team) {
			const configured = configuredFor(team) ?? UNLIMITED;
			const own = overrides.get(team);
			return own === undefined ? configured : merged(own, configured);
		},
		overridesOf: (team) => overrides.get(team),
		configuredFor,
		set(team, given) {
			return inOrder(async () => {
				await saved("The team's limits were not changed", () => store.set(team, given, clock.now()));
				if (Object.keys(given).length === 0) {
					overrides.delete(team);
				} else {
					overrides.set(team, given);
				}
			});
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
