import { and, asc, eq, getTableColumns, sql } from "drizzle-orm";
import {
	addFigures,
	createDaySums,
	type DaySums,
	differingCells,
	differingFigures,
	FIGURES,
	type Figure,
} from "./day-sums.ts";
import type { SyncDb } from "./db.ts";
import type { DayCheck, RowCursor } from "./housekeeping-types.ts";
import type { LedgerRow, LedgerRows } from "./ledger-rows.ts";
import type { Tables } from "./tables.ts";

export interface CheckDayDeps {
	readonly syncDb: SyncDb;
	readonly tables: Tables;
	readonly rows: LedgerRows;
	/** Lets other work go on between two slices. */
	readonly turn: () => Promise<void>;
	readonly sliceRowsMax: number;
}

/** Adds up the rows of a day and compares with the daily sums. `visit` sees each row once. */
export type CheckDay = (day: number, visit?: (row: LedgerRow) => void) => Promise<DayCheck>;

export function createCheckDay(deps: CheckDayDeps): CheckDay {
	return async (day, visit) => {
		const sums = createDaySums();
		let attempts = 0;
		let unsettled = 0;
		for (let from: RowCursor | undefined, isOver = false; !isOver; ) {
			const rows = deps.rows.slice(day, from, deps.sliceRowsMax);
			for (const row of rows) {
				const cell = deps.rows.cellOf(row);
				if (cell === undefined) {
					unsettled += 1;
				} else {
					sums.add(cell, cell);
				}
				visit?.(row);
			}
			attempts += rows.length;
			from = rows.at(-1);
			isOver = rows.length < deps.sliceRowsMax;
			await deps.turn();
		}
		const rollUps = await readRollUps(deps, day);
		const pruned = readPruned(deps, day);
		if (pruned === undefined) {
			return { day, attempts, unsettled, pruned: 0, differences: differingCells(sums, rollUps) };
		}
		const total = sums.total();
		addFigures(total, pruned.figures);
		const differences = differingFigures(total, rollUps.total()).map((found) => ({ cell: undefined, ...found }));
		return { day, attempts, unsettled, pruned: pruned.attempts, differences };
	};
}

async function readRollUps(
	{ syncDb, tables: { spendDays }, turn, sliceRowsMax }: CheckDayDeps,
	day: number,
): Promise<DaySums> {
	const { keyId, team, provider, model } = spendDays;
	const sums = createDaySums();
	for (let after = { keyId: "", team: "", provider: "", model: "" }, isOver = false; !isOver; ) {
		const { keyId: k, team: t, provider: p, model: m } = after;
		const cells = syncDb
			.select({ keyId, team, provider, model, ...figureColumns(spendDays) })
			.from(spendDays)
			.where(and(eq(spendDays.day, day), sql`(${keyId}, ${team}, ${provider}, ${model}) > (${k}, ${t}, ${p}, ${m})`))
			.orderBy(asc(keyId), asc(team), asc(provider), asc(model))
			.limit(sliceRowsMax)
			.all();
		for (const cell of cells) {
			sums.add(cell, toFigures(cell));
		}
		after = cells.at(-1) ?? after;
		isOver = cells.length < sliceRowsMax;
		await turn();
	}
	return sums;
}

function readPruned({ syncDb, tables: { prunedDays } }: CheckDayDeps, day: number) {
	const row = syncDb
		.select({ attempts: prunedDays.attempts, ...figureColumns(prunedDays) })
		.from(prunedDays)
		.where(eq(prunedDays.day, day))
		.get();
	return row && { attempts: row.attempts, figures: toFigures(row) };
}

/** As text: bun:sqlite returns wrong numbers above 2^53. */
export function figureColumns(table: Tables["spendDays"] | Tables["prunedDays"]) {
	const columns = getTableColumns(table);
	const texts = FIGURES.map((name) => [name, sql<string>`cast(${columns[name]} as text)`]);
	// Object.fromEntries() forgets which keys it was given.
	return Object.fromEntries(texts) as Record<Figure, ReturnType<typeof sql<string>>>;
}

export function toFigures(texts: Readonly<Record<Figure, string>>): Record<Figure, number | bigint> {
	return Object.fromEntries(
		FIGURES.map((name) => [name, name === "seconds" ? Number(texts[name]) : wholeNumber(texts[name])]),
	) as Record<Figure, number | bigint>;
}

/** A sum beyond 64 bits is a decimal number with an exponent by now; whatever it is, it will not be equal. */
function wholeNumber(text: string): bigint {
	return /^-?\d+$/.test(text) ? BigInt(text) : BigInt(Math.round(Number(text)) || 0);
}
