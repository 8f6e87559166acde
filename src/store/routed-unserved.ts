import { and, asc, eq, gte, lt, sql } from "drizzle-orm";
import { decodeDecision } from "../routing/decision-text.ts";
import type { RoutedQuery, RoutedRequest } from "../routing/report/types.ts";
import type { Db } from "./db.ts";
import type { Tables } from "./tables.ts";

const NOWHERE: ReadonlySet<string> = new Set();

/** Requests of a period that no provider was asked for, some at a time. */
export async function* routedUnserved(
	{
		db,
		tables: { unservedRequests },
		sliceRowsMax,
	}: { readonly db: Db; readonly tables: Tables; readonly sliceRowsMax: number },
	{ fromMs, toMs, alias }: RoutedQuery,
): AsyncGenerator<readonly RoutedRequest[]> {
	const { at, requestId, decision } = unservedRequests;
	let after: { readonly at: number; readonly requestId: string } | undefined;
	for (;;) {
		const rows = await db
			.select({ at, requestId, alias: unservedRequests.alias, decision })
			.from(unservedRequests)
			.where(
				and(
					// Looks idle behind a cursor, but it is the one that SQLite begins its walk through the index with.
					gte(at, after?.at ?? fromMs),
					lt(at, toMs),
					after && sql`(${at}, ${requestId}) > (${after.at}, ${after.requestId})`,
					alias === undefined ? undefined : eq(unservedRequests.alias, alias),
				),
			)
			.orderBy(asc(at), asc(requestId))
			.limit(sliceRowsMax);
		if (rows.length > 0) {
			yield rows.map((row) => ({
				alias: row.alias,
				unserved: true,
				begun: false,
				decision: decodeDecision(row.decision),
				attempts: [],
				failedAt: NOWHERE,
				last: undefined,
			}));
		}
		if (rows.length < sliceRowsMax) {
			return;
		}
		after = rows.at(-1);
	}
}
