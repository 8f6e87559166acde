import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { monthOf } from "../../src/limits/month.ts";
import { POSTGRES_MIGRATIONS } from "../../src/store/migrations.postgres.ts";
import { connector } from "../../src/store/postgres-connection.ts";
import { migratePostgres } from "../../src/store/postgres-migrate.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { closing, DAY_MS, opening } from "../unit/store/ledger-samples.ts";
import { claim, type InstancesRig, listen, startInstances, steppedClock } from "./instances-rig.ts";

/** The schema before several instances could share a database. */
const BEFORE_INSTANCES = 5;
const START_MS = Date.UTC(2030, 0, 31, 20);
const ROWS = 400;

const server = await startPostgres();
afterAll(() => server?.stop());

describe.skipIf(server === undefined)("a PostgreSQL database of the schema before instances", () => {
	let rig: InstancesRig;
	beforeEach(async () => {
		rig = await startInstances(server as PostgresServer);
		const connection = connector(rig.url, { connectMs: 2_000, statementMs: 5_000, lockMs: 5_000 })();
		await migratePostgres(connection, POSTGRES_MIGRATIONS.slice(0, BEFORE_INSTANCES));
		connection.destroy();
	});
	afterEach(() => rig.remove());

	/** Settled attempts over the end of a month, with their daily sums, and two that are under way. */
	async function fill(): Promise<void> {
		const columns = "request_id, attempt, key_id, team, alias, deployment_id, provider, model, operation, streamed";
		await rig.query(
			`insert into attempts (${columns}, reserved_nano, price_version, opened_at, settled_at, outcome, usage_source, input, cost_nano)
			select 'req_' || lpad(n::text, 26, '0'), 0, 'k' || n % 3, nullif('t' || n % 2, 't0'), 'a', 'd', 'p', 'm', 'chat', false,
				9, 'v', at, at + 5, 'ok', 'provider', 2, n
			from generate_series(1, ${ROWS}) as n, lateral (select ${START_MS} + n * 60000 as at) as times`,
		);
		await rig.query(
			`insert into attempts (${columns}, reserved_nano, price_version, opened_at)
			values ('req_x', 0, 'k0', 't1', 'a', 'd', 'p', 'm', 'chat', false, 700, 'v', ${START_MS}),
				('req_y', 0, 'k1', null, 'a', 'd', 'p', 'm', 'chat', false, 50, 'v', ${START_MS})`,
		);
		await rig.query(
			`insert into spend_days (day, key_id, team, provider, model, requests, requests_by_provider, requests_by_model,
				requests_by_both, unpriced, unpriced_by_provider, unpriced_by_model, unpriced_by_both, errors, input, cost_nano)
			select opened_at / ${DAY_MS}, key_id, coalesce(team, ''), provider, model, count(*), count(*), count(*), count(*),
				0, 0, 0, 0, 0, sum(input), sum(cost_nano)
			from attempts where settled_at is not null group by 1, 2, 3, 4, 5`,
		);
	}

	test("keeps its rows, and what was spent of budgets before counts from the first request on", async () => {
		await fill();
		const clock = steppedClock();
		const store = await rig.open({ clock });
		expect(await store.attempts.recover(START_MS)).toEqual([]);
		const sums = await rig.query(
			`select 'key:' || key_id, opened_at >= ${Date.UTC(2030, 1, 1)}, sum(cost_nano)::text from attempts group by 1, 2
			union all
			select 'team:' || team, opened_at >= ${Date.UTC(2030, 1, 1)}, sum(cost_nano)::text from attempts where team is not null group by 1, 2`,
		);
		expect(sums).toHaveLength(8);
		for (const [subject, isSecond, spent] of sums) {
			const month = monthOf(START_MS) + (isSecond === true ? 1 : 0);
			expect((await store.shared.budgets.standing(String(subject), month)).spentNano).toBe(Number(spent));
		}
		for (const day of [0, 1]) {
			expect((await store.housekeeping.checkDay(Math.floor(START_MS / DAY_MS) + day)).differences).toEqual([]);
		}
		const february = monthOf(START_MS) + 1;
		const before = await store.shared.budgets.standing("key:k1", february);
		const limitNano = before.spentNano + 10;
		const asked = claim("key:k1", { month: february, limitNano, needNano: 11 });
		expect(await store.shared.budgets.lease([asked], 1)).toMatchObject({ granted: false, shares: [{ freeNano: 10 }] });

		// Nobody knows whose they were: who looks after the dead settles them.
		await listen(clock, store);
		expect((await store.shared.membership.reap(START_MS + 9)).map(({ costNano }) => costNano).sort()).toEqual([
			50, 700,
		]);
		expect(await store.shared.membership.reap(START_MS + 9)).toEqual([]);
		expect(await rig.query("select 1 from instances where id = ''")).toEqual([]);
	});

	test("settles go on as they did: sums of days and budgets grow together", async () => {
		await fill();
		const store = await rig.open();
		const attempt = opening({ keyId: "k1", team: "t1" });
		await store.writer.settled(attempt, START_MS, closing({ costNano: 1_000 }), START_MS);
		const [row] = await rig.query(
			`select (select sum(cost_nano) from spend_days where key_id = 'k1')::text,
				(select sum(spent) from budget_accounts where subject = 'key:k1')::text`,
		);
		expect(row?.[0]).toBe(row?.[1]);
		expect(
			await rig.query("select count(*)::text from attempts where settled_at is not null and instance is not null"),
		).toEqual([["0"]]);
	});

	test("an empty one is brought up to date too", async () => {
		const store = await rig.open();
		expect(await store.shared.changes.next()).toEqual([]);
		expect(await rig.accounts()).toEqual([]);
	});
});
