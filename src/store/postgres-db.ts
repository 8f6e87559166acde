import { drizzle } from "drizzle-orm/pg-proxy";
import type { Db } from "./db.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { isCollision } from "./postgres-errors.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import { inTurn, type Steps } from "./transact.ts";

/** How often a transaction begins again after it met another one. */
const TRIES_MAX = 4;

type RunStatement = PostgresConnection["values"];

/** The same face as SQLite's. Each statement takes a connection of the pool for itself. */
export function createPostgresDb(pool: PostgresPool): Db {
	return dbOn((text, parameters) => pool.run((connection) => connection.values(text, parameters)));
}

/** Whatever runs the statements. */
export function dbOn(run: RunStatement): Db {
	const db = drizzle(async (text, parameters) => ({ rows: [...(await run(text, parameters))] }));
	// drizzle has no common type for its dialects. Every query builder can be awaited, which is all that Db promises.
	return db as unknown as Db;
}

/** As Transact, with statements in PostgreSQL's own words too. */
export type PostgresTransact = <Result>(steps: (db: Db, values: RunStatement) => Steps<Result>) => Promise<Result>;

/** @param deadlineMs For the whole of it, however often it begins again; undefined: that of the pool each time. */
export function createPostgresTransact(pool: PostgresPool, deadlineMs?: number): PostgresTransact {
	async function once<Result>(
		steps: Parameters<typeof transact<Result>>[0],
		leftMs: number | undefined,
	): Promise<Result> {
		return pool.run(async (connection) => {
			// What is read after a lock has to be what was committed before it, whatever the server's default is.
			await connection.values("begin isolation level read committed");
			try {
				const result = await inTurn(steps(dbOn(connection.values), connection.values));
				await connection.values("commit");
				return result;
			} catch (error) {
				// A connection that cannot even do that is not used again, and the server rolls back by itself.
				await connection.values("rollback").catch(connection.destroy);
				throw error;
			}
		}, leftMs);
	}

	const transact: PostgresTransact = async (steps) => {
		const startedMs = performance.now();
		for (let tries = 1; ; tries += 1) {
			const leftMs = deadlineMs === undefined ? undefined : Math.ceil(deadlineMs - (performance.now() - startedMs));
			try {
				return await once(steps, leftMs);
			} catch (error) {
				if (!isCollision(error) || tries >= TRIES_MAX) {
					throw error;
				}
			}
		}
	};
	return transact;
}
