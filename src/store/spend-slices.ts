import { and, asc, gte, isNotNull, lt, type SQL, sql } from "drizzle-orm";
import { USAGE_BUCKETS } from "./attempt-rows.ts";
import type { Db } from "./db.ts";
import type { SliceRow } from "./spend-totals.ts";
import type { Tables } from "./tables.ts";
import type { SpendDimension } from "./types.ts";

/**
 * Rows that one statement adds up: about 8 ms. bun:sqlite answers on the event loop, so a report over a million rows
 * would hold up every request for seconds if it were one statement.
 */
const SLICE_ROWS_MAX = 5_000;

type Slices = AsyncGenerator<readonly SliceRow[]>;

/** Adds up whole UTC days, from `fromDay` until before `endDay`. */
export async function* sliceDays(
	{ db, tables: { spendDays } }: { readonly db: Db; readonly tables: Tables },
	{ fromDay, endDay, groupBy }: { fromDay: number; endDay: number; groupBy: readonly SpendDimension[] },
): Slices {
	const { day, keyId, team, provider, model } = spendDays;
	const columns = { day, key: keyId, team, provider, model };
	const dimensions = pick(columns, groupBy);
	const suffix = requestsSuffix(groupBy);
	const figures = sums(spendDays, {
		requests: sql`${spendDays[`requests${suffix}`]}`,
		unpriced: sql`${spendDays[`unpriced${suffix}`]}`,
		errors: sql`${spendDays.errors}`,
	});
	const primaryKey = sql`(${day}, ${keyId}, ${team}, ${provider}, ${model})`;
	let after = sql`${primaryKey} > (${fromDay}, ${""}, ${""}, ${""}, ${""})`;
	for (;;) {
		const range = and(after, lt(day, endDay));
		const [last] = await db
			.select(columns)
			.from(spendDays)
			.where(range)
			.orderBy(asc(day), asc(keyId), asc(team), asc(provider), asc(model))
			.limit(1)
			.offset(SLICE_ROWS_MAX - 1);
		const end = last && sql`(${last.day}, ${last.key}, ${last.team}, ${last.provider}, ${last.model})`;
		yield await db
			.select({ ...dimensions, ...figures })
			.from(spendDays)
			.where(end === undefined ? range : and(range, sql`${primaryKey} <= ${end}`))
			.groupBy(...Object.values(dimensions));
		if (end === undefined) {
			return;
		}
		after = sql`${primaryKey} > ${end}`;
	}
}

/** Adds up single attempts, for the part of a day that a report begins or ends in. */
export async function* sliceAttempts(
	{ db, tables: { attempts } }: { readonly db: Db; readonly tables: Tables },
	{ fromMs, toMs, groupBy }: { fromMs: number; toMs: number; groupBy: readonly SpendDimension[] },
): Slices {
	const { openedAt, keyId, team, provider, model } = attempts;
	// 86,400,000 ms = one day. A literal: a parameter would make the selected and the grouped expression two.
	const columns = { day: sql<number>`${openedAt} / 86400000`, key: keyId, team, provider, model };
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
			.offset(SLICE_ROWS_MAX);
		// Attempts of the same millisecond stay together, however many there are.
		const endMs = last === undefined ? toMs : Math.max(last.openedAt, startMs + 1);
		yield await db
			.select({ ...dimensions, ...figures })
			.from(attempts)
			.where(and(gte(openedAt, startMs), lt(openedAt, endMs), isNotNull(attempts.settledAt)))
			.groupBy(...Object.values(dimensions));
		if (last === undefined) {
			return;
		}
		startMs = endMs;
	}
}

/** Whether any attempt was opened in a time range. */
export async function hasAttempts(
	{ db, tables: { attempts } }: { readonly db: Db; readonly tables: Tables },
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
	// Without groups there is one row even where there are no rows, and its sums are null.
	const total = (term: SQL) => sql<number>`coalesce(sum(${term}), 0)`.mapWith(Number);
	const usage = Object.fromEntries(USAGE_BUCKETS.map((bucket) => [bucket, total(sql`${table[bucket]}`)]));
	return {
		// Object.fromEntries() forgets which keys it was given.
		...(usage as Record<(typeof USAGE_BUCKETS)[number], SQL<number>>),
		requests: total(counted.requests),
		unpriced: total(counted.unpriced),
		errors: total(counted.errors),
		// As text: bun:sqlite returns wrong numbers above 2^53.
		costNano: sql<string>`cast(coalesce(sum(${table.costNano}), 0) as text)`,
	};
}

function pick<Columns extends object>(columns: Columns, names: readonly (keyof Columns)[]): Partial<Columns> {
	const picked: Partial<Columns> = {};
	for (const name of names) {
		picked[name] = columns[name];
	}
	return picked;
}
