import type { Clock } from "../lib/clock.ts";
import { newId } from "../lib/ids.ts";
import { createAttemptReader } from "./attempt-reader.ts";
import { postgresColumns } from "./columns.postgres.ts";
import { createConversationItems } from "./conversation-items.ts";
import { createConversationStore } from "./conversation-store.ts";
import { createDeploymentStateStore } from "./deployment-state-store.ts";
import { createKeyStore } from "./key-store.ts";
import { POSTGRES_MIGRATIONS } from "./migrations.postgres.ts";
import { openOutbox } from "./outbox.ts";
import type { Outbox } from "./outbox-types.ts";
import { createPostgresAttemptLog, createWriteAttempts } from "./postgres-attempt-log.ts";
import { createPostgresBudgets } from "./postgres-budgets.ts";
import { createBury } from "./postgres-bury.ts";
import { createRecorded, openPostgresChanges } from "./postgres-changes.ts";
import type { PoolState } from "./postgres-connections.ts";
import { createPostgresDb, createPostgresTransact } from "./postgres-db.ts";
import { createPostgresHousekeeping } from "./postgres-housekeeping.ts";
import { createPostgresMembership } from "./postgres-membership.ts";
import { openPostgres } from "./postgres-open.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import { createPostgresRecover } from "./postgres-recover.ts";
import { createPostgresWriter, type PostgresAttemptWriter } from "./postgres-writer.ts";
import { createResponseStore } from "./response-store.ts";
import { systemScheduler } from "./scheduler.ts";
import { defineTables } from "./tables.ts";
import { createTeamStore } from "./team-store.ts";
import type { SharedStore, Store, StoreProblem } from "./types.ts";
import { createUnservedBook } from "./unserved-book.ts";
import { createUnservedRows } from "./unserved-rows.ts";

/** Rows that one statement adds up: well within the time that a statement may take. */
const SLICE_ROWS_MAX = 50_000;
const READY_MS = 1_000;

export interface PostgresStoreOptions {
	/** `postgres://…` */
	readonly url: string;
	/** Most connections of this instance. */
	readonly connectionsMax: number;
	/** Of this instance alone: what the database does not take waits in it, also for the next start. */
	readonly dataDirectory: string;
	readonly clock: Clock;
	readonly onProblem: (problem: StoreProblem) => void;
	/** What a lease of budgets may take. Milliseconds; default 1,000. */
	readonly leaseMsMax?: number | undefined;
}

export interface PostgresStore extends Store {
	readonly shared: SharedStore;
	readonly writer: PostgresAttemptWriter;
	/** Stays the same for the life of the database. */
	readonly instanceId: string;
	connections(): PoolState;
}

/**
 * The store of several instances: they share one database, and each may begin and end as it likes. This one is among those
 * that live from now on.
 * @throws StoreRefused when the database or the data directory may not be used as they are: its message tells the operator
 * what to do.
 */
export async function createPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
	const outbox = openOutbox({ directory: options.dataDirectory });
	let pool: PostgresPool | undefined;
	try {
		const opened = await openPostgres({ ...options, migrations: POSTGRES_MIGRATIONS });
		pool = opened.pool;
		return await createStore({ ...options, ...opened, outbox });
	} catch (error) {
		pool?.close();
		outbox.close();
		throw error;
	}
}

interface Parts extends PostgresStoreOptions {
	readonly pool: PostgresPool;
	readonly schema: { readonly instanceId: string };
	readonly outbox: Outbox;
}

async function createStore({ pool, schema, outbox, onProblem, ...options }: Parts): Promise<PostgresStore> {
	const instanceId = newId("ins");
	const tables = defineTables(postgresColumns);
	const db = createPostgresDb(pool);
	const transact = createPostgresTransact(pool);
	const write = createWriteAttempts(tables, instanceId);
	const bury = createBury({ transact, tables, write });
	const membership = createPostgresMembership({ pool, instanceId, clock: options.clock, bury });
	// First of all: rows of an instance that nobody knows are taken for those of a dead one.
	await membership.beat();
	const changes = await openPostgresChanges(pool);
	const log = createPostgresAttemptLog(pool, write);
	const writer = createPostgresWriter({ log, outbox, instance: instanceId, scheduler: systemScheduler, onProblem });
	// Nothing here holds up the event loop.
	const turn = () => Promise.resolve();
	const keeping = { db, transact, tables, turn, items: createConversationItems(tables) };
	const unserved = createUnservedBook({
		rows: createUnservedRows({ db, tables }),
		...{ clock: options.clock, scheduler: systemScheduler, onProblem },
	});
	const recording = { db, tables, turn, recorded: createRecorded(transact) };

	return {
		shared: {
			instanceId,
			budgets: createPostgresBudgets({ pool, instanceId, leaseMsMax: options.leaseMsMax }),
			membership: {
				...membership,
				async leave() {
					// What waits on local disk was settled: without it, it would be charged at its reservation, for good.
					await writer.drained();
					await membership.leave();
				},
			},
			changes,
		},
		instanceId: schema.instanceId,
		keys: createKeyStore(recording),
		teams: createTeamStore(recording),
		attempts: {
			...createAttemptReader({ db, tables, turn, sliceRowsMax: SLICE_ROWS_MAX }),
			recover: createPostgresRecover({ pool, outbox, instanceId, bury, drained: writer.drained }),
		},
		writer,
		unserved,
		backlog: { queuedRows: writer.queued, outboxRows: writer.outboxRows },
		deploymentStates: createDeploymentStateStore(recording),
		responses: createResponseStore(keeping),
		conversations: createConversationStore(keeping),
		housekeeping: createPostgresHousekeeping({ pool, db, transact, tables, instanceId }),
		connections: pool.state,
		ready: () => isAnswering(pool),
		async close() {
			await unserved.close();
			await writer.close();
			pool.close();
			outbox.close();
		},
	};
}

async function isAnswering(pool: PostgresPool): Promise<boolean> {
	try {
		await pool.run((connection) => connection.values("select 1 from meta limit 1"), READY_MS);
		return true;
	} catch {
		// The question is whether it answers; why it does not is told by the writer.
		return false;
	}
}
