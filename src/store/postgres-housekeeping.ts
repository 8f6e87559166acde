import { asc, eq } from "drizzle-orm";
import { figureColumns, toFigures } from "./check-day.ts";
import { addFigures, createDaySums, type DaySums, differingCells, differingFigures } from "./day-sums.ts";
import type { Db } from "./db.ts";
import { createDropOldestKept } from "./drop-oldest-kept.ts";
import { nextDayWithRows, sliceOfDay } from "./postgres-ledger-rows.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import { createPostgresPruneDay } from "./postgres-prune-day.ts";
import type { Tables } from "./tables.ts";
import type { Transact } from "./transact.ts";
import type { DayCheck, Housekeeping, RowCursor } from "./types.ts";

/** Rows that one statement reads. */
const SLICE_ROWS_MAX = 2_000;

/**
 * What is in use, by rows and not by pages: PostgreSQL does not tell which pages are empty inside, and a bound on the
 * size of its files would go on deleting after the rows are gone. Bytes a row are estimated, indices included; the counts
 * are the server's own estimates, a second old, and 0 until it has looked at a table for the first time.
 */
const SIZE = `select
	(select coalesce(sum(pg_total_relation_size(relid)), 0) from pg_stat_user_tables where schemaname = current_schema()),
	(select coalesce(sum(8192 + n_live_tup * case relname when 'attempts' then 600 else 300 end), 0)
		from pg_stat_user_tables where schemaname = current_schema()
			and relname not in ('responses', 'conversation_items'))
	+ (select coalesce(sum(bytes), 0) from responses) + (select coalesce(sum(bytes), 0) from conversations)`;

export function createPostgresHousekeeping(deps: {
	readonly pool: PostgresPool;
	readonly db: Db;
	readonly transact: Transact;
	readonly tables: Tables;
}): Housekeeping {
	const { pool, db, transact, tables } = deps;
	return {
		async size() {
			const [row] = await pool.run((connection) => connection.values(SIZE));
			const [files, rows] = (row ?? []).map(Number);
			const usedBytes = rows ?? 0;
			// The server gives free pages back by itself, as far as it does.
			return { fileBytes: Math.max(files ?? 0, usedBytes), usedBytes, canShrink: true };
		},
		nextDay: (fromDay, endDay) => nextDayWithRows(db, tables, fromDay, endDay),
		checkDay: (day) => checkDay(deps, day),
		pruneDay: createPostgresPruneDay(transact, tables),
		dropOldestKept: createDropOldestKept({ transact, tables }),
		shrink: () => Promise.resolve(0),
	};
}

type CheckDeps = Parameters<typeof createPostgresHousekeeping>[0];

async function checkDay({ db, transact, tables }: CheckDeps, day: number): Promise<DayCheck> {
	const sums = createDaySums();
	let attempts = 0;
	let unsettled = 0;
	for (let from: RowCursor | undefined, isOver = false; !isOver; ) {
		const slice = await transact((tx) => sliceOfDay(tx, tables, { day, from, rowsMax: SLICE_ROWS_MAX }));
		for (const row of slice.rows) {
			const cell = slice.cellOf(row);
			if (cell === undefined) {
				unsettled += 1;
			} else {
				sums.add(cell, cell);
			}
		}
		attempts += slice.rows.length;
		from = slice.rows.at(-1);
		isOver = slice.rows.length < SLICE_ROWS_MAX;
	}
	const rollUps = await readRollUps(db, tables, day);
	const pruned = await readPruned(db, tables, day);
	if (pruned === undefined) {
		return { day, attempts, unsettled, pruned: 0, differences: differingCells(sums, rollUps) };
	}
	const total = sums.total();
	addFigures(total, pruned.figures);
	const differences = differingFigures(total, rollUps.total()).map((found) => ({ cell: undefined, ...found }));
	return { day, attempts, unsettled, pruned: pruned.attempts, differences };
}

async function readRollUps(db: Db, { spendDays }: Tables, day: number): Promise<DaySums> {
	const { keyId, team, provider, model } = spendDays;
	const sums = createDaySums();
	for (let seen = 0, isOver = false; !isOver; seen += SLICE_ROWS_MAX) {
		const cells = await db
			.select({ keyId, team, provider, model, ...figureColumns(spendDays) })
			.from(spendDays)
			.where(eq(spendDays.day, day))
			.orderBy(asc(keyId), asc(team), asc(provider), asc(model))
			.limit(SLICE_ROWS_MAX)
			.offset(seen);
		for (const cell of cells) {
			sums.add(cell, toFigures(cell));
		}
		isOver = cells.length < SLICE_ROWS_MAX;
	}
	return sums;
}

async function readPruned(db: Db, { prunedDays }: Tables, day: number) {
	const [row] = await db
		.select({ attempts: prunedDays.attempts, ...figureColumns(prunedDays) })
		.from(prunedDays)
		.where(eq(prunedDays.day, day));
	return row && { attempts: row.attempts, figures: toFigures(row) };
}
