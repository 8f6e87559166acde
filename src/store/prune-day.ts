import type { Database } from "bun:sqlite";
import { getTableColumns } from "drizzle-orm";
import { addFigures, FIGURES, noFigures } from "./day-sums.ts";
import type { Housekeeping } from "./housekeeping-types.ts";
import type { LedgerRows } from "./ledger-rows.ts";
import type { Tables } from "./tables.ts";

/**
 * Deletes rows of the ledger and adds them to `pruned_days`, in one transaction: whenever the process dies, the daily sums
 * are still those of the rows there are and of the rows that went.
 */
export function createPruneDay({
	client,
	tables,
	rows,
	onCommit,
}: {
	readonly client: Database;
	readonly tables: Tables;
	readonly rows: LedgerRows;
	readonly onCommit: () => void;
}): Housekeeping["pruneDay"] {
	const remove = client.prepare("delete from attempts where request_id = ? and attempt = ? and settled_at is not null");
	const add = client.prepare(prunedUpsert(tables));

	const prune = client.transaction(
		(...[day, from, { rowsMax, ownersSinceMs }]: Parameters<Housekeeping["pruneDay"]>) => {
			const seen = rows.slice(day, from, rowsMax);
			const sum = noFigures();
			let deleted = 0;
			for (const row of seen) {
				const isNeeded = row.objectId !== null && row.openedAt >= ownersSinceMs;
				const cell = isNeeded || rows.hasLater(row) ? undefined : rows.cellOf(row);
				if (cell !== undefined) {
					addFigures(sum, cell);
					deleted += remove.run(row.requestId, row.attempt).changes;
				}
			}
			if (deleted > 0) {
				add.run(day, deleted, ...FIGURES.map((name) => sum[name]));
			}
			return { deleted, next: seen.length < rowsMax ? undefined : seen.at(-1) };
		},
	);

	return async (day, from, bounds) => {
		const result = prune.immediate(day, from, bounds);
		if (result.deleted > 0) {
			onCommit();
		}
		return result;
	};
}

/** Bound by position: the day, the rows, then the figures in their order. */
function prunedUpsert({ prunedDays }: Tables): string {
	const columns = getTableColumns(prunedDays);
	const names = (["attempts", ...FIGURES] as const).map((name) => columns[name].name);
	const set = names.map((name) => `${name} = ${name} + excluded.${name}`).join(", ");
	return `insert into pruned_days (day, ${names.join(", ")}) values (?${", ?".repeat(names.length)}) on conflict (day) do update set ${set}`;
}
