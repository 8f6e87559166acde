import { Database } from "bun:sqlite";
import { lockDatabase } from "./lock.ts";
import { ensurePrivateDirectory, ensurePrivateFile } from "./private-files.ts";
import { refusalOf } from "./refusal.ts";
import { sqliteCode } from "./sqlite-errors.ts";
import { StoreRefused } from "./store-refused.ts";

/** Marks the file as an outbox (`PRAGMA application_id`). "GWLO". */
const APPLICATION_ID = 0x47574c4f;
const VERSION = 1;
/** While opening, another process (a copy, a gateway that is stopping) may hold the file for a while. */
const OPEN_BUSY_TIMEOUT_MS = 5_000;
/** While serving, a wait blocks every request: rows that meet a lock wait in the writer's journal instead. */
const SERVE_BUSY_TIMEOUT_MS = 100;
/** 16 MB of log before a commit has to copy it back. */
const WAL_AUTOCHECKPOINT_PAGES = 4_000;

/** Places are never used again, so that no row can be taken for one that was dropped. */
const SCHEMA = `
	create table outbox (place integer primary key autoincrement, write text not null) strict;
	create table meta (key text primary key, value text not null) strict, without rowid;
	pragma application_id = ${APPLICATION_ID};
	pragma user_version = ${VERSION};
`;

export interface OpenedOutbox {
	readonly client: Database;
	close(): void;
}

/**
 * Opens the file for this process alone, and looks whether it is whole: there may be spend in it that is nowhere else.
 * @throws StoreRefused when it may not be used as it is; nothing has been changed then.
 */
export function openOutboxFile(directory: string, path: string): OpenedOutbox {
	const held: { close(): void }[] = [];
	function closeAll() {
		for (const resource of held.splice(0).reverse()) {
			resource.close();
		}
	}
	try {
		ensurePrivateDirectory(directory);
		held.push(lockDatabase(path));
		ensurePrivateFile(path);
		const client = new Database(path, { readwrite: true, create: false });
		held.push(client);
		prepare(client, path);
		return { client, close: () => leave(client, closeAll) };
	} catch (error) {
		closeAll();
		const code = sqliteCode(error);
		// Only what was said about another file's backups does not hold here.
		throw code === "SQLITE_NOTADB" || code === "SQLITE_CORRUPT" ? damaged(path, error) : refusalOf(error, path, "");
	}
}

function prepare(client: Database, path: string): void {
	// First of all: bun:sqlite does not wait at all by default.
	client.run(`PRAGMA busy_timeout = ${OPEN_BUSY_TIMEOUT_MS}`);
	const isNew = checkIdentity(client, path);
	if (!isNew) {
		checkContent(client, path);
	}
	client.run("PRAGMA journal_mode = WAL");
	// Survives kill -9. A power cut may take the last rows of an outage.
	client.run("PRAGMA synchronous = NORMAL");
	client.run("PRAGMA trusted_schema = OFF");
	client.run("PRAGMA temp_store = MEMORY");
	client.run(`PRAGMA wal_autocheckpoint = ${WAL_AUTOCHECKPOINT_PAGES}`);
	// Raises SQLITE_READONLY now instead of in the first outage.
	client
		.transaction(() => {
			if (isNew) {
				client.run(SCHEMA);
			}
		})
		.immediate();
	client.run(`PRAGMA busy_timeout = ${SERVE_BUSY_TIMEOUT_MS}`);
}

/** @returns Whether the file is empty. @throws StoreRefused when it is not an outbox that this version knows. */
function checkIdentity(client: Database, path: string): boolean {
	const version = readPragma(client, "user_version");
	if (readPragma(client, "application_id") === APPLICATION_ID) {
		if (version > VERSION) {
			throw new StoreRefused(
				`The outbox ${path} was written by a newer gateway-llm (format ${version}; this one knows up to ${VERSION}). ` +
					"Start the newer version, and let it write to the database what is in there.",
			);
		}
		return false;
	}
	if (version !== 0 || readCount(client, "sqlite_schema") > 0) {
		throw new StoreRefused(`${path} is the database of another program. Move it away, or choose another --data.`);
	}
	return true;
}

/** @throws StoreRefused when a page is damaged, or a row is no JSON any more. */
function checkContent(client: Database, path: string): void {
	const found = client.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check;
	if (found !== "ok") {
		throw damaged(path, found);
	}
	const broken = client
		.query<{ place: number }, []>("select place from outbox where not json_valid(write) limit 1")
		.get();
	if (broken !== null) {
		throw damaged(path, `row ${broken.place} is no JSON`);
	}
}

/** A file that is not what SQLite wrote. It is left alone, so that it can still be repaired. */
function damaged(path: string, detail: unknown): StoreRefused {
	return new StoreRefused(
		`The outbox ${path} is damaged (${detail instanceof Error ? detail.message : String(detail)}). Nothing was changed. ` +
			"It may hold spend that the shared database has not got yet. Repair it (sqlite3's .recover reads what can be read), " +
			"or move it and its -wal file away to start without it: the requests in it are then charged at their reservation " +
			"where the database knows of them, and are missing from it where it does not.",
		{ cause: detail },
	);
}

export function readPragma(client: Database, name: string): number {
	return client.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;
}

export function readCount(client: Database, table: "outbox" | "sqlite_schema"): number {
	return client.query<{ count: number }, []>(`select count(*) as count from ${table}`).get()?.count ?? 0;
}

function leave(client: Database, closeAll: () => void): void {
	try {
		client.run("PRAGMA wal_checkpoint(TRUNCATE)");
		// Closing alone leaves the -wal file while a prepared statement lives; leaving WAL mode removes it.
		client.run("PRAGMA journal_mode = DELETE");
	} catch {
		// Somebody reads it, or the disk refuses: the log stays, and is copied back at the next start.
	} finally {
		closeAll();
	}
}
