import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { postgresColumns } from "../../src/store/columns.postgres.ts";
import { connector } from "../../src/store/postgres-connection.ts";
import { createPostgresTransact } from "../../src/store/postgres-db.ts";
import { createPostgresPool } from "../../src/store/postgres-pool.ts";
import { createPostgresStore, type PostgresStore } from "../../src/store/postgres-store.ts";
import { defineTables } from "../../src/store/tables.ts";
import { run } from "../../src/store/transact.ts";
import type { StoreProblem } from "../../src/store/types.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { closing, DAY_MS, MIDNIGHT_MS, opening } from "../unit/store/ledger-samples.ts";

const KILLS = 5;
const FROZEN_MS = 5_000;
/** What any call may take while the server hangs, with room for a busy machine. */
const CALL_MS_MAX = 3_500;

const server = await startPostgres();
const running = server?.process;
afterAll(() => server?.stop());

// Without a server there is nothing to try: startPostgres says so aloud, and fails where CI is set.
describe.skipIf(running === undefined)("a PostgreSQL server in trouble", () => {
	let url: string;
	let store: PostgresStore;
	let problems: StoreProblem[];
	beforeEach(async () => {
		url = (await (server as PostgresServer).database()).url;
		problems = [];
		store = await createPostgresStore({ url, connectionsMax: 4, onProblem: (problem) => problems.push(problem) });
	});
	afterEach(() => store.close());

	/** A request after the other on several lanes, until told to stop. Returns what has been acknowledged. */
	function traffic(lanes: number) {
		const settled: { requestId: string; costNano: number }[] = [];
		let isOver = false;
		const ends = Array.from({ length: lanes }, async (_, lane) => {
			while (!isOver) {
				const attempt = opening({ keyId: `vk_${lane % 3}` });
				const costNano = 1 + ((settled.length * 7) % 1_000);
				store.writer.opened(attempt, MIDNIGHT_MS);
				await Bun.sleep(5);
				await store.writer.settled(attempt, MIDNIGHT_MS, closing({ costNano }), MIDNIGHT_MS);
				settled.push({ requestId: attempt.requestId, costNano });
			}
		});
		return {
			settled,
			async stop() {
				isOver = true;
				await Promise.all(ends);
				await store.writer.flush();
			},
		};
	}

	async function expectAllOnce(settled: readonly { requestId: string; costNano: number }[]) {
		const [total] = await store.attempts.spend({ fromMs: 0, toMs: MIDNIGHT_MS * 2, groupBy: [] });
		const cost = settled.reduce((sum, { costNano }) => sum + BigInt(costNano), 0n);
		expect(total).toMatchObject({ requests: settled.length, costNano: cost });
		const check = await store.housekeeping.checkDay(MIDNIGHT_MS / DAY_MS);
		expect(check).toMatchObject({ attempts: settled.length, unsettled: 0, differences: [] });
		const last = settled.at(-1);
		expect(await store.attempts.byRequest(last?.requestId ?? "")).toMatchObject([
			{ closing: { costNano: last?.costNano } },
		]);
	}

	test("kill -9 under writes, again and again: no acknowledged settle is lost, none counts twice", async () => {
		const requests = traffic(16);
		for (let kill = 0; kill < KILLS; kill += 1) {
			await Bun.sleep(200 + 70 * kill);
			await running?.kill();
			await Bun.sleep(100 * kill);
			await running?.start();
		}
		await Bun.sleep(300);
		await requests.stop();
		expect(requests.settled.length).toBeGreaterThan(500);
		await expectAllOnce(requests.settled);
		expect(problems.filter(({ kind }) => kind === "settle_lost")).toEqual([]);
		expect(problems.at(-1)?.kind).toBe("writes_recovered");
		expect(store.connections().open).toBeLessThanOrEqual(4);
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

	test("a server that stands still fails every call by its deadline, and loses nothing when it goes on", async () => {
		const requests = traffic(8);
		await Bun.sleep(200);
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
			timed(() =>
				store.writer.settled(opening({ keyId: "vk_late" }), MIDNIGHT_MS, closing({ costNano: 0 }), MIDNIGHT_MS),
			),
		];
		expect(await timed(() => store.ready())).toBe(false);
		expect(new Set(await Promise.all(calls))).toEqual(new Set(["failed", undefined]));
		// Again, now that the connections have been cut and new ones cannot be made.
		expect(await timed(() => store.ready())).toBe(false);
		expect(await timed(() => store.keys.all())).toBe("failed");
		expect(Math.max(...durations)).toBeLessThan(CALL_MS_MAX);
		expect(store.writer.healthy()).toBe(false);
		await Bun.sleep(Math.max(0, FROZEN_MS - (performance.now() - frozenMs)));
		running?.thaw();
		await requests.stop();
		expect(await store.ready()).toBe(true);
		expect(problems.filter(({ kind }) => kind === "settle_lost")).toEqual([]);
		const [late, ...more] = await store.attempts.spend({ fromMs: 0, toMs: MIDNIGHT_MS * 2, groupBy: ["key"] });
		expect([late, ...more].some((row) => row?.group.key === "vk_late" && row.requests === 1)).toBe(true);
		expect((await store.housekeeping.checkDay(MIDNIGHT_MS / DAY_MS)).differences).toEqual([]);
		const total = [late, ...more].reduce((sum, row) => sum + (row?.costNano ?? 0n), 0n);
		expect(total).toBe(requests.settled.reduce((sum, { costNano }) => sum + BigInt(costNano), 0n));
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
