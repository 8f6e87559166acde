import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { StoreRefused } from "./store-refused.ts";

const OTHERS_MASK = 0o077;

/**
 * Creates a directory, and those above it, for this user alone. Leaves an existing one as it is.
 * @throws StoreRefused when it cannot be created or written.
 */
export function ensurePrivateDirectory(path: string): void {
	try {
		mkdirSync(path, { recursive: true, mode: 0o700 });
		accessSync(path, constants.W_OK);
	} catch (error) {
		const detail = error instanceof Error ? error.message : String(error);
		throw new StoreRefused(
			`The directory ${path} cannot be written (${detail}). Give the user that runs the gateway write access to it, ` +
				"or choose another directory with --data.",
			{ cause: error },
		);
	}
}

/** Creates an empty file for this user alone. SQLite gives the mode of a database to its -wal and -shm files. */
export function ensurePrivateFile(path: string): void {
	// An existing file is not opened: closing it would drop the locks that this process may hold on it (POSIX).
	if (!existsSync(path)) {
		closeSync(openSync(path, "a", 0o600));
	}
}

/** Whether the group or others have any right to a file. */
export function isOpenToOthers(path: string): boolean {
	return (statSync(path).mode & OTHERS_MASK) !== 0;
}
