import { SQLiteError } from "bun:sqlite";

/** Primary result codes that speak about the values of one row, so that trying again can never help. */
const ROW_FAULTS = new Set(["SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_TOOBIG", "SQLITE_RANGE"]);

/** The primary result code of an error, such as `SQLITE_FULL`; undefined when SQLite did not raise it. */
export function sqliteCode(error: unknown): string | undefined {
	const raised = error instanceof Error && !(error instanceof SQLiteError) ? error.cause : error;
	// Extended codes (SQLITE_IOERR_WRITE) begin with their primary one, which has a single underscore.
	return raised instanceof SQLiteError ? raised.code?.split("_", 2).join("_") : undefined;
}

/** True when the row is at fault, not the disk: everything SQLite did not raise is a mistake in the row's values. */
export function isRowFault(error: unknown): boolean {
	const code = sqliteCode(error);
	return code === undefined || ROW_FAULTS.has(code);
}
