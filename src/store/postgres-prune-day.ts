import { and, getTableColumns, isNotNull, type SQL, sql } from "drizzle-orm";
import { addFigures, FIGURES, type Figure, type Figures, noFigures } from "./day-sums.ts";
import type { Db } from "./db.ts";
import type { Housekeeping } from "./housekeeping-types.ts";
import type { LedgerRow } from "./ledger-rows.ts";
import { type LedgerSlice, sliceOfDay } from "./postgres-ledger-rows.ts";
import type { Tables } from "./tables.ts";
import { rowsOf, run, type Steps, type Transact } from "./transact.ts";

/** One instance at a time: two that delete the same rows would wait for each other, and for nothing. "GWLP". */
const ADVISORY_LOCK = 0x47574c50;

type PruneDay = Housekeeping["pruneDay"];

/**
 * Deletes rows of the ledger and adds them to `pruned_days`, in one transaction: whenever an instance or the server dies,
 * the daily sums are still those of the rows there are and of the rows that went.
 */
export function createPostgresPruneDay(transact: Transact, tables: Tables): PruneDay {
	function* prune(db: Db, ...[day, from, bounds]: Parameters<PruneDay>): Steps<Awaited<ReturnType<PruneDay>>> {
		yield* run(db.select({ locked: sql`pg_advisory_xact_lock(${ADVISORY_LOCK})::text` }).from(sql`(select 1) as one`));
		const slice = yield* sliceOfDay(db, tables, { day, from, rowsMax: bounds.rowsMax });
		const doomed = idle(slice, bounds.ownersSinceMs);
		if (doomed.length > 0) {
			const gone = new Set((yield* remove(db, tables, doomed)).map(nameOf));
			const sum = noFigures();
			for (const row of doomed) {
				const cell = gone.has(nameOf(row)) ? slice.cellOf(row) : undefined;
				if (cell !== undefined) {
					addFigures(sum, cell);
				}
			}
			yield* addPruned(db, tables, { day, attempts: gone.size, sum });
			return { deleted: gone.size, next: nextOf(slice, bounds.rowsMax) };
		}
		return { deleted: 0, next: nextOf(slice, bounds.rowsMax) };
	}

	return (...args) => transact((db) => prune(db, ...args));
}

function nextOf({ rows }: LedgerSlice, rowsMax: number) {
	return rows.length < rowsMax ? undefined : rows.at(-1);
}

/** Rows that nobody needs: settled, not the maker of a young object, and without a later attempt that stays. */
function idle(slice: LedgerSlice, ownersSinceMs: number): readonly LedgerRow[] {
	const left = new Map<string, Set<number>>();
	return slice.rows.filter((row) => {
		const attempts = left.get(row.requestId) ?? new Set(slice.attemptsOf(row.requestId));
		left.set(row.requestId, attempts);
		const isMaker = row.objectId !== null && row.openedAt >= ownersSinceMs;
		const hasLater = Math.max(...attempts) > row.attempt;
		if (row.settledAt === null || isMaker || hasLater) {
			return false;
		}
		attempts.delete(row.attempt);
		return true;
	});
}

function remove(db: Db, { attempts }: Tables, rows: readonly LedgerRow[]) {
	const { requestId, attempt } = attempts;
	const names = rows.map((row) => sql`(${row.requestId}, ${row.attempt}::bigint)`);
	return rowsOf(
		db
			.delete(attempts)
			.where(and(sql`(${requestId}, ${attempt}) in (${sql.join(names, sql`, `)})`, isNotNull(attempts.settledAt)))
			.returning({ requestId, attempt }),
	);
}

function addPruned(
	db: Db,
	{ prunedDays }: Tables,
	{ day, attempts, sum }: { readonly day: number; readonly attempts: number; readonly sum: Figures },
) {
	const columns = getTableColumns(prunedDays);
	const names = ["attempts", ...FIGURES] as const;
	const set = names.map((name) => [name, sql`${columns[name]} + excluded.${sql.identifier(columns[name].name)}`]);
	// As text: a sum may be above 2^53. Object.fromEntries() forgets which keys it was given.
	const figures = Object.fromEntries(FIGURES.map((name) => [name, sql`${String(sum[name])}`])) as Record<Figure, SQL>;
	return run(
		db
			.insert(prunedDays)
			.values({ day, attempts, ...figures })
			.onConflictDoUpdate({ target: prunedDays.day, set: Object.fromEntries(set) }),
	);
}

function nameOf({ requestId, attempt }: { readonly requestId: string; readonly attempt: number }): string {
	return `${requestId} ${attempt}`;
}
