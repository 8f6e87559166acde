import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SQLITE_MIGRATIONS } from "../../../src/store/migrations.sqlite.ts";
import { openDatabase } from "../../../src/store/open.ts";
import { StoreRefused } from "../../../src/store/store-refused.ts";
import type { StoreProblem } from "../../../src/store/types.ts";
import { closing, opening, openLog, openOptions, openStore, temporaryDirectory } from "./ledger-samples.ts";

let place: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
	place = temporaryDirectory();
});
afterEach(() => place[Symbol.dispose]());

/** A database with one settled attempt. */
function createUsed(): void {
	const ledger = openLog(place);
	const write = { opening: opening(), openedAtMs: 1, closing: closing(), settledAtMs: 2 };
	ledger.log.write([], [write]);
	ledger.close();
}

function refusal(options = openOptions(place)): StoreRefused {
	try {
		openDatabase(options).close();
	} catch (error) {
		expect(error).toBeInstanceOf(StoreRefused);
		if (error instanceof StoreRefused) {
			return error;
		}
	}
	throw new Error("the database was opened");
}

function modeOf(path: string): number {
	return statSync(path).mode & 0o777;
}

describe("files", () => {
	test("everything is for this user alone", () => {
		const nested = { directory: join(place.directory, "data"), database: join(place.directory, "data", "gateway.db") };
		const ledger = openLog(nested);
		ledger.log.write([{ opening: opening(), openedAtMs: 1 }], []);
		const modes = Object.fromEntries(
			readdirSync(nested.directory).map((name) => [name, modeOf(join(nested.directory, name))]),
		);
		ledger.close();
		expect(modeOf(nested.directory)).toBe(0o700);
		expect(modes).toEqual({
			"gateway.db": 0o600,
			"gateway.db-shm": 0o600,
			"gateway.db-wal": 0o600,
			"gateway.db.instance": 0o600,
			"gateway.db.lock": 0o600,
		});
	});

	test("closing leaves no -wal behind, not even after statements were used", async () => {
		const store = await openStore(place);
		await store.writer.settled(opening(), 1, closing(), 2);
		await store.attempts.spend({ fromMs: 0, toMs: 10, groupBy: ["key"] });
		await store.close();
		expect(readdirSync(place.directory).sort()).toEqual(["gateway.db", "gateway.db.instance", "gateway.db.lock"]);
	});

	test("a database file that others may read is pointed out", () => {
		writeFileSync(place.database, "", { mode: 0o644 });
		const problems: StoreProblem[] = [];
		openDatabase({ ...openOptions(place), onProblem: (problem) => problems.push(problem) }).close();
		expect(problems).toEqual([{ kind: "file_open_to_others", path: place.database }]);
	});

	test("what was written is there after a restart, under the same instance id", async () => {
		const first = await openStore(place);
		const attempt = opening();
		await first.writer.settled(attempt, 1, closing(), 2);
		await first.close();
		const second = await openStore(place);
		expect(await second.attempts.byRequest(attempt.requestId)).toHaveLength(1);
		expect(second.instanceId).toBe(first.instanceId);
		expect(second.backup).toBeUndefined();
		await second.close();
	});
});

describe("settings of the connection", () => {
	test.each([
		["journal_mode", "wal"],
		["foreign_keys", 1],
		["trusted_schema", 0],
		["temp_store", 2],
		["synchronous", 1],
	])("%s is %p", (pragma, value) => {
		const { client, close } = openDatabase(openOptions(place));
		expect(Object.values(client.query<Record<string, unknown>, []>(`PRAGMA ${pragma}`).get() ?? {})).toEqual([value]);
		close();
	});

	test("synchronous full is an option", () => {
		const { client, close } = openDatabase({ ...openOptions(place), synchronous: "full" });
		expect(client.query("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
		close();
	});
});

describe("a database that may not be used is refused and left as it is", () => {
	test("missing, while the instance file says that there was one", () => {
		createUsed();
		rmSync(place.database);
		expect(refusal().message).toContain("missing or empty");
		expect(existsSync(place.database)).toBe(false);
	});

	test("emptied to 0 bytes", () => {
		createUsed();
		truncateSync(place.database, 0);
		expect(refusal().message).toContain("missing or empty");
		expect(statSync(place.database).size).toBe(0);
	});

	test("replaced by an SQLite file without tables", () => {
		createUsed();
		rmSync(place.database);
		const empty = new Database(place.database);
		empty.run("PRAGMA user_version = 0");
		empty.run("VACUUM");
		empty.close();
		expect(refusal().message).toContain("missing or empty");
	});

	test("replaced by the database of another instance", () => {
		createUsed();
		writeFileSync(`${place.database}.instance`, "00000000-0000-0000-0000-000000000000\n");
		expect(refusal().message).toContain("has been replaced");
	});

	test.each([
		["garbage", (bytes: Buffer) => bytes.fill("not a database ")],
		["a damaged header", (bytes: Buffer) => bytes.fill(0, 0, 100)],
		["cut in the middle of a page", (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.length / 2) + 100)],
		["cut at a page", (bytes: Buffer) => bytes.subarray(0, 4_096)],
		["a page overwritten", (bytes: Buffer) => bytes.fill(0xff, 2 * 4_096, 3 * 4_096)],
	])("%s", (_, damage) => {
		createUsed();
		const damaged = Buffer.from(damage(readFileSync(place.database)));
		writeFileSync(place.database, damaged);
		expect(refusal().message).toContain("is damaged");
		expect(readFileSync(place.database).equals(damaged)).toBe(true);
	});

	test("written by a newer version", () => {
		createUsed();
		const client = new Database(place.database);
		client.run(`PRAGMA user_version = ${SQLITE_MIGRATIONS.length + 1}`);
		client.close();
		expect(refusal().message).toContain("newer gateway-llm");
	});

	test("the database of another program", () => {
		const client = new Database(place.database);
		client.run("CREATE TABLE recipes (id INTEGER)");
		client.close();
		expect(refusal().message).toContain("another program");
		expect(existsSync(`${place.database}.instance`)).toBe(false);
	});

	test("in use by another gateway, until that one stops", () => {
		const first = openDatabase(openOptions(place));
		expect(refusal().message).toContain("Another gateway");
		first.close();
		openDatabase(openOptions(place)).close();
	});

	test.each(["directory", "file"] as const)("a %s that cannot be written", async (which) => {
		createUsed();
		await using child = Bun.spawn({
			cmd: [process.execPath, join(import.meta.dir, "open-unwritable.ts"), which, place.directory, place.database],
			stdout: "pipe",
			stderr: "pipe",
		});
		expect([await child.stdout.text(), await child.stderr.text()]).toEqual([
			expect.stringMatching(/^StoreRefused: The database .* cannot be written\./),
			"",
		]);
	});
});
