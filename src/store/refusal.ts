import { instanceFileOf } from "./instance.ts";
import { sqliteCode } from "./sqlite-errors.ts";
import { StoreRefused } from "./store-refused.ts";

/** What an operator can do about an error met while opening. Anything unknown stays what it is. */
export function refusalOf(error: unknown, path: string, backupDirectory: string): unknown {
	if (error instanceof StoreRefused) {
		return error;
	}
	switch (sqliteCode(error) ?? systemCode(error)) {
		case "SQLITE_NOTADB":
		case "SQLITE_CORRUPT":
			return damaged({ path, backupDirectory, detail: error });
		case "SQLITE_READONLY":
		case "SQLITE_CANTOPEN":
		case "SQLITE_PERM":
		case "EACCES":
		case "EPERM":
		case "EROFS":
			return new StoreRefused(
				`The database ${path} cannot be written. Give the user that runs the gateway write access to the file and its ` +
					"directory, or choose another directory with --data.",
				{ cause: error },
			);
		case "SQLITE_FULL":
		case "SQLITE_IOERR":
		case "ENOSPC":
			return new StoreRefused(
				`The disk of ${path} refuses to be read or written. Free space on it or repair it, then start again.`,
				{ cause: error },
			);
		case "SQLITE_BUSY":
			return new StoreRefused(
				`Another program keeps the database ${path} locked. End it (a shell, a backup), then start again.`,
				{ cause: error },
			);
		default:
			return error;
	}
}

/** A file that is not what SQLite wrote. It is left alone, so that it can still be repaired. */
export function damaged(found: {
	readonly path: string;
	readonly backupDirectory: string;
	readonly detail: unknown;
}): StoreRefused {
	const detail = found.detail instanceof Error ? found.detail.message : String(found.detail);
	return new StoreRefused(
		`The database ${found.path} is damaged (${detail}). Nothing was changed. Put back a backup (copies made before ` +
			`migrations are in ${found.backupDirectory}), or move the file and ${instanceFileOf(found.path)} away to start ` +
			"with an empty one: all virtual keys are gone then.",
		{ cause: found.detail },
	);
}

function systemCode(error: unknown): string | undefined {
	return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
