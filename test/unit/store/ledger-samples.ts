import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/lib/clock.ts";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import type { AttemptClosing, AttemptOpening } from "../../../src/metering/ledger-types.ts";
import { createAttemptLog } from "../../../src/store/attempt-log.ts";
import { sqliteColumns } from "../../../src/store/columns.sqlite.ts";
import { createSqliteDb } from "../../../src/store/db.ts";
import { SQLITE_MIGRATIONS } from "../../../src/store/migrations.sqlite.ts";
import { type OpenOptions, openDatabase } from "../../../src/store/open.ts";
import type { Scheduler } from "../../../src/store/scheduler.ts";
import { createSqliteStore } from "../../../src/store/sqlite-store.ts";
import { defineTables } from "../../../src/store/tables.ts";
import type { StoreProblem } from "../../../src/store/types.ts";

export const DAY_MS = 86_400_000;
/** 2030-06-15T00:00:00Z. */
export const MIDNIGHT_MS = Date.UTC(2030, 5, 15);

let serial = 0;

export function opening(facts: Partial<AttemptOpening> = {}): AttemptOpening {
	serial += 1;
	return {
		requestId: `req_${String(serial).padStart(26, "0")}`,
		attempt: 0,
		keyId: "vk_A",
		team: "blue",
		alias: "smart",
		deploymentId: "dep_1",
		provider: "openai",
		model: "gpt-4o",
		operation: "chat",
		streamed: false,
		reservedNano: 500_000,
		priceVersion: "test@1",
		budgets: [],
		...facts,
	};
}

export function closing(facts: Partial<AttemptClosing> = {}): AttemptClosing {
	return {
		outcome: "ok",
		upstreamStatus: 200,
		errorClass: undefined,
		usage: { ...NO_USAGE, input: 60, output: 150 },
		usageSource: "provider",
		costNano: 99_000,
		ttftMs: 12,
		durationMs: 345,
		objectId: undefined,
		...facts,
	};
}

/** A directory of its own for each test, removed when the test is over. */
export function temporaryDirectory() {
	const directory = mkdtempSync(join(tmpdir(), "gateway-llm-store-"));
	return {
		directory,
		database: join(directory, "gateway.db"),
		[Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
	};
}

export function openOptions(place: { directory: string; database: string }): OpenOptions {
	return {
		dataDirectory: place.directory,
		path: place.database,
		migrations: SQLITE_MIGRATIONS,
		synchronous: "normal",
		clock: systemClock,
		onProblem: () => {},
	};
}

/** The parts below the store, for tests that need a hand on the connection. */
export function openLog(place: { directory: string; database: string }) {
	const database = openDatabase(openOptions(place));
	const tables = defineTables(sqliteColumns);
	const { db, syncDb } = createSqliteDb(database.client);
	return { ...database, db, tables, log: createAttemptLog({ client: database.client, syncDb, tables }) };
}

export function openStore(place: { directory: string; database: string }, problems: StoreProblem[] = []) {
	return createSqliteStore({
		dataDirectory: place.directory,
		path: place.database,
		clock: systemClock,
		onProblem: (problem) => problems.push(problem),
	});
}

/** Runs nothing until it is told to. */
export function manualScheduler() {
	const soon: (() => void)[] = [];
	const later: { delayMs: number; task: () => void }[] = [];
	const scheduler: Scheduler = {
		soon: (task) => void soon.push(task),
		later: (delayMs, task) => void later.push({ delayMs, task }),
		pause: () => Promise.resolve(),
	};
	return {
		scheduler,
		soon,
		later,
		runSoon() {
			for (const task of soon.splice(0)) {
				task();
			}
		},
		runLater() {
			for (const { task } of later.splice(0)) {
				task();
			}
		},
	};
}
