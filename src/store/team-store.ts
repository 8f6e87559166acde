import { eq } from "drizzle-orm";
import type { Db } from "./db.ts";
import type { Tables } from "./tables.ts";
import type { TeamStore } from "./types.ts";

export function createTeamStore({ db, tables: { teams } }: { readonly db: Db; readonly tables: Tables }): TeamStore {
	return {
		async all() {
			const rows = await db.select().from(teams);
			return new Map(rows.map(({ team, limits }) => [team, limits]));
		},

		async set(team, limits, changedAt) {
			if (Object.keys(limits).length === 0) {
				await db.delete(teams).where(eq(teams.team, team));
				return;
			}
			const row = { limits, changedAt };
			await db
				.insert(teams)
				.values({ team, ...row })
				.onConflictDoUpdate({ target: teams.team, set: row });
		},
	};
}
