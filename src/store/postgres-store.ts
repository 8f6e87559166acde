import { createAttemptReader } from "./attempt-reader.ts";
import { postgresColumns } from "./columns.postgres.ts";
import { createConversationItems } from "./conversation-items.ts";
import { createConversationStore } from "./conversation-store.ts";
import { createDeploymentStateStore } from "./deployment-state-store.ts";
import { createKeyStore } from "./key-store.ts";
import { POSTGRES_MIGRATIONS } from "./migrations.postgres.ts";
import { createPostgresAttemptLog } from "./postgres-attempt-log.ts";
import type { PoolState } from "./postgres-connections.ts";
import { createPostgresDb, createPostgresTransact } from "./postgres-db.ts";
import { createPostgresHousekeeping } from "./postgres-housekeeping.ts";
import { openPostgres } from "./postgres-open.ts";
import { createPostgresWriter, type PostgresAttemptWriter } from "./postgres-writer.ts";
import { createResponseStore } from "./response-store.ts";
import { systemScheduler } from "./scheduler.ts";
import { defineTables } from "./tables.ts";
import { createTeamStore } from "./team-store.ts";
import type { Store, StoreProblem } from "./types.ts";

/** Rows that one statement adds up: well within the time that a statement may take. */
const SLICE_ROWS_MAX = 50_000;
const READY_MS = 1_000;

export interface PostgresStoreOptions {
	/** `postgres://…` */
	readonly url: string;
	/** Most connections of this instance. */
	readonly connectionsMax: number;
	readonly onProblem: (problem: StoreProblem) => void;
}

export interface PostgresStore extends Store {
	readonly writer: PostgresAttemptWriter;
	/** Stays the same for the life of the database. */
	readonly instanceId: string;
	connections(): PoolState;
}

/**
 * The store of several instances: they share one database, and each may begin and end as it likes.
 * @throws StoreRefused when the database may not be used as it is: its message tells the operator what to do.
 */
export async function createPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
	const { pool, schema } = await openPostgres({ ...options, migrations: POSTGRES_MIGRATIONS });
	const tables = defineTables(postgresColumns);
	const db = createPostgresDb(pool);
	const transact = createPostgresTransact(pool);
	const log = createPostgresAttemptLog({ pool, tables });
	const writer = createPostgresWriter({ log, scheduler: systemScheduler, onProblem: options.onProblem });
	// Nothing here holds up the event loop.
	const turn = () => Promise.resolve();
	const keeping = { db, transact, tables, turn, items: createConversationItems(tables) };

	return {
		shared: undefined,
		instanceId: schema.instanceId,
		keys: createKeyStore({ db, tables, turn }),
		teams: createTeamStore({ db, tables }),
		attempts: createAttemptReader({ db, tables, log, turn, sliceRowsMax: SLICE_ROWS_MAX }),
		writer,
		deploymentStates: createDeploymentStateStore({ db, tables }),
		responses: createResponseStore(keeping),
		conversations: createConversationStore(keeping),
		housekeeping: createPostgresHousekeeping({ pool, db, transact, tables }),
		connections: pool.state,
		async ready() {
			try {
				await pool.run((connection) => connection.values("select 1 from meta limit 1"), READY_MS);
				return true;
			} catch {
				// The question is whether it answers; why it does not is told by the writer.
				return false;
			}
		},
		async close() {
			await writer.close();
			pool.close();
		},
	};
}
