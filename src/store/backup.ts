import type { Database } from "bun:sqlite";
import { closeSync, existsSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensurePrivateDirectory } from "./private-files.ts";
import { StoreRefused } from "./store-refused.ts";

const BACKUPS_MAX = 3;
const PARTIAL = ".partial";
const BACKUP_NAME = /^before-migration-\d{8}T\d{9}Z-schema\d+\.db$/;

/**
 * Copies the whole database before its schema changes; keeps the last three copies.
 * @returns The path of the copy.
 * @throws StoreRefused when there is no room for it: without a copy nothing is migrated.
 */
export function backUpDatabase(
	client: Database,
	{ directory, version, atMs }: { readonly directory: string; readonly version: number; readonly atMs: number },
): string {
	const time = new Date(atMs).toISOString().replaceAll(/[-:.]/g, "");
	const path = join(directory, `before-migration-${time}-schema${version}.db`);
	const partial = `${path}${PARTIAL}`;
	try {
		ensurePrivateDirectory(directory);
		removePartial(directory);
		// VACUUM INTO takes an empty file as its target and keeps that file's mode.
		closeSync(openSync(partial, "wx", 0o600));
		client.query("VACUUM INTO ?").run(partial);
		// Only what is whole bears the name of a copy: the process may be killed at any moment.
		renameSync(partial, path);
	} catch (error) {
		if (existsSync(partial)) {
			rmSync(partial);
		}
		throw new StoreRefused(
			`The database has to be brought to a newer schema, and the copy made before that could not be written to ${path}. ` +
				"Nothing was changed. Free disk space and start again.",
			{ cause: error },
		);
	}
	pruneBackups(directory);
	return path;
}

/** What was left of a copy that was not finished, SQLite's journal of it too. */
function removePartial(directory: string): void {
	const names = existsSync(directory) ? readdirSync(directory) : [];
	for (const name of names.filter((one) => one.startsWith("before-migration-") && one.includes(PARTIAL))) {
		rmSync(join(directory, name), { force: true });
	}
}

/** The names sort by time. Files of other names are somebody else's. */
function pruneBackups(directory: string): void {
	const names = readdirSync(directory).filter((name) => BACKUP_NAME.test(name));
	for (const name of names.sort().slice(0, -BACKUPS_MAX)) {
		rmSync(join(directory, name), { force: true });
	}
}
