import { postgresColumns } from "./columns.postgres.ts";
import { POSTGRES_MIGRATIONS } from "./migrations.postgres.ts";
import { checkPostgresDay } from "./postgres-check-day.ts";
import { connector, type PostgresConnection } from "./postgres-connection.ts";
import { dbOn } from "./postgres-db.ts";
import { nextDayWithRows } from "./postgres-ledger-rows.ts";
import { readPostgresVersion } from "./postgres-migrate.ts";
import { placeOf, postgresRefusal } from "./postgres-open.ts";
import type { LedgerReading } from "./read-ledger.ts";
import { createRoutedRequests } from "./routed-requests.ts";
import { StoreRefused } from "./store-refused.ts";
import { defineTables } from "./tables.ts";
import { inTurn } from "./transact.ts";

/** Nobody waits for this connection but the one who asked for it. */
const LIMITS = { connectMs: 5_000, statementMs: 60_000, lockMs: 5_000 };
/** Memory is bounded. */
const SLICE_ROWS_MAX = 2_000;

/**
 * Reads a ledger in PostgreSQL as it was at one instant, while gateways write to it; a standby will do.
 * @throws StoreRefused when there is none, or none that this version can read.
 */
export async function readPostgresLedger(url: string): Promise<LedgerReading> {
	const connection = connector(url, LIMITS)();
	try {
		await connection.values("begin isolation level repeatable read, read only");
		refuseOtherSchema(await readPostgresVersion(connection.values), placeOf(url));
		return reading(connection, placeOf(url));
	} catch (error) {
		connection.destroy();
		throw postgresRefusal(error, url);
	}
}

function refuseOtherSchema(version: number, place: string): void {
	if (version === POSTGRES_MIGRATIONS.length) {
		return;
	}
	const remedy =
		version < POSTGRES_MIGRATIONS.length
			? "Start this version of the gateway with it once: that brings it up to date."
			: "Use the newer version of gateway-llm that wrote it.";
	throw new StoreRefused(`${place} has schema ${version}, this version reads ${POSTGRES_MIGRATIONS.length}. ${remedy}`);
}

function reading(connection: PostgresConnection, place: string): LedgerReading {
	const tables = defineTables(postgresColumns);
	const db = dbOn(connection.values);
	const some = async (text: string, parameter: unknown) => (await connection.values(text, [parameter])).length > 0;
	// One transaction is open for all of it: no statement can see another instant than the one before.
	return {
		place,
		async days(fromDay, endDay) {
			const rows = await connection.values(
				"select day from spend_days where day >= $1 and day < $2 union select day from pruned_days where day >= $1 and day < $2",
				[fromDay, endDay],
			);
			const days = new Set(rows.map(([day]) => Number(day)));
			for (let from = fromDay; ; ) {
				const day = await nextDayWithRows(db, tables, from, endDay);
				if (day === undefined) {
					return [...days].sort((left, right) => left - right);
				}
				days.add(day);
				from = day + 1;
			}
		},
		checkDay: (day, visit) => checkPostgresDay(day, { db, tables, atOnce: (steps) => inTurn(steps(db)), visit }),
		hasRequest: (id) => some("select 1 from attempts where request_id = $1 limit 1", id),
		isPruned: (day) => some("select 1 from pruned_days where day = $1", day),
		...createRoutedRequests({ db, tables, turn: async () => {}, sliceRowsMax: SLICE_ROWS_MAX }),
		close: connection.destroy,
	};
}
