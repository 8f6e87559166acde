import type { NanoUsd } from "../lib/money.ts";

/** What a team may use, all its keys together; undefined = unlimited. */
export interface TeamLimits {
	readonly rpm: number | undefined;
	/** Tokens a minute, prompt and completion together. */
	readonly tpm: number | undefined;
	/** For one calendar month, UTC. */
	readonly monthlyBudgetNano: NanoUsd | undefined;
	readonly maxParallelRequests: number | undefined;
}

/**
 * What an administrator has set for a team. It wins over config.yaml, limit by limit: a number is the limit, null lifts
 * it whatever the file says, and a limit that is absent is the file's.
 */
export type TeamOverrides = { readonly [Limit in keyof TeamLimits]?: number | null };

/** Teams and their limits, looked up at each request. A team is a name that keys bear: it need not be made first. */
export interface TeamDirectory {
	/** The limits in force. */
	limitsOf(team: string): TeamLimits;
	/** What an administrator has set; undefined = nothing. */
	overridesOf(team: string): TeamOverrides | undefined;
	/** What config.yaml says; undefined = nothing. */
	configuredFor(team: string): TeamLimits | undefined;
	/**
	 * Reads again what another process may have changed, and what an earlier call could not: in force when the promise
	 * resolves. Rejects when the database does not answer.
	 */
	reload(teams: readonly string[]): Promise<void>;
	/**
	 * Replaces all that an administrator has set. In force before the promise resolves, and kept over restarts.
	 * @throws GatewayError 503 when the database does not take the change; the limits then stay as they were.
	 */
	set(team: string, overrides: TeamOverrides): Promise<void>;
}
