import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SQL } from "bun";
import { KEY_DEFAULTS } from "../../src/keys/key-defaults.ts";
import journal from "../../src/store/migrations/postgres/meta/_journal.json" with { type: "json" };
import { POSTGRES_MIGRATIONS } from "../../src/store/migrations.postgres.ts";
import { connector } from "../../src/store/postgres-connection.ts";
import { PostgresTimeout } from "../../src/store/postgres-errors.ts";
import { createPostgresPool } from "../../src/store/postgres-pool.ts";
import { StoreRefused } from "../../src/store/store-refused.ts";
import type { StoreProblem } from "../../src/store/types.ts";
import { startPostgres } from "../support/postgres.ts";
import { closing, MIDNIGHT_MS, opening, temporaryDirectory } from "../unit/store/ledger-samples.ts";
import { openPostgresStore } from "./backends.ts";

const server = await startPostgres();
afterAll(() => server?.stop());

test("the binary holds every migration of the journal, in its order", () => {
	const directory = join(import.meta.dir, "../../src/store/migrations/postgres");
	const files = journal.entries.map(({ tag }) => readFileSync(join(directory, `${tag}.sql`), "utf8"));
	expect(POSTGRES_MIGRATIONS).toEqual(files);
});

// Without a server there is nothing to try: startPostgres says so aloud, and fails where CI is set.
describe.skipIf(server === undefined)("a PostgreSQL database", () => {
	let database: { readonly url: string; readonly drop: () => Promise<void> };
	let opened: { close(): Promise<void> }[];
	let problems: StoreProblem[];
	beforeEach(async () => {
		database = (await server?.database()) ?? { url: "", drop: async () => {} };
		opened = [];
		problems = [];
	});
	afterEach(async () => {
		await Promise.all(opened.map((store) => store.close()));
		await database.drop();
	});

	async function open(connectionsMax = 3) {
		const onProblem = (problem: StoreProblem) => problems.push(problem);
		const place = temporaryDirectory();
		const store = await openPostgresStore(database.url, place.directory, { connectionsMax, onProblem });
		opened.push({ close: () => store.close().finally(() => place[Symbol.dispose]()) });
		return store;
	}

	async function query(statement: string): Promise<readonly (readonly unknown[])[]> {
		await using client = new SQL(database.url, { max: 1, prepare: false });
		return await client.unsafe(statement).values();
	}

	async function refusal(url = database.url): Promise<unknown> {
		using place = temporaryDirectory();
		return await openPostgresStore(url, place.directory, { connectionsMax: 1 }).catch((error: unknown) => error);
	}

	test("of many instances that start at once, one makes the tables, and all are of the same database", async () => {
		const stores = await Promise.all(Array.from({ length: 8 }, () => open(1)));
		expect(new Set(stores.map(({ instanceId }) => instanceId)).size).toBe(1);
		expect(await query("select value from meta where key = 'schema_version'")).toEqual([
			[String(POSTGRES_MIGRATIONS.length)],
		]);
		for (const store of stores) {
			expect(await store.ready()).toBe(true);
		}
	});

	test("a start that finds the schema as it should be changes nothing", async () => {
		const { instanceId } = await open();
		const before = await query("select xmin::text, key, value from meta order by key");
		expect((await open()).instanceId).toBe(instanceId);
		expect(await query("select xmin::text, key, value from meta order by key")).toEqual(before);
	});

	test("one that a newer version has written is refused, and left as it is", async () => {
		await open();
		await query("update meta set value = '999' where key = 'schema_version'");
		const error = await refusal();
		expect(error).toBeInstanceOf(StoreRefused);
		expect(String(error)).toContain("newer gateway-llm (schema 999");
		expect(await query("select value from meta where key = 'schema_version'")).toEqual([["999"]]);
	});

	test("one that holds another program's tables is refused, and left as it is", async () => {
		await query("create table meta (key text primary key, value text)");
		expect(String(await refusal())).toContain("tables of another program");
		expect(await query("select tablename::text from pg_tables where schemaname = 'public'")).toEqual([["meta"]]);
	});

	test("a migration that fails leaves the schema as it was", async () => {
		await open();
		await query("alter table attempts drop column searches, drop column image_output, drop column image_input");
		await query("alter table attempts drop column cache_write_hour");
		// Half of schema 1 is there already, so migrating from it fails at the second table.
		await query("update meta set value = '1' where key = 'schema_version'");
		expect(String(await refusal())).toContain("spend_days");
		expect(await query("select value from meta where key = 'schema_version'")).toEqual([["1"]]);
		expect(
			await query(
				"select 1 from information_schema.columns where table_name = 'attempts' and column_name = 'searches'",
			),
		).toEqual([]);
	});

	test("one that cannot be reached, or does not exist, is refused without telling the password", async () => {
		const nowhere = new URL(database.url);
		nowhere.pathname = "/no_such_database";
		nowhere.password = "hunter2";
		const port = new URL(nowhere);
		port.port = "1";
		for (const [url, words] of [
			[nowhere, "Create the database"],
			[port, "cannot be used"],
		] as const) {
			const error = await refusal(url.href);
			expect(error).toBeInstanceOf(StoreRefused);
			expect(String(error)).toContain(words);
			expect(String(error)).not.toContain("hunter2");
		}
	});

	test("two instances that settle the same attempts count each once", async () => {
		const [left, right] = await Promise.all([open(), open()]);
		const attempts = Array.from({ length: 400 }, (_, index) => opening({ keyId: `vk_${index % 7}` }));
		for (const attempt of attempts) {
			left.writer.opened(attempt, MIDNIGHT_MS);
		}
		await Promise.all([
			...attempts.map((attempt) => left.writer.settled(attempt, MIDNIGHT_MS, closing({ costNano: 3 }), MIDNIGHT_MS)),
			...attempts
				.toReversed()
				.map((attempt) => right.writer.settled(attempt, MIDNIGHT_MS, closing({ costNano: 5 }), MIDNIGHT_MS)),
		]);
		const [row] = await left.attempts.spend({ fromMs: 0, toMs: MIDNIGHT_MS * 2, groupBy: [] });
		const [sum] = await query("select count(*)::text, sum(cost_nano)::text from attempts where settled_at is not null");
		expect(row).toMatchObject({ requests: 400, costNano: BigInt(String(sum?.[1])) });
		expect(sum?.[0]).toBe("400");
		expect((await left.housekeeping.checkDay(MIDNIGHT_MS / 86_400_000)).differences).toEqual([]);
		expect(problems).toEqual([]);
	});

	test("a row that can never be written is reported, and holds up no other", async () => {
		const store = await open();
		const [good, bad, last] = [opening(), opening(), opening()];
		await Promise.all([
			store.writer.settled(good, MIDNIGHT_MS, closing(), MIDNIGHT_MS),
			store.writer.settled(bad, MIDNIGHT_MS, closing({ costNano: -1 }), MIDNIGHT_MS),
			store.writer.settled(last, MIDNIGHT_MS, closing(), MIDNIGHT_MS),
		]);
		expect(problems).toMatchObject([{ kind: "settle_lost", reason: "row_refused", requestId: bad.requestId }]);
		expect(store.writer.healthy()).toBe(true);
		expect(await query("select request_id from attempts order by 1")).toEqual([[good.requestId], [last.requestId]]);
	});

	test("sums stay exact up to 64 bits, and what is beyond is refused instead of bent", async () => {
		const store = await open();
		const cost = closing({ costNano: Number.MAX_SAFE_INTEGER });
		await store.writer.settled(opening(), MIDNIGHT_MS, cost, MIDNIGHT_MS);
		await query(`update spend_days set cost_nano = ${2n ** 63n - 1n - BigInt(Number.MAX_SAFE_INTEGER)}`);
		await store.writer.settled(opening(), MIDNIGHT_MS, cost, MIDNIGHT_MS);
		expect(await query("select cost_nano::text from spend_days")).toEqual([[String(2n ** 63n - 1n)]]);
		const [row] = await store.attempts.spend({ fromMs: 0, toMs: MIDNIGHT_MS * 2, groupBy: [] });
		expect(row?.costNano).toBe(2n ** 63n - 1n);
		await store.writer.settled(opening(), MIDNIGHT_MS, closing({ costNano: 1 }), MIDNIGHT_MS);
		expect(problems).toMatchObject([{ kind: "settle_lost", reason: "row_refused" }]);
		expect(await query("select cost_nano::text from spend_days")).toEqual([[String(2n ** 63n - 1n)]]);
	});

	test("texts that PostgreSQL cannot hold come back as they were", async () => {
		const store = await open();
		const text = "nul \0 and \uffff and \uffff0 and ü🦊";
		const record = {
			...KEY_DEFAULTS,
			id: "vk_1",
			name: text,
			team: text,
			metadata: { [text]: [text, { deep: "\0" }] },
			createdAt: 1,
			lastUsedAt: undefined,
			revokedAt: undefined,
			keyHint: "…",
		};
		await store.keys.insert({ ...record, hash: "h" });
		expect(await store.keys.get("vk_1")).toEqual(record);
		expect((await store.keys.list({ after: undefined, limit: 9, team: text, name: text })).keys).toEqual([record]);
		const attempt = opening({ alias: text, model: text, team: text });
		store.writer.opened(attempt, MIDNIGHT_MS);
		await store.writer.settled(attempt, MIDNIGHT_MS, closing({ objectId: text }), MIDNIGHT_MS);
		expect(await store.attempts.ownerOf(text)).toMatchObject({ team: text });
		expect((await store.attempts.byRequest(attempt.requestId))[0]?.opening).toMatchObject({ alias: text, model: text });
	});

	test("never more connections than allowed, and who finds none in time is refused", async () => {
		await open(1);
		const connect = connector(database.url, { connectMs: 2_000, statementMs: 5_000, lockMs: 5_000 });
		const pool = createPostgresPool({ connect, connectionsMax: 3, deadlineMs: 1_000 });
		const sleepy = Array.from({ length: 20 }, () =>
			pool.run((connection) => connection.values("select pg_sleep(0.4), count(*) from pg_stat_activity")),
		);
		await pool.run((connection) => connection.values("select 1"), 50).catch(() => {});
		expect(pool.state().open).toBeLessThanOrEqual(3);
		const ends = await Promise.allSettled(sleepy);
		expect(ends.filter(({ status }) => status === "fulfilled").length).toBeGreaterThanOrEqual(6);
		const refused = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
		expect(refused.length).toBeGreaterThan(0);
		expect(refused.every((reason) => reason instanceof PostgresTimeout)).toBe(true);
		expect(await pool.run((connection) => connection.values("select 1::text"))).toEqual([["1"]]);
		expect(pool.state().open).toBeLessThanOrEqual(3);
		pool.close();
	});

	test("a lock that somebody else holds delays rows, and nobody waits for it without end", async () => {
		const store = await open();
		const attempt = opening();
		await store.writer.settled(attempt, MIDNIGHT_MS, closing(), MIDNIGHT_MS);
		await using blocker = new SQL(database.url, { max: 1, prepare: false });
		await blocker.unsafe("begin; lock table spend_days in exclusive mode").simple();
		const startedMs = performance.now();
		await store.writer.settled(opening(), MIDNIGHT_MS, closing(), MIDNIGHT_MS);
		expect(performance.now() - startedMs).toBeLessThan(3_000);
		expect(store.writer.outboxRows()).toBe(1);
		await blocker.unsafe("commit");
		await store.writer.drained();
		expect(problems.map(({ kind }) => kind)).toEqual(["database_away", "database_back"]);
		const [row] = await store.attempts.spend({ fromMs: 0, toMs: MIDNIGHT_MS * 2, groupBy: [] });
		expect(row).toMatchObject({ requests: 2, costNano: 198_000n });
	});
});
