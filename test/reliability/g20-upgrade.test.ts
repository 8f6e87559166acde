/**
 * G20. Goal: an upgrade brings every row over, or nothing, and what was there before can be put back.
 *
 * Measure: from every released schema with 100,000 rows (short form: the first, 3,000), built by SQL:
 * - the gateway is killed at 50 random moments of its start (short: 2): the database then has the old schema with every row,
 *   or the new one with every row, and the next start goes on from there;
 * - after the upgrade every row and every sum is there to the nano-dollar, what was left open is settled once at its
 *   reservation, `reconcile` finds no difference;
 * - restore drill: the copy that was made before the migration, and a `VACUUM INTO` copy of a running gateway, put in place
 *   as docs/operations.md says, start and show the same spend, to the nano-dollar.
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SQLITE_MIGRATIONS } from "../../src/store/migrations.sqlite.ts";
import { configText } from "../support/gateway-config.ts";
import type { GatewayProcess } from "../support/process.ts";
import { runCommand } from "../support/process.ts";
import { databaseIn, readSqliteBooks } from "./books.ts";
import type { Mood } from "./call-plan.ts";
import { nanoIn } from "./exchange.ts";
import { buildOldDatabase, type OldDatabase } from "./old-database.ts";
import { createRig, type Rig, startAndKill, stopCleanly } from "./rig.ts";
import { deadlineMs, report, scaled } from "./scale.ts";

const NEWEST = SQLITE_MIGRATIONS.length;
const ALL = Array.from({ length: NEWEST - 1 }, (_, index) => index + 1);
const VERSIONS = scaled([1], ALL);
const ROWS = scaled(3_000, 100_000);
const KILLS = scaled(2, 50);
const MOOD: Mood = { fates: { answers: 100 }, delayMs: [0, 0], streamMs: [0, 0], tokens: [1, 50] };

describe("G20", () => {
	test.each(VERSIONS)(
		`from schema %d with ${ROWS} rows, killed ${Math.ceil(KILLS / VERSIONS.length)} times on the way`,
		async (version) => {
			await using rig = await createRig(`G20 schema ${version}`, MOOD);
			const origin = rig.dataDirectory("origin");
			const old = buildOldDatabase(databaseIn(origin), version, ROWS, rig.random);
			cpSync(origin, rig.dataDirectory("upgraded"), { recursive: true });
			const startedAt = performance.now();
			const gateway = await rig.start("upgraded");
			const startMs = performance.now() - startedAt;
			const spent = old.nano + old.dispatchedNano;
			expect(await spendOf(gateway)).toBe(spent);
			const copy = join(rig.directory, "backup", "running.db");
			mkdirSync(dirname(copy), { mode: 0o700 });
			vacuumInto(databaseIn(rig.dataDirectory("upgraded")), copy);
			await stopCleanly(gateway);
			checkRows(rig.dataDirectory("upgraded"), old);
			await expectReconciled(rig, "upgraded");

			await drill(rig, "from a running one", copy, spent);
			const backups = readdirSync(join(rig.dataDirectory("upgraded"), "backups"));
			expect(backups).toEqual([
				expect.stringMatching(new RegExp(`^before-migration-\\d{8}T\\d{9}Z-schema${version}\\.db$`)),
			]);
			const backup = join(rig.dataDirectory("upgraded"), "backups", backups[0] ?? "");
			expect(versionOf(backup)).toBe(version);
			await drill(rig, "from before the migration", backup, spent);
			const kills = await killOnTheWay(rig, version, old, startMs);
			report("G20", rig.seed, { from: version, to: NEWEST, rows: old.rows, ...kills, spent_nano: String(spent) });
		},
		deadlineMs(30_000, 5),
	);
});

/** Old or new, never between: as often as it takes, each time on a fresh copy of what the old release left. */
async function killOnTheWay(rig: Rig, version: number, old: OldDatabase, startMs: number) {
	const found = { kills: 0, still_old: 0, already_new: 0 };
	for (let kill = 0; kill < Math.ceil(KILLS / VERSIONS.length); kill += 1) {
		const name = `killed-${kill}`;
		const directory = rig.dataDirectory(name);
		cpSync(rig.dataDirectory("origin"), directory, { recursive: true });
		await startAndKill(rig, () => momentOf(rig, directory, startMs), name);
		found.kills += 1;
		// Looked at in a copy: reading what a kill left behind copies its log back.
		const copy = rig.dataDirectory("looked-at");
		cpSync(directory, copy, { recursive: true });
		const reached = versionOf(databaseIn(copy));
		expect([version, NEWEST]).toContain(reached);
		found[reached === version ? "still_old" : "already_new"] += 1;
		const books = readSqliteBooks(copy);
		checkBackups(copy, version, old);
		rmSync(copy, { recursive: true, force: true });
		expect({ integrity: books.integrity, rows: books.rows.length }).toEqual({ integrity: "ok", rows: old.rows });
		const settled = books.rows.filter((row) => row.outcome === "ok").reduce((sum, row) => sum + row.cost_nano, 0n);
		expect(settled).toBe(old.nano);
		if (reached === NEWEST) {
			// Without a copy nothing is changed.
			expect(readdirSync(join(directory, "backups"))).toHaveLength(1);
		}
		const gateway = await rig.start(name);
		expect(await spendOf(gateway)).toBe(old.nano + old.dispatchedNano);
		await stopCleanly(gateway);
		checkRows(directory, old);
		rmSync(directory, { recursive: true, force: true });
	}
	return found;
}

/** What bears the name of a copy is one: a copy that was being written when the process died does not. */
function checkBackups(dataDirectory: string, version: number, old: OldDatabase): void {
	const directory = join(dataDirectory, "backups");
	for (const name of existsSync(directory) ? readdirSync(directory) : []) {
		if (name.endsWith(".db")) {
			const client = new Database(join(directory, name), { readonly: true });
			const { n } = client.query<{ n: number }, []>("select count(*) as n from attempts").get() ?? { n: -1 };
			const version_ = client.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version;
			client.close();
			expect({ name, n, version: version_ }).toEqual({ name, n: old.rows, version });
		}
	}
}

/** Any time of the start; while the copy is made; and in most kills right after that, which is when the schema changes. */
async function momentOf(rig: Rig, directory: string, startMs: number): Promise<void> {
	const { random } = rig;
	const phase = random.weighted({ any: 20, copying: 20, changing: 60 });
	if (phase === "any") {
		await Bun.sleep(startMs * random.real());
		return;
	}
	const backups = join(directory, "backups");
	const isWhole = (name: string) => phase === "copying" || name.endsWith(".db");
	const deadline = performance.now() + 30_000;
	while (!(existsSync(backups) && readdirSync(backups).some(isWhole)) && performance.now() < deadline) {
		// Closer than a timer could look.
		await new Promise((resolve) => setImmediate(resolve));
	}
	await Bun.sleep(phase === "copying" ? startMs * random.real() * 0.3 : random.int(0, scaled(6, 60)));
}

function checkRows(dataDirectory: string, old: OldDatabase): void {
	const books = readSqliteBooks(dataDirectory);
	const crashed = books.rows.filter((row) => row.outcome === "crashed");
	expect({
		integrity: books.integrity,
		rows: books.rows.length,
		unsettled: books.rows.filter((row) => row.settled_at === null).length,
		crashed: crashed.length,
		crashedNano: crashed.reduce((sum, row) => sum + row.cost_nano, 0n),
	}).toEqual({
		integrity: "ok",
		rows: old.rows,
		unsettled: 0,
		crashed: old.dispatched,
		crashedNano: old.dispatchedNano,
	});
	const byKey = Map.groupBy(books.rows, (row) => row.key_id);
	for (const [key, nano] of old.nanoByKey) {
		const own = (byKey.get(key) ?? []).filter((row) => row.outcome === "ok");
		expect(own.reduce((sum, row) => sum + row.cost_nano, 0n)).toBe(nano);
		const all = (byKey.get(key) ?? []).reduce((sum, row) => sum + row.cost_nano, 0n);
		expect(books.sumsByKey.get(key)).toBe(all);
	}
}

/** Puts a copy in place as the manual says, in an empty directory, and asks what was spent. */
async function drill(rig: Rig, what: string, copy: string, spent: bigint): Promise<void> {
	const name = `restored ${what}`;
	const directory = rig.dataDirectory(name);
	mkdirSync(directory, { mode: 0o700 });
	copyFileSync(copy, databaseIn(directory));
	chmodSync(databaseIn(directory), 0o600);
	const gateway = await rig.start(name);
	expect({ what, spent: await spendOf(gateway) }).toEqual({ what, spent });
	await stopCleanly(gateway);
}

async function spendOf(gateway: GatewayProcess): Promise<bigint> {
	const { total } = (await gateway.admin("GET", `/spend?from=${dayFromNow(-60)}&to=${dayFromNow(2)}`)).json<{
		total: { cost_usd: string };
	}>();
	return nanoIn(total.cost_usd);
}

function dayFromNow(days: number): string {
	return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}

function vacuumInto(from: string, to: string): void {
	const client = new Database(from, { readonly: true });
	client.query("VACUUM INTO ?").run(to);
	client.close();
}

function versionOf(path: string): number {
	const client = new Database(path);
	const version = client.query<{ user_version: number }, []>("PRAGMA user_version").get()?.user_version ?? -1;
	client.close();
	return version;
}

async function expectReconciled(rig: Rig, name: string): Promise<void> {
	const configPath = join(rig.directory, "reconcile.json");
	writeFileSync(configPath, configText(rig.config));
	const { code, stdout } = await runCommand([
		"reconcile",
		"--config",
		configPath,
		"--data",
		rig.dataDirectory(name),
		"--json",
	]);
	expect({ code, differences: JSON.parse(stdout).differences.slice(0, 3) }).toEqual({ code: 0, differences: [] });
}
