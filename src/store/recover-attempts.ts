import { and, asc, isNull, type SQL } from "drizzle-orm";
import { NO_USAGE } from "../lib/usage.ts";
import type { AttemptLog } from "./attempt-log.ts";
import { type SettleWrite, toAttemptRow } from "./attempt-rows.ts";
import type { Db } from "./db.ts";
import type { Tables } from "./tables.ts";
import type { AttemptReader } from "./types.ts";

/** Attempts settled in one transaction. */
const RECOVER_ROWS_MAX = 256;

type Recovered = Awaited<ReturnType<AttemptReader["recover"]>>;

/** Where one process has the database for itself, every row that is dispatched when it starts is of a crash. */
export function createRecover({
	db,
	tables,
	log,
	turn,
}: {
	readonly db: Db;
	readonly tables: Tables;
	readonly log: AttemptLog;
	/** Lets other work go on between two transactions. */
	readonly turn: () => Promise<void>;
}): AttemptReader["recover"] {
	return async (atMs) => {
		const recovered: Recovered[number][] = [];
		for (;;) {
			const writes = crashes(await dispatched(db, tables), atMs);
			if (writes.length === 0) {
				return recovered;
			}
			log.write([], writes);
			recovered.push(...writes.map(recoveredOf));
			await turn();
		}
	};
}

type Row = Tables["attempts"]["$inferSelect"];

/** Some rows that are not settled, the oldest first. */
export function dispatched(db: Db, { attempts }: Tables, which?: SQL): PromiseLike<Row[]> {
	return db
		.select()
		.from(attempts)
		.where(and(isNull(attempts.settledAt), which))
		.orderBy(asc(attempts.openedAt))
		.limit(RECOVER_ROWS_MAX);
}

/** Nobody knows what the provider produced, so the worst case is charged, and marked as such. */
export function crashes(rows: readonly Row[], atMs: number): readonly SettleWrite[] {
	return rows.map(toAttemptRow).map(({ opening, openedAtMs }) => ({
		opening: { ...opening, budgets: [] },
		openedAtMs,
		closing: {
			outcome: "crashed",
			upstreamStatus: undefined,
			errorClass: "gateway_crashed",
			usage: NO_USAGE,
			usageSource: "crash_estimate",
			costNano: opening.reservedNano,
			ttftMs: undefined,
			durationMs: Math.max(0, atMs - openedAtMs),
			objectId: undefined,
		},
		settledAtMs: atMs,
	}));
}

export function recoveredOf({ opening, closing }: SettleWrite): Recovered[number] {
	return { requestId: opening.requestId, attempt: opening.attempt, costNano: closing.costNano };
}
