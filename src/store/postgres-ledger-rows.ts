import { and, asc, desc, gte, inArray, lt, sql } from "drizzle-orm";
import { toAttemptRow } from "./attempt-rows.ts";
import type { Db } from "./db.ts";
import type { RowCursor } from "./housekeeping-types.ts";
import type { LedgerRow } from "./ledger-rows.ts";
import { dayOf, dayStartMs, type SpendCell, spendCell } from "./spend-days.ts";
import type { Tables } from "./tables.ts";
import { rowsOf, type Steps } from "./transact.ts";

/** Some rows of a day, with what their requests' other attempts say about them: two statements, however many rows. */
export interface LedgerSlice {
	/** Newest first: a request's later attempts come before those that they count by. */
	readonly rows: readonly LedgerRow[];
	/** What a row has added to its day; undefined while it is not settled. */
	cellOf(row: LedgerRow): SpendCell | undefined;
	/** The numbers of all attempts of a request that the ledger has. */
	attemptsOf(requestId: string): ReadonlySet<number>;
}

export function* sliceOfDay(
	db: Db,
	{ attempts }: Tables,
	{ day, from, rowsMax }: { readonly day: number; readonly from: RowCursor | undefined; readonly rowsMax: number },
): Steps<LedgerSlice> {
	const { openedAt, requestId, attempt, provider, model, priceVersion } = attempts;
	const end = from ?? { openedAt: dayStartMs(day + 1), requestId: "", attempt: -1 };
	const rows = yield* rowsOf(
		db
			.select()
			.from(attempts)
			.where(
				and(
					gte(openedAt, dayStartMs(day)),
					sql`(${openedAt}, ${requestId}, ${attempt}) < (${end.openedAt}, ${end.requestId}, ${end.attempt})`,
				),
			)
			.orderBy(desc(openedAt), desc(requestId), desc(attempt))
			.limit(rowsMax),
	);
	const ids = [...new Set(rows.map((row) => row.requestId))];
	const relatives =
		ids.length === 0
			? []
			: yield* rowsOf(
					db
						.select({ requestId, attempt, provider, model, priceVersion })
						.from(attempts)
						.where(inArray(requestId, ids)),
				);
	const byRequest = Map.groupBy(relatives, (relative) => relative.requestId);
	const of = (id: string) => byRequest.get(id) ?? [];
	return {
		rows,
		cellOf(row) {
			const { opening, closing, settledAtMs, openedAtMs } = toAttemptRow(row);
			if (closing === undefined || settledAtMs === undefined) {
				return undefined;
			}
			const earlier = of(row.requestId).filter((relative) => relative.attempt < row.attempt);
			return spendCell({ opening: { ...opening, budgets: [] }, openedAtMs, closing, settledAtMs }, earlier);
		},
		attemptsOf: (id) => new Set(of(id).map((relative) => relative.attempt)),
	};
}

/** The first day from `fromDay` until before `endDay` that has rows. */
export async function nextDayWithRows(
	db: Db,
	{ attempts: { openedAt }, attempts }: Tables,
	fromDay: number,
	endDay: number,
): Promise<number | undefined> {
	const [row] = await db
		.select({ openedAt })
		.from(attempts)
		.where(and(gte(openedAt, dayStartMs(fromDay)), lt(openedAt, dayStartMs(endDay))))
		.orderBy(asc(openedAt))
		.limit(1);
	return row && dayOf(row.openedAt);
}
