import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import journal from "../../../src/store/migrations/sqlite/meta/_journal.json" with { type: "json" };
import { SQLITE_MIGRATIONS } from "../../../src/store/migrations.sqlite.ts";
import { openDatabase } from "../../../src/store/open.ts";
import { StoreRefused } from "../../../src/store/store-refused.ts";
import { closing, opening, openLog, openOptions, temporaryDirectory } from "./ledger-samples.ts";

const MIGRATIONS_DIRECTORY = join(import.meta.dir, "../../../src/store/migrations/sqlite");

let place: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
	place = temporaryDirectory();
});
afterEach(() => place[Symbol.dispose]());

function openWith(migrations: readonly string[], atMs = Date.UTC(2030, 0, 1)) {
	const clock = { now: () => atMs, monotonic: () => 0 };
	return openDatabase({ ...openOptions(place), migrations, clock });
}

function versionOf(path: string): unknown {
	const client = new Database(path, { readonly: true });
	const row = client.query("PRAGMA user_version").get();
	client.close();
	return row;
}

const CURRENT = SQLITE_MIGRATIONS.length;
const NEXT = "CREATE TABLE next (id INTEGER); --> statement-breakpoint\nINSERT INTO next VALUES (1);";

test("the binary holds every migration of the journal, in its order", () => {
	const files = journal.entries.map(({ tag }) => readFileSync(join(MIGRATIONS_DIRECTORY, `${tag}.sql`), "utf8"));
	expect(SQLITE_MIGRATIONS).toEqual(files);
});

test("a ledger of the first release keeps its figures, and counts nothing in the buckets that came later", () => {
	const first = openWith(SQLITE_MIGRATIONS.slice(0, 1));
	first.client.run(`insert into attempts (request_id, attempt, key_id, alias, deployment_id, provider, model, operation,
		streamed, reserved_nano, opened_at, input, output, cost_nano) values ('r', 0, 'k', 'a', 'd', 'p', 'm', 'chat', 0, 9, 1, 5, 6, 7)`);
	first.close();
	const now = openWith(SQLITE_MIGRATIONS);
	expect(now.client.query("select * from attempts").all()).toMatchObject([
		{ input: 5, output: 6, cost_nano: 7, cache_write_hour: 0, image_input: 0, image_output: 0, searches: 0 },
	]);
	now.close();
});

test("an existing database is copied before its schema changes", () => {
	const ledger = openLog(place);
	const attempt = opening();
	ledger.log.write([], [{ opening: attempt, openedAtMs: 1, closing: closing(), settledAtMs: 2 }]);
	ledger.close();
	const migrated = openWith([...SQLITE_MIGRATIONS, NEXT]);
	expect(migrated.client.query("select id from next").all()).toEqual([{ id: 1 }]);
	expect(migrated.client.query("select request_id from attempts").all()).toEqual([{ request_id: attempt.requestId }]);
	expect(migrated.instanceId).toBe(ledger.instanceId);
	migrated.close();

	const copy = join(place.directory, "backups", `before-migration-20300101T000000000Z-schema${CURRENT}.db`);
	expect(migrated.backup).toBe(copy);
	expect(statSync(copy).mode & 0o777).toBe(0o600);
	expect(versionOf(copy)).toEqual({ user_version: CURRENT });

	// The way back: the copy in the place of the database, and the older version starts with it.
	writeFileSync(place.database, readFileSync(copy));
	const restored = openWith(SQLITE_MIGRATIONS);
	expect(restored.client.query("select request_id from attempts").all()).toEqual([{ request_id: attempt.requestId }]);
	restored.close();
});

test("a new database and one that is up to date are not copied", () => {
	openWith(SQLITE_MIGRATIONS).close();
	const again = openWith(SQLITE_MIGRATIONS);
	expect(again.backup).toBeUndefined();
	again.close();
});

test("the last three copies are kept, and no other file is touched", () => {
	openWith(SQLITE_MIGRATIONS).close();
	const migrations = [...SQLITE_MIGRATIONS];
	for (let round = 1; round <= 5; round += 1) {
		migrations.push(`CREATE TABLE round_${round} (id INTEGER);`);
		openWith(migrations, Date.UTC(2030, 0, round)).close();
		writeFileSync(join(place.directory, "backups", "mine.db"), "kept");
	}
	expect(readdirSync(join(place.directory, "backups")).sort()).toEqual([
		`before-migration-20300103T000000000Z-schema${CURRENT + 2}.db`,
		`before-migration-20300104T000000000Z-schema${CURRENT + 3}.db`,
		`before-migration-20300105T000000000Z-schema${CURRENT + 4}.db`,
		"mine.db",
	]);
});

test("a migration that fails leaves the schema as it was", () => {
	openWith(SQLITE_MIGRATIONS).close();
	expect(() => openWith([...SQLITE_MIGRATIONS, NEXT, "CREATE TABLE broken ("])).toThrow();
	expect(versionOf(place.database)).toEqual({ user_version: SQLITE_MIGRATIONS.length });
	const again = openWith([...SQLITE_MIGRATIONS, NEXT], Date.UTC(2030, 0, 2));
	expect(again.client.query("select id from next").all()).toEqual([{ id: 1 }]);
	again.close();
});

test("without a copy nothing is migrated", () => {
	openWith(SQLITE_MIGRATIONS).close();
	// A file where the directory of the copies should be: root, too, fails to make it.
	writeFileSync(join(place.directory, "backups"), "");
	expect(() => openWith([...SQLITE_MIGRATIONS, NEXT])).toThrow(StoreRefused);
	expect(versionOf(place.database)).toEqual({ user_version: SQLITE_MIGRATIONS.length });
});
