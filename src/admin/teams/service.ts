import type { z } from "zod";
import type { KeyDirectory } from "../../keys/types.ts";
import { notFound } from "../../lib/errors.ts";
import type { JsonObject } from "../../lib/json-types.ts";
import { formatUsd } from "../../lib/money.ts";
import { teamSubject } from "../../limits/subjects.ts";
import type { TeamDirectory, TeamLimits, TeamOverrides } from "../../limits/team-types.ts";
import { parseInput } from "../input.ts";
import { type LimitUsageDeps, limitUsage } from "../limit-usage.ts";
import { type TeamLimitsInput, teamLimitsSchema, teamNameSchema, type teamSchema } from "./schema.ts";

export interface TeamServiceDeps extends LimitUsageDeps {
	readonly teams: TeamDirectory;
	readonly keys: Pick<KeyDirectory, "list">;
}

/**
 * Limits of whole teams, for administrators. A team is a name: one that keys bear, that has limits, or that has spent
 * something this month is known; limits may be set for one that no key bears yet.
 * @throws GatewayError 400 naming the field, 404 `team_not_found`.
 */
export function createTeamService({ teams, keys, limiter, budgets }: TeamServiceDeps) {
	async function toApi(team: string): Promise<z.output<typeof teamSchema>> {
		const limits = teams.limitsOf(team);
		const sourceOf = (name: keyof TeamLimits) =>
			teams.overridesOf(team)?.[name] !== undefined
				? ("api" as const)
				: teams.configuredFor(team)?.[name] === undefined
					? null
					: ("config" as const);
		return {
			team,
			rpm: limits.rpm ?? null,
			tpm: limits.tpm ?? null,
			monthly_budget_usd: limits.monthlyBudgetNano === undefined ? null : Number(formatUsd(limits.monthlyBudgetNano)),
			max_parallel_requests: limits.maxParallelRequests ?? null,
			sources: {
				rpm: sourceOf("rpm"),
				tpm: sourceOf("tpm"),
				monthly_budget_usd: sourceOf("monthlyBudgetNano"),
				max_parallel_requests: sourceOf("maxParallelRequests"),
			},
			usage: await limitUsage(teamSubject(team, limits), limits.monthlyBudgetNano, { limiter, budgets }),
		};
	}

	async function isKnown(team: string): Promise<boolean> {
		if (teams.overridesOf(team) !== undefined || teams.configuredFor(team) !== undefined) {
			return true;
		}
		const { spentNano, reservedNano } = await budgets.levels(`team:${team}`);
		if (spentNano > 0 || reservedNano > 0) {
			return true;
		}
		const { keys: members } = await keys.list({ after: undefined, limit: 1, team, name: undefined });
		return members.length > 0;
	}

	return {
		async inspect(team: string): Promise<z.output<typeof teamSchema>> {
			const isName = teamNameSchema.safeParse({ team }).success;
			if (isName) {
				// Another instance may have set its limits just now. Without the database, what is in force here is told.
				await teams.reload([team]).catch(() => {});
			}
			if (!isName || !(await isKnown(team))) {
				throw notFound(
					"There is no such team: no key bears this name, and no limits are set for it.",
					"team_not_found",
				);
			}
			return toApi(team);
		},

		async replace(team: string, body: JsonObject): Promise<z.output<typeof teamSchema>> {
			parseInput(teamNameSchema, { team });
			await teams.set(team, toOverrides(parseInput(teamLimitsSchema, body)));
			return toApi(team);
		},
	};
}

/** Only the fields that were sent. */
function toOverrides(input: TeamLimitsInput): TeamOverrides {
	return {
		...(input.rpm === undefined ? {} : { rpm: input.rpm }),
		...(input.tpm === undefined ? {} : { tpm: input.tpm }),
		...(input.monthly_budget_usd === undefined ? {} : { monthlyBudgetNano: input.monthly_budget_usd }),
		...(input.max_parallel_requests === undefined ? {} : { maxParallelRequests: input.max_parallel_requests }),
	};
}
