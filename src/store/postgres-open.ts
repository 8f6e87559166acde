import { SQL } from "bun";
import { connector } from "./postgres-connection.ts";
import { PostgresLost, PostgresTimeout, sqlState } from "./postgres-errors.ts";
import { migratePostgres, type PostgresSchema } from "./postgres-migrate.ts";
import { createPostgresPool, type PostgresPool } from "./postgres-pool.ts";
import { StoreRefused } from "./store-refused.ts";

const CONNECT_MS = 1_000;
/** What one statement may take in the server. */
const STATEMENT_MS = 2_000;
const LOCK_MS = 1_500;
/** What one job may take here: above the server's own limits, which tell more about what was wrong. */
const JOB_MS = 2_500;
/** The first statement waits for another instance that migrates. */
const MIGRATION_JOB_MS = 330_000;

export interface PostgresOptions {
	readonly url: string;
	readonly connectionsMax: number;
	readonly migrations: readonly string[];
}

/**
 * Connects, and brings the schema up to date.
 * @throws StoreRefused when the database may not be used as it is, or cannot be reached.
 */
export async function openPostgres(
	options: PostgresOptions,
): Promise<{ readonly pool: PostgresPool; readonly schema: PostgresSchema }> {
	const connect = connector(options.url, { connectMs: CONNECT_MS, statementMs: STATEMENT_MS, lockMs: LOCK_MS });
	const pool = createPostgresPool({ connect, connectionsMax: options.connectionsMax, deadlineMs: JOB_MS });
	const connection = connect();
	try {
		const schema = await withDeadline(migratePostgres(connection, options.migrations), MIGRATION_JOB_MS);
		return { pool, schema };
	} catch (error) {
		pool.close();
		throw postgresRefusal(error, options.url);
	} finally {
		connection.destroy();
	}
}

async function withDeadline<Result>(work: Promise<Result>, limitMs: number): Promise<Result> {
	const { promise, reject } = Promise.withResolvers<never>();
	const timer = setTimeout(
		() => reject(new PostgresTimeout(`PostgreSQL did not answer within ${limitMs} ms.`)),
		limitMs,
	);
	try {
		return await Promise.race([work, promise]);
	} finally {
		clearTimeout(timer);
	}
}

/** What an operator can do about an error met while opening. Never names the URL whole: it holds a password. */
export function postgresRefusal(error: unknown, url: string): unknown {
	if (error instanceof StoreRefused) {
		return error;
	}
	const place = placeOf(url);
	const detail = error instanceof Error ? error.message : String(error);
	const advice = adviceOf(sqlState(error));
	if (advice !== undefined) {
		return new StoreRefused(`PostgreSQL at ${place} refuses (${detail}). ${advice}`, { cause: error });
	}
	if (error instanceof SQL.PostgresError || error instanceof PostgresTimeout || error instanceof PostgresLost) {
		return new StoreRefused(
			`PostgreSQL at ${place} cannot be used (${detail}). Check database.url and that the server runs and can be reached.`,
			{ cause: error },
		);
	}
	return error;
}

function adviceOf(state: string | undefined): string | undefined {
	switch (state) {
		case undefined:
			return undefined;
		case "28P01":
		case "28000":
			return "Check the user and the password in database.url.";
		case "3D000":
			return "Create the database that database.url names.";
		case "42501":
			return "Give the user the right to create and change tables in its schema.";
		case "53300":
			return "The server has no connection left: raise its max_connections, or lower database.max_connections.";
		case "55P03":
			return "A table is in use: end what holds it locked, then start again.";
		default:
			return "See the server's log.";
	}
}

/** Host and database, without user and password. */
export function placeOf(url: string): string {
	const parsed = URL.parse(url);
	return parsed === null ? "database.url" : `${parsed.host}${parsed.pathname}`;
}
