import { and, asc, desc, eq, gt, gte, lt, lte, sql } from "drizzle-orm";
import { toAttemptRow } from "./attempt-rows.ts";
import type { SyncDb } from "./db.ts";
import type { RowCursor } from "./housekeeping-types.ts";
import { dayOf, dayStartMs, type EarlierAttempt, type SpendCell, spendCell } from "./spend-days.ts";
import type { Tables } from "./tables.ts";

export type LedgerRow = Tables["attempts"]["$inferSelect"];

/** Single rows of the ledger, for those who walk through all of them. */
export interface LedgerRows {
	/** Some rows of a day, newest first: a request's later attempts come before those that they count by. */
	slice(day: number, from: RowCursor | undefined, rowsMax: number): readonly LedgerRow[];
	/** What a row has added to its day; undefined while it is not settled. */
	cellOf(row: LedgerRow): SpendCell | undefined;
	hasLater(row: LedgerRow): boolean;
	/** The first day from `fromDay` until before `endDay` that has rows. */
	nextDay(fromDay: number, endDay: number): number | undefined;
}

export function createLedgerRows({
	syncDb,
	tables: { attempts },
}: {
	readonly syncDb: SyncDb;
	readonly tables: Tables;
}): LedgerRows {
	const { openedAt, requestId, attempt } = attempts;
	const place = (name: string) => sql.placeholder(name);
	const slice = syncDb
		.select()
		.from(attempts)
		.where(
			and(
				gte(openedAt, place("startMs")),
				// Looks idle, but it is the one that SQLite begins its walk through the index with.
				lte(openedAt, place("openedAt")),
				sql`(${openedAt}, ${requestId}, ${attempt}) < (${place("openedAt")}, ${place("requestId")}, ${place("attempt")})`,
			),
		)
		.orderBy(desc(openedAt), desc(requestId), desc(attempt))
		.limit(place("rowsMax"))
		.prepare();
	const earlier = syncDb
		.select({ provider: attempts.provider, model: attempts.model, priceVersion: attempts.priceVersion })
		.from(attempts)
		.where(and(eq(requestId, place("requestId")), lt(attempt, place("attempt"))))
		.prepare();
	const later = syncDb
		.select({ attempt })
		.from(attempts)
		.where(and(eq(requestId, place("requestId")), gt(attempt, place("attempt"))))
		.limit(1)
		.prepare();
	const first = syncDb
		.select({ openedAt })
		.from(attempts)
		.where(and(gte(openedAt, place("fromMs")), lt(openedAt, place("endMs"))))
		.orderBy(asc(openedAt))
		.limit(1)
		.prepare();

	return {
		slice(day, from, rowsMax) {
			const cursor = from ?? { openedAt: dayStartMs(day + 1), requestId: "", attempt: -1 };
			return slice.all({ startMs: dayStartMs(day), ...cursor, rowsMax });
		},
		cellOf(row) {
			const { opening, closing, settledAtMs, openedAtMs } = toAttemptRow(row);
			if (closing === undefined || settledAtMs === undefined) {
				return undefined;
			}
			const before: readonly EarlierAttempt[] = row.attempt === 0 ? [] : earlier.all(row);
			return spendCell({ opening: { ...opening, budgets: [] }, openedAtMs, closing, settledAtMs }, before);
		},
		hasLater: (row) => later.get(row) !== undefined,
		nextDay(fromDay, endDay) {
			const row = first.get({ fromMs: dayStartMs(fromDay), endMs: dayStartMs(endDay) });
			return row && dayOf(row.openedAt);
		},
	};
}
