import { eq } from "drizzle-orm";
import type { Db } from "./db.ts";
import type { Recorded } from "./recorded.ts";
import type { Tables } from "./tables.ts";
import type { TeamStore } from "./types.ts";

export interface TeamStoreDeps {
	readonly db: Db;
	readonly tables: Tables;
	readonly recorded: Recorded;
}

export function createTeamStore({ db, tables: { teams }, recorded }: TeamStoreDeps): TeamStore {
	return {
		async all() {
			const rows = await db.select().from(teams);
			return new Map(rows.map(({ team, limits }) => [team, limits]));
		},

		async set(team, limits, changedAt) {
			const row = { limits, changedAt };
			const written = { team: teams.team };
			await recorded({ kind: "team", id: team }, (tx) =>
				Object.keys(limits).length === 0
					? tx.delete(teams).where(eq(teams.team, team)).returning(written)
					: tx
							.insert(teams)
							.values({ team, ...row })
							.onConflictDoUpdate({ target: teams.team, set: row })
							.returning(written),
			);
		},
	};
}
