import type { Database } from "bun:sqlite";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { StoreRefused } from "./store-refused.ts";

const META_KEY = "instance_id";

/** Says that a database once existed here, and which: an empty file in its place must not pass for a new one. */
export function instanceFileOf(databasePath: string): string {
	return `${databasePath}.instance`;
}

/** @throws StoreRefused when a database that once existed is missing or empty. */
export function refuseLostDatabase(databasePath: string, backupDirectory: string): void {
	const file = instanceFileOf(databasePath);
	if (existsSync(file)) {
		throw new StoreRefused(
			`The database ${databasePath} is missing or empty, but ${file} says that there was one: its virtual keys and ` +
				`spend would be lost. Put the database back (backups are kept in ${backupDirectory}), or delete ${file} to ` +
				"start with an empty one.",
		);
	}
}

export function writeInstanceId(client: Database, id: string): void {
	client.query("insert into meta (key, value) values (?, ?)").run(META_KEY, id);
}

/** "" when the row is gone, which no file ever names. */
export function readInstanceId(client: Database): string {
	return client.query<{ value: string }, [string]>("select value from meta where key = ?").get(META_KEY)?.value ?? "";
}

/**
 * Compares the database with the file beside it, and writes that file where it is missing.
 * @throws StoreRefused when the file names another database.
 */
export function agreeOnInstance(databasePath: string, id: string): void {
	const file = instanceFileOf(databasePath);
	if (!existsSync(file)) {
		// Written whole and then renamed: a crash in between must not leave an empty file that refuses the next start.
		writeFileSync(`${file}.new`, `${id}\n`, { mode: 0o600 });
		renameSync(`${file}.new`, file);
		return;
	}
	if (readFileSync(file, "utf8").trim() !== id) {
		throw new StoreRefused(
			`The database ${databasePath} is not the one that ${file} names: it has been replaced. Put the right one back, ` +
				`or delete ${file} to accept this one.`,
		);
	}
}
