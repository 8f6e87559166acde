import { asc, eq } from "drizzle-orm";
import { toAttemptRow } from "./attempt-rows.ts";
import { figureColumns, toFigures } from "./check-day.ts";
import { addFigures, createDaySums, type DaySums, differingCells, differingFigures } from "./day-sums.ts";
import type { Db } from "./db.ts";
import type { DayCheck, RowCursor } from "./housekeeping-types.ts";
import { type LedgerSlice, sliceOfDay } from "./postgres-ledger-rows.ts";
import type { Tables } from "./tables.ts";
import type { Steps } from "./transact.ts";
import type { AttemptRow } from "./types.ts";

/** Rows that one statement reads. */
const SLICE_ROWS_MAX = 2_000;

export interface PostgresCheckDayDeps {
	readonly db: Db;
	readonly tables: Tables;
	/** Statements that have to see the same instant. */
	readonly atOnce: <Result>(steps: (db: Db) => Steps<Result>) => Promise<Result>;
	/** Sees each row of the day once. */
	readonly visit?: ((row: AttemptRow) => void) | undefined;
}

/** Adds up the rows of a day (days since 1970-01-01, UTC) and compares with the daily sums. */
export async function checkPostgresDay(day: number, deps: PostgresCheckDayDeps): Promise<DayCheck> {
	const { db, tables, atOnce, visit } = deps;
	const sums = createDaySums();
	let attempts = 0;
	let unsettled = 0;
	for (let from: RowCursor | undefined, isOver = false; !isOver; ) {
		const slice: LedgerSlice = await atOnce((tx) => sliceOfDay(tx, tables, { day, from, rowsMax: SLICE_ROWS_MAX }));
		for (const row of slice.rows) {
			const cell = slice.cellOf(row);
			if (cell === undefined) {
				unsettled += 1;
			} else {
				sums.add(cell, cell);
			}
			visit?.(toAttemptRow(row));
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
