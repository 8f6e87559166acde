import { and, asc, eq, gte, inArray, lt, type SQL, sql } from "drizzle-orm";
import { decodeDecision } from "../routing/decision-text.ts";
import type { RoutedAttempt, RoutedQuery, RoutedRequest, RoutedRequestReader } from "../routing/report/types.ts";
import { USAGE_BUCKETS } from "./attempt-rows.ts";
import type { Db } from "./db.ts";
import { routedUnserved } from "./routed-unserved.ts";
import { dayName, dayOf } from "./spend-days.ts";
import type { Tables } from "./tables.ts";

export interface RoutedRequestsDeps {
	readonly db: Db;
	readonly tables: Tables;
	/** Lets other work go on between two slices. */
	readonly turn: () => Promise<void>;
	/** Rows that are read at a time: with bun:sqlite nobody else is served meanwhile. */
	readonly sliceRowsMax: number;
}

/** Over either database. */
export function createRoutedRequests(deps: RoutedRequestsDeps): RoutedRequestReader {
	const { db, tables, turn } = deps;
	const { prunedDays } = tables;
	return {
		async *routedRequests(query) {
			for (const source of [routedAttempts(deps, query), routedUnserved(deps, query)]) {
				for await (const requests of source) {
					yield requests;
					await turn();
				}
			}
		},
		async prunedDays({ fromMs, toMs }) {
			const days = await db
				.select({ day: prunedDays.day })
				.from(prunedDays)
				.where(and(gte(prunedDays.day, dayOf(fromMs)), lt(prunedDays.day, dayOf(toMs - 1) + 1)))
				.orderBy(asc(prunedDays.day));
			return days.map(({ day }) => dayName(day));
		},
	};
}

async function* routedAttempts(deps: RoutedRequestsDeps, query: RoutedQuery): AsyncGenerator<readonly RoutedRequest[]> {
	let after: Cursor | undefined;
	for (;;) {
		const rows = await slice(deps, query, after);
		if (rows.length > 0) {
			yield requestsOf(rows, await relativesOf(deps, rows), query);
		}
		if (rows.length < deps.sliceRowsMax) {
			return;
		}
		after = rows.at(-1);
	}
}

interface Cursor {
	readonly openedAt: number;
	readonly requestId: string;
	readonly attempt: number;
}

type Row = Awaited<ReturnType<typeof slice>>[number];

/** The next rows, oldest first. */
function slice(
	{ db, tables: { attempts }, sliceRowsMax }: RoutedRequestsDeps,
	{ fromMs, toMs, alias }: RoutedQuery,
	after: Cursor | undefined,
) {
	const { openedAt, requestId, attempt } = attempts;
	const conditions: (SQL | undefined)[] = [
		// Looks idle behind a cursor, but it is the one that SQLite begins its walk through the index with.
		gte(openedAt, after?.openedAt ?? fromMs),
		lt(openedAt, toMs),
		after && sql`(${openedAt}, ${requestId}, ${attempt}) > (${after.openedAt}, ${after.requestId}, ${after.attempt})`,
		alias === undefined ? undefined : eq(attempts.alias, alias),
	];
	return db
		.select(columnsOf(attempts))
		.from(attempts)
		.where(and(...conditions))
		.orderBy(asc(openedAt), asc(requestId), asc(attempt))
		.limit(sliceRowsMax);
}

function columnsOf(attempts: Tables["attempts"]) {
	const { requestId, attempt, alias, deploymentId, provider, model, priceVersion, openedAt, settledAt } = attempts;
	const { outcome, usageSource, costNano, decision } = attempts;
	const usage = Object.fromEntries(USAGE_BUCKETS.map((bucket) => [bucket, attempts[bucket]]));
	return {
		...{ requestId, attempt, alias, deploymentId, provider, model, priceVersion, openedAt, settledAt },
		...{ outcome, usageSource, costNano, decision },
		// Object.fromEntries() forgets which keys it was given.
		...(usage as Pick<Tables["attempts"], (typeof USAGE_BUCKETS)[number]>),
	};
}

/**
 * All attempts of the requests that have, or may have, some outside the slice: by request. Nearly all have one attempt, whose
 * outcome says that no other one followed.
 */
async function relativesOf({ db, tables: { attempts } }: RoutedRequestsDeps, rows: readonly Row[]) {
	const ids = new Set(rows.flatMap((row) => (row.attempt === 0 && row.outcome === "ok" ? [] : [row.requestId])));
	if (ids.size === 0) {
		return new Map<string, Row[]>();
	}
	const found = await db
		.select(columnsOf(attempts))
		.from(attempts)
		.where(inArray(attempts.requestId, [...ids]))
		.orderBy(asc(attempts.requestId), asc(attempts.attempt));
	return Map.groupBy(found, ({ requestId }) => requestId);
}

function requestsOf(
	rows: readonly Row[],
	relatives: ReadonlyMap<string, readonly Row[]>,
	{ fromMs, toMs }: RoutedQuery,
): readonly RoutedRequest[] {
	const isInPeriod = ({ openedAt }: Row) => openedAt >= fromMs && openedAt < toMs;
	return rows.flatMap((row) => {
		const family = relatives.get(row.requestId) ?? [row];
		const first = family.find(({ attempt }) => attempt === 0);
		if (row.attempt === 0) {
			return [requestOf(family, family.filter(isInPeriod))];
		}
		// Told with its first attempt, in whatever slice that is, unless that was opened outside the period.
		return first !== undefined && isInPeriod(first) ? [] : [{ ...requestOf(family, [row]), begun: false }];
	});
}

function requestOf(family: readonly Row[], counted: readonly Row[]): RoutedRequest {
	const [first] = family;
	const last = family.at(-1);
	const isFirst = first?.attempt === 0;
	return {
		alias: first?.alias ?? "",
		unserved: false,
		begun: isFirst && first.settledAt !== null,
		decision: isFirst ? decodeDecision(first.decision ?? undefined) : undefined,
		attempts: counted.flatMap((row) => toAttempt(row) ?? []),
		failedAt: failedAt(family),
		last: last && toAttempt(last),
	};
}

const NOWHERE: ReadonlySet<string> = new Set();

function failedAt(family: readonly Row[]): ReadonlySet<string> {
	const last = family.at(-1);
	if (family.length === 1 && last?.outcome === "ok") {
		return NOWHERE;
	}
	const failed = new Set(family.flatMap((row) => (row.outcome === "upstream_failed" ? [row.deploymentId] : [])));
	if (last !== undefined && last.outcome !== "upstream_failed") {
		failed.delete(last.deploymentId);
	}
	return failed;
}

function toAttempt(row: Row): RoutedAttempt | undefined {
	const { deploymentId, provider, model, outcome, usageSource, costNano } = row;
	if (outcome === null || usageSource === null) {
		return undefined;
	}
	return {
		deploymentId,
		provider,
		model,
		outcome,
		usageSource,
		costNano,
		usage: row,
		priced: row.priceVersion !== null,
	};
}
