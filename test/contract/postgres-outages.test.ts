import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { systemClock } from "../../src/lib/clock.ts";
import { postgresColumns } from "../../src/store/columns.postgres.ts";
import { connector } from "../../src/store/postgres-connection.ts";
import { createPostgresTransact } from "../../src/store/postgres-db.ts";
import { createPostgresPool } from "../../src/store/postgres-pool.ts";
import { createPostgresStore, type PostgresStore } from "../../src/store/postgres-store.ts";
import { defineTables } from "../../src/store/tables.ts";
import { run } from "../../src/store/transact.ts";
import type { StoreProblem } from "../../src/store/types.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { until, within } from "../support/wait.ts";
import { closing, DAY_MS, MIDNIGHT_MS, opening, temporaryDirectory } from "../unit/store/ledger-samples.ts";

const KILLS = 4;
const FROZEN_MS = 5_000;
/** What any call may take while the server hangs, with room for a busy machine. */
const CALL_MS_MAX = 3_500;
/** Less than the server's hanging may cost anybody: an acknowledgement that waits for it would fail. */
const ACKNOWLEDGED_MS_MAX = 1_500;

const server = await startPostgres();
const running = server?.process;
afterAll(() => server?.stop());

// Without a server there is nothing to try: startPostgres says so aloud, and fails where CI is set.
describe.skipIf(running === undefined)("a PostgreSQL server in trouble", () => {
	let url: string;
	let place: ReturnType<typeof temporaryDirectory>;
	let store: PostgresStore;
	let stores: PostgresStore[];
	let problems: StoreProblem[];
	beforeEach(async () => {
		url = (await (server as PostgresServer).database()).url;
		place = temporaryDirectory();
		problems = [];
		stores = [];
		store = await open("first");
	});
	afterEach(async () => {
		await Promise.all(stores.map((each) => each.close()));
		place[Symbol.dispose]();
	});

	/** An instance with a data directory of its own. */
	async function open(name: string): Promise<PostgresStore> {
		const onProblem = (problem: StoreProblem) => problems.push(problem);
		const dataDirectory = join(place.directory, name);
		const opened = await createPostgresStore({ url, connectionsMax: 4, dataDirectory, clock: systemClock, onProblem });
		stores.push(opened);
		return opened;
	}

	const kinds = () => problems.map(({ kind }) => kind);

	/** A request after the other on several lanes of each instance, until told to stop. Knows what has been acknowledged. */
	function traffic(lanes: number, instances: readonly PostgresStore[] = [store]) {
		const settled: { requestId: string; costNano: number }[] = [];
		let isOver = false;
		async function request({ writer }: PostgresStore, lane: number): Promise<void> {
			const attempt = opening({ keyId: `vk_${lane % 3}` });
			const costNano = 1 + ((settled.length * 7) % 1_000);
			writer.opened(attempt, MIDNIGHT_MS);
			await Bun.sleep(5);
			const acknowledged = writer.settled(attempt, MIDNIGHT_MS, closing({ costNano }), MIDNIGHT_MS);
			await within("the acknowledgement of a settle", acknowledged, ACKNOWLEDGED_MS_MAX);
			settled.push({ requestId: attempt.requestId, costNano });
			expect(writer.healthy()).toBe(true);
		}
		const ends = instances.flatMap((instance) =>
			Array.from({ length: lanes }, async (_, lane) => {
				while (!isOver) {
					await request(instance, lane);
				}
			}),
		);
		return {
			settled,
			/** Resolves when so many more have been acknowledged. */
			async more(count: number) {
				const target = settled.length + count;
				await until(`${count} more settles`, () => settled.length >= target, 30_000);
			},
			async stop() {
				isOver = true;
				await Promise.all(ends);
			},
		};
	}

	async function expectAllOnce(settled: readonly { requestId: string; costNano: number }[], reader = store) {
		await Promise.all(stores.map(({ writer }) => within("the end of the outbox", writer.drained(), 30_000)));
		const [total] = await reader.attempts.spend({ fromMs: 0, toMs: MIDNIGHT_MS * 2, groupBy: [] });
		const cost = settled.reduce((sum, { costNano }) => sum + BigInt(costNano), 0n);
		expect(total).toMatchObject({ requests: settled.length, costNano: cost });
		const check = await reader.housekeeping.checkDay(MIDNIGHT_MS / DAY_MS);
		expect(check).toMatchObject({ attempts: settled.length, unsettled: 0, differences: [] });
		const last = settled.at(-1);
		expect(await reader.attempts.byRequest(last?.requestId ?? "")).toMatchObject([
			{ closing: { costNano: last?.costNano } },
		]);
		expect(stores.map(({ writer }) => [writer.queued(), writer.outboxRows()])).toEqual(stores.map(() => [0, 0]));
		expect(kinds()).not.toContain("settle_lost");
	}

	test("kill -9 under writes, again and again: requests go on, no acknowledged settle is lost, none counts twice", async () => {
		const requests = traffic(16);
		for (let kill = 0; kill < KILLS; kill += 1) {
			await requests.more(150 + 70 * kill);
			await running?.kill();
			await requests.more(300);
			await running?.start();
			await until("the database to have all of them", () => kinds().at(-1) === "database_back", 20_000);
		}
		await requests.more(200);
		await requests.stop();
		await expectAllOnce(requests.settled);
		expect(kinds().filter((kind) => kind === "database_away").length).toBeGreaterThanOrEqual(KILLS);
		expect(kinds().at(-1)).toBe("database_back");
		expect(store.connections().open).toBeLessThanOrEqual(4);
	}, 90_000);

	test("two instances on the same database, each with an outbox: every row of both, once", async () => {
		const other = await open("second");
		const requests = traffic(8, [store, other]);
		for (let round = 0; round < 3; round += 1) {
			await requests.more(200);
			await running?.kill();
			await requests.more(400);
			await running?.start();
			await requests.more(200);
			running?.freeze();
			await requests.more(400);
			running?.thaw();
		}
		await requests.stop();
		await expectAllOnce(requests.settled, other);
	}, 90_000);

	test("what an instance leaves on disk at its end, its successor brings to the database", async () => {
		const requests = traffic(8);
		await requests.more(100);
		await running?.kill();
		await requests.more(500);
		await requests.stop();
		await store.close();
		stores = [];
		expect(problems.at(-1)).toMatchObject({ kind: "outbox_left" });
		await running?.start();
		store = await open("first");
		await store.writer.drained();
		expect(problems.at(-1)).toMatchObject({ kind: "database_back" });
		expect(await store.attempts.recover(MIDNIGHT_MS)).toEqual([]);
		await expectAllOnce(requests.settled);
	}, 60_000);

	test("a backend that is ended is replaced, and its rows are written once", async () => {
		const requests = traffic(8);
		const connect = connector(url, { connectMs: 1_000, statementMs: 2_000, lockMs: 1_000 });
		const admin = connect();
		for (let round = 0; round < 30; round += 1) {
			await admin.values(
				"select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
			);
			await Bun.sleep(20);
		}
		admin.destroy();
		await requests.stop();
		await expectAllOnce(requests.settled);
	}, 30_000);

	test("a server that stands still fails every call by its deadline; settles wait for none of it, and are in it in the end", async () => {
		const requests = traffic(8);
		await requests.more(100);
		running?.freeze();
		const frozenMs = performance.now();
		const durations: number[] = [];
		async function timed(call: () => Promise<unknown>): Promise<unknown> {
			const startedMs = performance.now();
			const result = await call().catch(() => "failed");
			durations.push(performance.now() - startedMs);
			return result;
		}
		const calls = [
			...Array.from({ length: 12 }, () => timed(() => store.keys.all())),
			timed(() => store.conversations.delete("conv_1")),
			timed(() => store.attempts.byRequest("req_1")),
		];
		expect(await timed(() => store.ready())).toBe(false);
		expect(new Set(await Promise.all(calls))).toEqual(new Set(["failed"]));
		// Again, now that the connections have been cut and new ones cannot be made.
		expect(await timed(() => store.ready())).toBe(false);
		expect(await timed(() => store.keys.all())).toBe("failed");
		expect(Math.max(...durations)).toBeLessThan(CALL_MS_MAX);
		await requests.more(500);
		expect(store.writer.outboxRows()).toBeGreaterThan(500);
		await Bun.sleep(Math.max(0, FROZEN_MS - (performance.now() - frozenMs)));
		running?.thaw();
		await requests.more(500);
		await requests.stop();
		await expectAllOnce(requests.settled);
		expect(await store.ready()).toBe(true);
	}, 60_000);

	test("a transaction whose connection is lost half way is not finished on another one", async () => {
		const connect = connector(url, { connectMs: 1_000, statementMs: 2_000, lockMs: 1_000 });
		const pool = createPostgresPool({ connect, connectionsMax: 2, deadlineMs: 2_000 });
		const transact = createPostgresTransact(pool);
		const { meta } = defineTables(postgresColumns);
		const admin = connect();
		const half = transact(function* (db) {
			yield* run(db.insert(meta).values({ key: "half", value: "1" }));
			yield* run(
				admin.values(
					"select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'",
				),
			);
			yield* run(Bun.sleep(100));
			yield* run(db.insert(meta).values({ key: "other half", value: "1" }));
		});
		await expect(half).rejects.toThrow();
		expect(await admin.values("select key from meta where key like '%half'")).toEqual([]);
		expect(await transact((db) => run(db.select({ one: sql`1` }).from(meta)))).toBeUndefined();
		admin.destroy();
		pool.close();
	});
});
