import type { Database } from "bun:sqlite";
import { drizzle } from "drizzle-orm/bun-sqlite";
import type { BaseSQLiteDatabase } from "drizzle-orm/sqlite-core";

type Schema = Record<string, never>;

/** What repositories are written against. Awaiting works on both dialects; bun:sqlite answers at once. */
export type Db = BaseSQLiteDatabase<"async", unknown, Schema>;

/** The synchronous face of the same connection, for the ledger's transactions: they must not contain an await. */
export type SyncDb = BaseSQLiteDatabase<"sync", { readonly changes: number }, Schema>;

export function createSqliteDb(client: Database): { readonly db: Db; readonly syncDb: SyncDb } {
	const db = drizzle(client);
	return {
		// drizzle has no common type for its dialects. Every query builder can be awaited, which is all that Db promises.
		db: db as unknown as Db,
		// drizzle types the result of run() as void; bun:sqlite returns the number of changed rows.
		syncDb: db as unknown as SyncDb,
	};
}
