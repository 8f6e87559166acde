import type { Clock } from "../lib/clock.ts";
import { createAttemptLog } from "./attempt-log.ts";
import { createAttemptReader } from "./attempt-reader.ts";
import { sqliteColumns } from "./columns.sqlite.ts";
import { createConversationItems } from "./conversation-items.ts";
import { createConversationStore } from "./conversation-store.ts";
import { createSqliteDb } from "./db.ts";
import { createDeploymentStateStore } from "./deployment-state-store.ts";
import { createDropOldestKept } from "./drop-oldest-kept.ts";
import { createHousekeeping } from "./housekeeping.ts";
import { createIdleCheckpoint } from "./idle-checkpoint.ts";
import { createKeyStore } from "./key-store.ts";
import { SQLITE_MIGRATIONS } from "./migrations.sqlite.ts";
import { openDatabase } from "./open.ts";
import { unrecorded } from "./recorded.ts";
import { createRecover } from "./recover-attempts.ts";
import { createResponseStore } from "./response-store.ts";
import { systemScheduler } from "./scheduler.ts";
import { defineTables } from "./tables.ts";
import { createTeamStore } from "./team-store.ts";
import { createSqliteTransact } from "./transact.ts";
import type { Store, StoreProblem } from "./types.ts";
import { createUnservedBook } from "./unserved-book.ts";
import { createDropOldestUnserved, createUnservedRows } from "./unserved-rows.ts";
import { createAttemptWriter, type GroupCommitWriter } from "./writer.ts";

/** About 10 ms of the event loop. */
const SLICE_ROWS_MAX = 3_000;

/** The same of single rows that are added up here, not in SQL. */
const HOUSEKEEPING_ROWS_MAX = 250;

export interface SqliteStoreOptions {
	/** For backups; created for this user alone. */
	readonly dataDirectory: string;
	/** The database file. Files beside it, named after it: `.instance`, `.lock`, and SQLite's `-wal` and `-shm`. */
	readonly path: string;
	readonly clock: Clock;
	readonly onProblem: (problem: StoreProblem) => void;
	/** `full` flushes the disk at each commit and so survives a power cut too. Default `normal`: survives kill -9. */
	readonly synchronous?: "normal" | "full";
}

export interface SqliteStore extends Store {
	readonly writer: GroupCommitWriter;
	/** Stays the same for the life of the database. */
	readonly instanceId: string;
	/** The copy made before this start brought the schema up to date; undefined when it did not have to. */
	readonly backup: string | undefined;
}

/**
 * The embedded store: one connection, one process.
 * @throws StoreRefused when the database may not be used as it is: its message tells the operator what to do.
 */
export async function createSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
	const { clock, onProblem } = options;
	const database = openDatabase({
		...options,
		synchronous: options.synchronous ?? "normal",
		migrations: SQLITE_MIGRATIONS,
	});
	const { client } = database;
	const tables = defineTables(sqliteColumns);
	const { db, syncDb } = createSqliteDb(client);
	const log = createAttemptLog({ client, syncDb, tables });
	const checkpoint = createIdleCheckpoint({ client, clock, scheduler: systemScheduler });
	const writer = createAttemptWriter({ log, scheduler: systemScheduler, onProblem, onCommit: checkpoint.committed });
	const turn = () => new Promise<void>((resolve) => systemScheduler.soon(resolve));
	const items = createConversationItems(tables);
	const transact = createSqliteTransact(client, db, checkpoint.committed);
	const keeping = { db, transact, tables, items, turn };
	const recorded = unrecorded(db);
	const unserved = createUnservedBook({
		rows: createUnservedRows({ db, tables }),
		...{ clock, scheduler: systemScheduler, onProblem },
	});

	return {
		shared: undefined,
		instanceId: database.instanceId,
		backup: database.backup,
		keys: createKeyStore({ db, tables, recorded, turn }),
		teams: createTeamStore({ db, tables, recorded }),
		attempts: {
			...createAttemptReader({ db, tables, turn, sliceRowsMax: SLICE_ROWS_MAX }),
			recover: createRecover({ db, tables, log, turn }),
		},
		writer,
		unserved,
		backlog: { queuedRows: writer.queued, outboxRows: undefined },
		deploymentStates: createDeploymentStateStore({ db, tables, recorded }),
		responses: createResponseStore(keeping),
		conversations: createConversationStore(keeping),
		housekeeping: createHousekeeping({
			client,
			syncDb,
			tables,
			turn,
			onCommit: checkpoint.committed,
			dropOldestKept: createDropOldestKept(keeping),
			dropOldestUnserved: createDropOldestUnserved(keeping),
			sliceRowsMax: HOUSEKEEPING_ROWS_MAX,
		}),
		async ready() {
			try {
				await db.select().from(tables.meta).limit(1);
				return true;
			} catch {
				// The question is whether it answers; why it does not is told by the writer.
				return false;
			}
		},
		async close() {
			await unserved.close();
			await writer.close();
			checkpoint.close();
			database.close();
		},
	};
}
