import { Database } from "bun:sqlite";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { backUpDatabase } from "./backup.ts";
import { agreeOnInstance, readInstanceId, refuseLostDatabase, writeInstanceId } from "./instance.ts";
import { lockDatabase } from "./lock.ts";
import { migrate, readSchemaState } from "./migrate.ts";
import { ensurePrivateDirectory, ensurePrivateFile, isOpenToOthers } from "./private-files.ts";
import { damaged, refusalOf } from "./refusal.ts";
import { isRowFault, sqliteCode } from "./sqlite-errors.ts";
import { StoreRefused } from "./store-refused.ts";
import type { StoreProblem } from "./types.ts";

/** While opening, another process (a backup, a gateway that is stopping) may hold the database for a while. */
const OPEN_BUSY_TIMEOUT_MS = 5_000;
/** While serving, a wait blocks every request: rows that meet a lock wait in the writer's journal instead. */
const SERVE_BUSY_TIMEOUT_MS = 100;
/** `busy_timeout` does not cover the switch to WAL. */
const WAL_TRIES_MAX = 20;
const WAL_RETRY_MS = 50;
/** Checking takes about 3 ms a megabyte. Above this the tables that grow are left out; their damage shows when they are read. */
const WHOLE_CHECK_BYTES_MAX = 64 * 1024 * 1024;
/** 16 MB of log before a commit has to copy it back; the usual copying is done when the gateway is idle. */
const WAL_AUTOCHECKPOINT_PAGES = 4_000;
const GROWING_TABLES = new Set([
	"attempts",
	"spend_days",
	"unserved_requests",
	"responses",
	"response_items",
	"conversations",
	"conversation_items",
]);

export interface OpenOptions {
	readonly dataDirectory: string;
	/** The database file. */
	readonly path: string;
	readonly migrations: readonly string[];
	/** `normal` survives kill -9; `full` also survives a power cut, at the price of a disk flush for each commit. */
	readonly synchronous: "normal" | "full";
	readonly clock: Clock;
	readonly onProblem: (problem: StoreProblem) => void;
}

export interface OpenedDatabase {
	readonly client: Database;
	readonly instanceId: string;
	/** The copy made before a migration; undefined when there was none. */
	readonly backup: string | undefined;
	/** Copies the log back, closes, and lets other processes in. Leaves no -wal file. */
	close(): void;
}

/**
 * Opens the one connection that reads and writes, checks the database and brings its schema up to date.
 * @throws StoreRefused when the database may not be used as it is; nothing has been changed then.
 */
export function openDatabase(options: OpenOptions): OpenedDatabase {
	const { path } = options;
	const backupDirectory = join(options.dataDirectory, "backups");
	const held: { close(): void }[] = [];
	let opened = false;
	function closeAll() {
		for (const resource of held.splice(0).reverse()) {
			resource.close();
		}
	}
	try {
		ensurePrivateDirectory(options.dataDirectory);
		ensurePrivateDirectory(dirname(path));
		held.push(lockDatabase(path));
		if (!existsSync(path) || statSync(path).size === 0) {
			refuseLostDatabase(path, backupDirectory);
		}
		ensurePrivateFile(path);
		const client = new Database(path, { readwrite: true, create: false });
		held.push(client);
		opened = true;
		const { instanceId, backup } = prepare(client, options, backupDirectory);
		if (isOpenToOthers(path)) {
			options.onProblem({ kind: "file_open_to_others", path });
		}
		return { client, instanceId, backup, close: () => leave(client, closeAll) };
	} catch (error) {
		const reader = opened ? readerOf(path) : undefined;
		closeAll();
		reader?.close();
		throw refusalOf(error, path, backupDirectory);
	}
}

/**
 * The last connection that may write copies the log back into the database when it closes. One that is refused must stay as
 * it is, so somebody who may only read is there until after that.
 */
function readerOf(path: string): Database | undefined {
	try {
		const reader = new Database(path, { readonly: true });
		reader.query("select 1 from sqlite_schema limit 1").get();
		return reader;
	} catch {
		// Not there, or no database: no log of it was read either.
		return undefined;
	}
}

function prepare(client: Database, options: OpenOptions, backupDirectory: string) {
	const { path, migrations } = options;
	// First of all: bun:sqlite does not wait at all by default.
	client.run(`PRAGMA busy_timeout = ${OPEN_BUSY_TIMEOUT_MS}`);
	// Reads only, until it is known whose file this is and that it is whole.
	const version = readVersion(client, options);
	if (version === 0) {
		refuseLostDatabase(path, backupDirectory);
	} else {
		checkPages(client, path, backupDirectory);
		agreeOnInstance(path, readInstanceId(client));
	}
	if (version === 0) {
		// Before anything else is written: a file keeps what it began with until it is rebuilt.
		client.run("PRAGMA auto_vacuum = INCREMENTAL");
	}
	setUp(client, options.synchronous);
	// Raises SQLITE_READONLY now instead of at the first request.
	client.transaction(() => {}).immediate();
	let backup: string | undefined;
	if (version > 0 && version < migrations.length) {
		backup = backUpDatabase(client, { directory: backupDirectory, version, atMs: options.clock.now() });
	}
	if (version < migrations.length) {
		migrate(client, migrations, version, () => {
			if (version === 0) {
				writeInstanceId(client, crypto.randomUUID());
			}
		});
	}
	const instanceId = readInstanceId(client);
	agreeOnInstance(path, instanceId);
	client.run(`PRAGMA busy_timeout = ${SERVE_BUSY_TIMEOUT_MS}`);
	return { instanceId, backup };
}

/** 0 for a new database. */
function readVersion(client: Database, { path, migrations }: OpenOptions): number {
	const state = readSchemaState(client);
	if (state.kind === "foreign") {
		throw new StoreRefused(
			`${path} is the database of another program. Name another file in database.url (sqlite:PATH) or move this one away.`,
		);
	}
	if (state.kind === "known" && state.version > migrations.length) {
		throw new StoreRefused(
			`The database ${path} was written by a newer gateway-llm (schema ${state.version}; this one knows up to ` +
				`${migrations.length}). Start the newer version, or put back a backup made before the upgrade.`,
		);
	}
	return state.kind === "known" ? state.version : 0;
}

function setUp(client: Database, synchronous: OpenOptions["synchronous"]): void {
	for (let tries = 1; ; tries += 1) {
		try {
			client.run("PRAGMA journal_mode = WAL");
			break;
		} catch (error) {
			if (sqliteCode(error) !== "SQLITE_BUSY" || tries >= WAL_TRIES_MAX) {
				throw error;
			}
			Bun.sleepSync(WAL_RETRY_MS);
		}
	}
	client.run(`PRAGMA synchronous = ${synchronous}`);
	client.run("PRAGMA foreign_keys = ON");
	client.run("PRAGMA trusted_schema = OFF");
	// Sorting in memory: the gateway writes no file outside its data directory.
	client.run("PRAGMA temp_store = MEMORY");
	client.run(`PRAGMA wal_autocheckpoint = ${WAL_AUTOCHECKPOINT_PAGES}`);
}

/** @throws StoreRefused when a page is damaged. */
function checkPages(client: Database, path: string, backupDirectory: string): void {
	const tables = client.query<{ name: string }, []>("select name from sqlite_schema where type = 'table'").all();
	const checks =
		statSync(path).size <= WHOLE_CHECK_BYTES_MAX
			? ["PRAGMA quick_check(1)"]
			: tables.filter(({ name }) => !GROWING_TABLES.has(name)).map(({ name }) => `PRAGMA quick_check('${name}')`);
	for (const check of checks) {
		const found = client.query<{ quick_check: string }, []>(check).get()?.quick_check;
		if (found !== "ok") {
			throw damaged({ path, backupDirectory, detail: found });
		}
	}
}

function leave(client: Database, closeAll: () => void): void {
	try {
		client.run("PRAGMA wal_checkpoint(TRUNCATE)");
		// Closing alone leaves the -wal file while a prepared statement lives; leaving WAL mode removes it.
		client.run("PRAGMA journal_mode = DELETE");
	} catch (error) {
		// A reader (a shell, a replication tool) is still there. The log stays for it, and is copied back at the next start.
		if (isRowFault(error)) {
			throw error;
		}
	} finally {
		closeAll();
	}
}
