import { and, asc, eq, gte, inArray, isNotNull, lt, lte, type SQL, sql } from "drizzle-orm";
import { USAGE_BUCKETS } from "./attempt-rows.ts";
import type { Db } from "./db.ts";
import type { SliceRow } from "./spend-totals.ts";
import type { Tables } from "./tables.ts";
import type { SpendDimension } from "./types.ts";

export interface SliceDeps {
	readonly db: Db;
	readonly tables: Tables;
	/**
	 * Rows that one statement adds up. bun:sqlite answers on the event loop: a report over a million rows would hold up
	 * every request for seconds if it were one statement.
	 */
	readonly sliceRowsMax: number;
}

/** Without groups SQL answers a row of nulls even where there is nothing to add up. */
const SOMETHING = sql`count(*) > 0`;

type Slices = AsyncGenerator<readonly SliceRow[]>;

/** Adds up whole UTC days, from `fromDay` until before `endDay`. */
export async function* sliceDays(
	{ db, tables: { spendDays }, sliceRowsMax }: SliceDeps,
	{ fromDay, endDay, groupBy }: { fromDay: number; endDay: number; groupBy: readonly SpendDimension[] },
): Slices {
	const { day, keyId, team, provider, model } = spendDays;
	const columns = { day, key: keyId, team, provider, model };
	const dimensions = pick(columns, groupBy);
	const figures = dayFigures(spendDays, groupBy);
	const primaryKey = sql`(${day}, ${keyId}, ${team}, ${provider}, ${model})`;
	let after = { day: fromDay, key: "", team: "", provider: "", model: "" };
	for (;;) {
		const start = sql`${primaryKey} > ${tuple(after)}`;
		const [last] = await db
			.select(columns)
			.from(spendDays)
			.where(and(start, lt(day, endDay)))
			.orderBy(asc(day), asc(keyId), asc(team), asc(provider), asc(model))
			.limit(1)
			.offset(sliceRowsMax - 1);
		// The bound on the day alone looks idle, but it is the one that SQLite ends its walk through the index with.
		const end = last === undefined ? lt(day, endDay) : and(lte(day, last.day), sql`${primaryKey} <= ${tuple(last)}`);
		yield await db
			.select({ ...dimensions, ...figures })
			.from(spendDays)
			.where(and(gte(day, after.day), start, end))
			.groupBy(...Object.values(dimensions))
			.having(SOMETHING);
		if (last === undefined) {
			return;
		}
		after = last;
	}
}

/**
 * One key's days added up. The days are named one by one, since only then does the primary key, which begins with the
 * day, lead to this key's rows alone.
 */
export function keyDays(
	{ db, tables: { spendDays } }: SliceDeps,
	query: {
		readonly keyId: string;
		readonly fromDay: number;
		readonly endDay: number;
		readonly groupBy: readonly ("model" | "day")[];
	},
): Promise<readonly SliceRow[]> {
	const { day, keyId, model } = spendDays;
	const dimensions = pick({ day, model }, query.groupBy);
	const days = Array.from({ length: query.endDay - query.fromDay }, (_, index) => query.fromDay + index);
	return db
		.select({ ...dimensions, ...dayFigures(spendDays, query.groupBy) })
		.from(spendDays)
		.where(and(inArray(day, days), eq(keyId, query.keyId)))
		.groupBy(...Object.values(dimensions))
		.having(SOMETHING);
}

function dayFigures(spendDays: Tables["spendDays"], groupBy: readonly SpendDimension[]) {
	const suffix = requestsSuffix(groupBy);
	return sums(spendDays, {
		requests: sql`${spendDays[`requests${suffix}`]}`,
		unpriced: sql`${spendDays[`unpriced${suffix}`]}`,
		errors: sql`${spendDays.errors}`,
	});
}

function tuple(cell: { day: number; key: string; team: string; provider: string; model: string }): SQL {
	return sql`(${cell.day}, ${cell.key}, ${cell.team}, ${cell.provider}, ${cell.model})`;
}

/** Adds up single attempts, for the part of a day that a report begins or ends in. */
export async function* sliceAttempts(
	{ db, tables: { attempts }, sliceRowsMax }: SliceDeps,
	{ fromMs, toMs, groupBy }: { fromMs: number; toMs: number; groupBy: readonly SpendDimension[] },
): Slices {
	const { openedAt, keyId, team, provider, model } = attempts;
	// 86,400,000 ms = one day. A literal: a parameter would make the selected and the grouped expression two.
	const columns = { day: sql<number>`${openedAt} / 86400000`.mapWith(Number), key: keyId, team, provider, model };
	const dimensions = pick(columns, groupBy);
	const figures = sums(attempts, attemptFigures(groupBy));
	let startMs = fromMs;
	for (;;) {
		const [last] = await db
			.select({ openedAt })
			.from(attempts)
			.where(and(gte(openedAt, startMs), lt(openedAt, toMs)))
			.orderBy(asc(openedAt))
			.limit(1)
			.offset(sliceRowsMax);
		// Attempts of the same millisecond stay together, however many there are.
		const endMs = last === undefined ? toMs : Math.max(last.openedAt, startMs + 1);
		yield await db
			.select({ ...dimensions, ...figures })
			.from(attempts)
			.where(and(gte(openedAt, startMs), lt(openedAt, endMs), isNotNull(attempts.settledAt)))
			.groupBy(...Object.values(dimensions))
			.having(SOMETHING);
		if (last === undefined) {
			return;
		}
		startMs = endMs;
	}
}

/** Whether any attempt was opened in a time range. */
export async function hasAttempts(
	{ db, tables: { attempts } }: SliceDeps,
	fromMs: number,
	toMs: number,
): Promise<boolean> {
	const { openedAt } = attempts;
	const found = await db
		.select({ openedAt })
		.from(attempts)
		.where(and(gte(openedAt, fromMs), lt(openedAt, toMs)))
		.limit(1);
	return found.length > 0;
}

/** Whether some rows of a day are deleted: only its sums are whole. */
export async function isPruned({ db, tables: { prunedDays } }: SliceDeps, day: number): Promise<boolean> {
	const found = await db.select({ day: prunedDays.day }).from(prunedDays).where(eq(prunedDays.day, day));
	return found.length > 0;
}

/** Which of the four counters of requests of `spend_days` fits the groups. */
function requestsSuffix(groupBy: readonly SpendDimension[]): "" | "ByProvider" | "ByModel" | "ByBoth" {
	const byProvider = groupBy.includes("provider");
	if (groupBy.includes("model")) {
		return byProvider ? "ByBoth" : "ByModel";
	}
	return byProvider ? "ByProvider" : "";
}

/** The same counts from single attempts. Table names are spelt out: drizzle leaves them off, and `earlier` has the columns too. */
function attemptFigures(groupBy: readonly SpendDimension[]) {
	const sameProvider = groupBy.includes("provider") ? sql`and earlier.provider = attempts.provider` : sql``;
	const sameModel = groupBy.includes("model") ? sql`and earlier.model = attempts.model` : sql``;
	const earlier = sql`select 1 from attempts as earlier where earlier.request_id = attempts.request_id and earlier.attempt < attempts.attempt ${sameProvider} ${sameModel}`;
	return {
		requests: sql`case when attempts.attempt = 0 then 1 when exists (${earlier}) then 0 else 1 end`,
		unpriced: sql`case when attempts.price_version is not null then 0 when attempts.attempt = 0 then 1 when exists (${earlier} and earlier.price_version is null) then 0 else 1 end`,
		errors: sql`case when attempts.outcome = 'upstream_failed' then 1 else 0 end`,
	};
}

function sums(
	table: Tables["attempts"] | Tables["spendDays"],
	counted: { readonly requests: SQL; readonly unpriced: SQL; readonly errors: SQL },
) {
	const total = (term: SQL) => sql<number>`sum(${term})`.mapWith(Number);
	const usage = Object.fromEntries(USAGE_BUCKETS.map((bucket) => [bucket, total(sql`${table[bucket]}`)]));
	return {
		// Object.fromEntries() forgets which keys it was given.
		...(usage as Record<(typeof USAGE_BUCKETS)[number], SQL<number>>),
		requests: total(counted.requests),
		unpriced: total(counted.unpriced),
		errors: total(counted.errors),
		// As text: bun:sqlite returns wrong numbers above 2^53.
		costNano: sql<string>`cast(sum(${table.costNano}) as text)`,
	};
}

function pick<Columns extends object>(columns: Columns, names: readonly (keyof Columns)[]): Partial<Columns> {
	const picked: Partial<Columns> = {};
	for (const name of names) {
		picked[name] = columns[name];
	}
	return picked;
}
