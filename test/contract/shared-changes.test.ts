import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { SQL } from "bun";
import type { Change } from "../../src/instances/types.ts";
import { KEY_DEFAULTS } from "../../src/keys/key-defaults.ts";
import { openPostgresChanges } from "../../src/store/postgres-changes.ts";
import { connector } from "../../src/store/postgres-connection.ts";
import { createPostgresPool } from "../../src/store/postgres-pool.ts";
import type { PostgresStore } from "../../src/store/postgres-store.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { until } from "../support/wait.ts";
import { MIDNIGHT_MS } from "../unit/store/ledger-samples.ts";
import { type InstancesRig, startInstances } from "./instances-rig.ts";

const server = await startPostgres();
afterAll(() => server?.stop());

describe.skipIf(server === undefined)("changes by way of any instance", () => {
	let rig: InstancesRig;
	let left: PostgresStore;
	let right: PostgresStore;
	beforeEach(async () => {
		rig = await startInstances(server as PostgresServer);
		[left, right] = await Promise.all([rig.open({ connectionsMax: 12 }), rig.open({ connectionsMax: 12 })]);
	});
	afterEach(() => rig.remove());

	function key(id: string) {
		const facts = { createdAt: 1, lastUsedAt: undefined, revokedAt: undefined, keyHint: "…", hash: id };
		return { ...KEY_DEFAULTS, ...facts, id };
	}

	const next = (store: PostgresStore) => store.shared.changes.next();

	test("every write of an administrator is told to every instance, its own too, and once", async () => {
		await left.keys.insert(key("vk_1"));
		await right.teams.set("blue", { rpm: 5 }, MIDNIGHT_MS);
		await left.deploymentStates.setEnabled("dep_1", false, MIDNIGHT_MS);
		const changes: readonly Change[] = [
			{ kind: "key", id: "vk_1" },
			{ kind: "team", id: "blue" },
			{ kind: "deployment", id: "dep_1" },
		];
		expect(await next(left)).toEqual(changes);
		expect(await next(right)).toEqual(changes);
		expect(await next(left)).toEqual([]);
		await right.keys.update("vk_1", { rpm: 7 });
		await right.keys.revoke("vk_1", MIDNIGHT_MS);
		await left.teams.set("blue", {}, MIDNIGHT_MS);
		const more: readonly Change[] = [
			{ kind: "key", id: "vk_1" },
			{ kind: "team", id: "blue" },
		];
		expect(await next(right)).toEqual(more);
		expect(await next(left)).toEqual(more);
	});

	test("what changes nothing is not told, nor is a key's last use", async () => {
		await left.keys.insert(key("vk_1"));
		await next(right);
		expect(await left.keys.revoke("vk_none", MIDNIGHT_MS)).toBe(false);
		expect(await left.keys.update("vk_none", { rpm: 1 })).toBeUndefined();
		await left.keys.update("vk_1", {});
		await expect(left.keys.insert({ ...key("vk_2"), hash: "vk_1" })).rejects.toThrow();
		await left.keys.touch(new Map([["vk_1", MIDNIGHT_MS]]));
		await left.teams.set("none", {}, MIDNIGHT_MS);
		expect(await next(right)).toEqual([]);
	});

	test("a feed begins where it was opened", async () => {
		await left.keys.insert(key("vk_1"));
		const late = await rig.open();
		await left.keys.insert(key("vk_2"));
		expect(await next(late)).toEqual([{ kind: "key", id: "vk_2" }]);
		expect(await next(right)).toHaveLength(2);
	});

	test("of 50 writers at once, and readers who never stop, no reader misses a change", async () => {
		const third = await rig.open();
		const told = [left, right, third].map(() => new Set<string>());
		let isOver = false;
		const readers = [left, right, third].map(async (store, place) => {
			while (!isOver) {
				for (const { kind, id } of await next(store)) {
					told[place]?.add(`${kind} ${id}`);
				}
			}
		});
		const names: string[] = [];
		await Promise.all(
			Array.from({ length: 50 }, async (_, writer) => {
				const store = writer % 2 === 0 ? left : right;
				for (let round = 0; round < 6; round += 1) {
					const id = `${writer}_${round}`;
					if (round % 3 === 0) {
						await store.keys.insert(key(id));
						names.push(`key ${id}`);
					} else if (round % 3 === 1) {
						await store.teams.set(id, { rpm: 1 }, MIDNIGHT_MS);
						names.push(`team ${id}`);
					} else {
						await store.deploymentStates.setEnabled(id, false, MIDNIGHT_MS);
						names.push(`deployment ${id}`);
					}
				}
			}),
		);
		await Promise.all(told.map((seen) => until("all to be told", () => seen.size === names.length)));
		isOver = true;
		await Promise.all(readers);
		for (const seen of told) {
			expect(seen).toEqual(new Set(names));
		}
	}, 60_000);

	test("one whose transaction ends late is told, and so are those that waited for it", async () => {
		await using slow = new SQL(rig.url, { max: 1, prepare: false });
		await left.keys.insert(key("vk_0"));
		await next(right);
		await slow.unsafe("begin");
		// As the store writes it, and stands still before it is committed.
		await slow.unsafe("update virtual_keys set rpm = 1 where id = 'vk_0'");
		await slow.unsafe(
			"with next as (update change_counter set last = last + 1 returning last) insert into changes select 'key', 'vk_0', last from next on conflict (kind, id) do update set seq = excluded.seq",
		);
		const others = Promise.all([left.keys.insert(key("vk_1")), right.keys.insert(key("vk_2"))]);
		await until("others to wait", async () => {
			const [row] = await rig.query("select count(*)::text from pg_locks where not granted");
			return Number(row?.[0]) > 0;
		});
		expect(await next(right)).toEqual([]);
		await slow.unsafe("commit");
		await others;
		const ids = (await next(right)).map(({ id }) => id);
		expect(ids[0]).toBe("vk_0");
		expect(ids.toSorted()).toEqual(["vk_0", "vk_1", "vk_2"]);
	});

	test("more than fits into one answer of the database is told whole, in its order", async () => {
		await rig.query("insert into changes select 'key', 'vk_' || n, n from generate_series(1, 2500) as n");
		await rig.query("insert into change_counter values (1, 2500)");
		const ids = (await next(left)).map(({ id }) => id);
		expect(ids).toEqual(Array.from({ length: 2_500 }, (_, index) => `vk_${index + 1}`));
		expect(await next(left)).toEqual([]);
	});

	test("when an older copy of the database takes over, everything is told again", async () => {
		for (const id of ["vk_1", "vk_2", "vk_3"]) {
			await left.keys.insert(key(id));
		}
		await next(right);
		// A standby that had not got the last one.
		await rig.query("delete from changes where id = 'vk_3'");
		await rig.query("update change_counter set last = 2");
		expect((await next(right)).map(({ id }) => id)).toEqual(["vk_1", "vk_2"]);
		expect(await next(right)).toEqual([]);
		await left.keys.update("vk_1", { rpm: 4 });
		expect((await next(right)).map(({ id }) => id)).toEqual(["vk_1"]);
	});

	test("a call that fails loses nothing, and one that finds nothing costs one statement", async () => {
		const limits = { connectMs: 2_000, statementMs: 5_000, lockMs: 5_000 };
		const pool = createPostgresPool({ connect: connector(rig.url, limits), connectionsMax: 2, deadlineMs: 5_000 });
		let statements = 0;
		let isDown = false;
		const feed = await openPostgresChanges({
			...pool,
			async run(job, deadlineMs) {
				statements += 1;
				if (isDown) {
					throw new Error("away");
				}
				return pool.run(job, deadlineMs);
			},
		});
		await left.keys.insert(key("vk_1"));
		isDown = true;
		await expect(feed.next()).rejects.toThrow("away");
		isDown = false;
		const [first, second] = await Promise.all([feed.next(), feed.next()]);
		expect([...first, ...second]).toEqual([{ kind: "key", id: "vk_1" }]);
		statements = 0;
		expect(await feed.next()).toEqual([]);
		expect(statements).toBe(1);
		pool.close();
	});
});
