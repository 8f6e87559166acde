import ledger from "./migrations/sqlite/0000_ledger.sql" with { type: "text" };

/**
 * Every migration in order, as text inside the binary. The schema version of a database is how many it has been through.
 * A test compares this list with the journal that drizzle-kit keeps.
 */
export const SQLITE_MIGRATIONS: readonly string[] = [ledger];
