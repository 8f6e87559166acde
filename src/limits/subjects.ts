import type { KeyRecord } from "../keys/types.ts";
import type { TeamDirectory, TeamLimits } from "./team-types.ts";
import type { Budget, LimitSubject } from "./types.ts";

type Limited = Pick<KeyRecord, "id" | "team" | "rpm" | "tpm" | "monthlyBudgetNano" | "maxParallelRequests">;
type Teams = Pick<TeamDirectory, "limitsOf">;

export function keySubject(key: Limited): LimitSubject {
	return { id: `key:${key.id}`, rpm: key.rpm, tpm: key.tpm, parallel: key.maxParallelRequests };
}

export function teamSubject(team: string, limits: TeamLimits): LimitSubject {
	return { id: `team:${team}`, rpm: limits.rpm, tpm: limits.tpm, parallel: limits.maxParallelRequests };
}

/**
 * Whose limits a request of this key takes from: the key's, then its team's. A team without limits is counted too, so
 * that its usage is known and a limit set later finds what is running.
 */
export function subjectsOf(key: Limited, teams: Teams): readonly LimitSubject[] {
	return key.team === undefined
		? [keySubject(key)]
		: [keySubject(key), teamSubject(key.team, teams.limitsOf(key.team))];
}

/** The budgets that a request of this key must fit into, at this moment: the key's, then its team's. */
export function budgetsOf(key: Limited, teams: Teams): readonly Budget[] {
	const budgets: Budget[] = [];
	if (key.monthlyBudgetNano !== undefined) {
		budgets.push({ subject: `key:${key.id}`, limitNano: key.monthlyBudgetNano });
	}
	const teamNano = key.team === undefined ? undefined : teams.limitsOf(key.team).monthlyBudgetNano;
	if (teamNano !== undefined) {
		budgets.push({ subject: `team:${key.team}`, limitNano: teamNano });
	}
	return budgets;
}
