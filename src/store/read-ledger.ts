import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import type { RoutedRequestReader } from "../routing/report/types.ts";
import { toAttemptRow } from "./attempt-rows.ts";
import { createCheckDay } from "./check-day.ts";
import { sqliteColumns } from "./columns.sqlite.ts";
import { createSqliteDb } from "./db.ts";
import type { DayCheck } from "./housekeeping-types.ts";
import { createLedgerRows } from "./ledger-rows.ts";
import { readSchemaState } from "./migrate.ts";
import { SQLITE_MIGRATIONS } from "./migrations.sqlite.ts";
import { refusalOf } from "./refusal.ts";
import { createRoutedRequests } from "./routed-requests.ts";
import { StoreRefused } from "./store-refused.ts";
import { defineTables } from "./tables.ts";
import type { AttemptRow } from "./types.ts";

const BUSY_TIMEOUT_MS = 5_000;
/** Nobody waits for this process, but memory is bounded. */
const SLICE_ROWS_MAX = 2_000;

/** The ledger as it was at one instant, for those who only look. */
export interface LedgerReading extends RoutedRequestReader {
	/** Where it is, for people; without a password. */
	readonly place: string;
	/** UTC days, numbered since 1970-01-01, that have rows, sums or rows that were deleted; `endDay` exclusive. */
	days(fromDay: number, endDay: number): Promise<readonly number[]>;
	/** Adds up a day and compares; `visit` sees each of its rows once. */
	checkDay(day: number, visit: (row: AttemptRow) => void): Promise<DayCheck>;
	hasRequest(requestId: string): Promise<boolean>;
	/** Some rows of this day were deleted. */
	isPruned(day: number): Promise<boolean>;
	close(): void;
}

/**
 * Opens a database without changing it, also while a gateway is writing to it.
 * @throws StoreRefused when there is none, or none that this version can read.
 */
export function readLedger(path: string): LedgerReading {
	if (!existsSync(path)) {
		throw new StoreRefused(
			`There is no database at ${path}. Name the right one with --data or database.url in --config.`,
		);
	}
	let client: Database | undefined;
	try {
		client = new Database(path, { readonly: true });
		client.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
		refuseOtherSchema(client, path);
		return reading(client, path);
	} catch (error) {
		client?.close();
		throw refusalOf(error, path, "the backups directory beside it");
	}
}

function refuseOtherSchema(client: Database, path: string): void {
	const state = readSchemaState(client);
	if (state.kind !== "known") {
		throw new StoreRefused(`${path} is not a database of gateway-llm.`);
	}
	if (state.version !== SQLITE_MIGRATIONS.length) {
		const remedy =
			state.version < SQLITE_MIGRATIONS.length
				? "Start this version of the gateway with it once: that brings it up to date."
				: "Use the newer version of gateway-llm that wrote it.";
		throw new StoreRefused(
			`${path} has schema ${state.version}, this version reads ${SQLITE_MIGRATIONS.length}. ${remedy}`,
		);
	}
}

function reading(client: Database, path: string): LedgerReading {
	const tables = defineTables(sqliteColumns);
	const { db, syncDb } = createSqliteDb(client);
	const rows = createLedgerRows({ syncDb, tables });
	const turn = async () => {};
	const checkDay = createCheckDay({ syncDb, tables, rows, turn, sliceRowsMax: SLICE_ROWS_MAX });
	const { journal_mode: mode } = client.query<{ journal_mode: string }, []>("PRAGMA journal_mode").get() ?? {};
	if (mode === "wal") {
		// One instant for all that is read. Without a log it would keep a gateway from starting, and nobody is writing.
		client.run("BEGIN");
	}
	const sums = client.query<{ day: number }, [number, number, number, number]>(
		"select distinct day from spend_days where day >= ? and day < ? union select day from pruned_days where day >= ? and day < ?",
	);
	const request = client.query("select 1 from attempts where request_id = ? limit 1");
	const pruned = client.query("select 1 from pruned_days where day = ?");
	return {
		place: path,
		async days(fromDay, endDay) {
			const days = new Set(sums.all(fromDay, endDay, fromDay, endDay).map(({ day }) => day));
			for (let day = rows.nextDay(fromDay, endDay); day !== undefined; day = rows.nextDay(day + 1, endDay)) {
				days.add(day);
			}
			return [...days].sort((left, right) => left - right);
		},
		checkDay: (day, visit) => checkDay(day, (row) => visit(toAttemptRow(row))),
		hasRequest: async (id) => request.get(id) !== null,
		isPruned: async (day) => pruned.get(day) !== null,
		...createRoutedRequests({ db, tables, turn, sliceRowsMax: SLICE_ROWS_MAX }),
		close: () => client.close(),
	};
}
