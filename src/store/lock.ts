import { Database } from "bun:sqlite";
import { ensurePrivateFile } from "./private-files.ts";
import { sqliteCode } from "./sqlite-errors.ts";
import { StoreRefused } from "./store-refused.ts";

/** How long to wait for a gateway that is just ending. */
const WAIT_MS = 500;

/**
 * Keeps a second gateway away from the same database: it would settle the first one's running requests as crashed, and
 * both would spend the same budgets. The lock is the operating system's, held through an empty SQLite file, because Bun has
 * no flock; it ends with the process, however that ends. Backup tools and shells may still read the database itself.
 * @throws StoreRefused when another process holds it.
 */
export function lockDatabase(databasePath: string): { close(): void } {
	const path = `${databasePath}.lock`;
	ensurePrivateFile(path);
	const client = new Database(path);
	try {
		client.run(`PRAGMA busy_timeout = ${WAIT_MS}`);
		// Nothing is ever written, but SQLite would open a journal file all the same.
		client.run("PRAGMA journal_mode = MEMORY");
		client.run("BEGIN EXCLUSIVE");
	} catch (error) {
		client.close();
		if (sqliteCode(error) !== "SQLITE_BUSY") {
			throw error;
		}
		throw new StoreRefused(
			`Another gateway is using the database ${databasePath}. Stop it first, or give this one its own data directory.`,
			{ cause: error },
		);
	}
	return { close: () => client.close() };
}
