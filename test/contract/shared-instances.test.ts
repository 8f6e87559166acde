import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { openOutbox } from "../../src/store/outbox.ts";
import type { PostgresStore } from "../../src/store/postgres-store.ts";
import { dayOf } from "../../src/store/spend-days.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { closing, MIDNIGHT_MS, opening } from "../unit/store/ledger-samples.ts";
import { claim, type InstancesRig, listen, MONTH, spend, startInstances, steppedClock } from "./instances-rig.ts";

const server = await startPostgres();
afterAll(() => server?.stop());

describe.skipIf(server === undefined)("instances that share a database", () => {
	let rig: InstancesRig;
	beforeEach(async () => {
		rig = await startInstances(server as PostgresServer);
	});
	afterEach(() => rig.remove());

	/** An attempt that is dispatched, its row in the database. */
	async function dispatch(store: PostgresStore, reservedNano = 40) {
		const attempt = opening({ keyId: "a", team: undefined, reservedNano });
		store.writer.opened(attempt, MIDNIGHT_MS);
		await store.writer.flush();
		return attempt;
	}

	function lease(store: PostgresStore, sequence: number, facts: Parameters<typeof claim>[1]) {
		return store.shared.budgets.lease([claim("key:a", facts)], sequence);
	}

	const ids = async () => (await rig.query("select id from instances order by id")).map(([id]) => id);
	const standing = async (store: PostgresStore) => await store.shared.budgets.standing("key:a", MONTH);
	const age = (store: PostgresStore, milliseconds: number) =>
		rig.query("update instances set seen_at = seen_at - $1 where id = $2", [milliseconds, store.shared.instanceId]);

	test("each is counted from its start until it has not been seen for ten seconds", async () => {
		const [left, right] = await Promise.all([rig.open(), rig.open()]);
		expect(await left.shared.membership.beat()).toEqual({ instances: 2, wasTakenForDead: false });
		await age(right, 11_000);
		expect(await left.shared.membership.beat()).toMatchObject({ instances: 1 });
		expect(await right.shared.membership.beat()).toEqual({ instances: 2, wasTakenForDead: false });
		expect(await left.shared.membership.beat()).toMatchObject({ instances: 2 });
	});

	test("recovery settles what the process before it in the same place left, and nothing of those who run", async () => {
		const place = rig.directory();
		const other = await rig.open();
		const first = await rig.open({}, place);
		await first.attempts.recover(0);
		await lease(first, 1, { needNano: 500 });
		const [lost, running] = [await dispatch(first), await dispatch(other)];
		await first.close();
		const next = await rig.open({}, place);
		expect(await next.attempts.recover(MIDNIGHT_MS + 9)).toEqual([
			{ requestId: lost.requestId, attempt: 0, costNano: 40 },
		]);
		expect(await next.attempts.recover(MIDNIGHT_MS + 9)).toEqual([]);
		expect(await next.attempts.byRequest(running.requestId)).toMatchObject([{ closing: undefined }]);
		expect(await standing(next)).toEqual({ spentNano: 40, reservedNano: 40 });
		expect(await lease(next, 1, { needNano: 960 })).toMatchObject({ granted: true });
		expect(await ids()).toEqual([other.shared.instanceId, next.shared.instanceId].sort());
	});

	test("a recovery that is cut off before its end is done again by the next start", async () => {
		const place = rig.directory();
		const first = await rig.open({}, place);
		await first.attempts.recover(0);
		await dispatch(first);
		await first.close();
		// Started, and gone again before it could recover.
		await (await rig.open({}, place)).close();
		expect(await (await rig.open({}, place)).attempts.recover(MIDNIGHT_MS)).toHaveLength(1);
	});

	test("what an outbox still held is charged as it was settled, to the process that settled it", async () => {
		const place = rig.directory();
		const first = await rig.open({}, place);
		await first.attempts.recover(0);
		await lease(first, 1, { needNano: 300 });
		const known = await dispatch(first, 100);
		await first.close();
		const outbox = openOutbox({ directory: place });
		const instance = first.shared.instanceId;
		const settle = (attempt: ReturnType<typeof opening>, costNano: number) => ({
			kind: "settle" as const,
			write: {
				...{ opening: attempt, openedAtMs: MIDNIGHT_MS, instance },
				...{ closing: closing({ costNano }), settledAtMs: MIDNIGHT_MS + 1 },
			},
		});
		const [unknown, open] = [
			opening({ keyId: "a", team: undefined }),
			opening({ keyId: "a", team: undefined, reservedNano: 5 }),
		];
		outbox.append([
			settle(known, 7),
			settle(unknown, 30),
			{ kind: "opening", write: { opening: open, openedAtMs: MIDNIGHT_MS, instance } },
		]);
		outbox.close();
		const next = await rig.open({}, place);
		expect(await next.attempts.recover(MIDNIGHT_MS)).toEqual([{ requestId: open.requestId, attempt: 0, costNano: 5 }]);
		expect(await standing(next)).toEqual({ spentNano: 42, reservedNano: 0 });
		expect((await rig.accounts()).map(({ instance: of, spent }) => [of, spent])).toEqual([["", 42n]]);
	});

	test("the silent are settled at their reservation and their budgets freed, once, however many look after them", async () => {
		const clock = steppedClock();
		const [left, right, dead] = await Promise.all([rig.open({ clock }), rig.open({ clock }), rig.open()]);
		await lease(dead, 1, { needNano: 900 });
		await spend(dead, "a", 300);
		const lost = await dispatch(dead, 200);
		await age(dead, 3_600_000);
		await listen(clock, left, right);
		const reaped = await Promise.all([
			left.shared.membership.reap(MIDNIGHT_MS),
			right.shared.membership.reap(MIDNIGHT_MS),
		]);
		expect(reaped.flat()).toEqual([{ requestId: lost.requestId, attempt: 0, costNano: 200 }]);
		expect(await left.shared.membership.reap(MIDNIGHT_MS)).toEqual([]);
		expect(await standing(left)).toEqual({ spentNano: 500, reservedNano: 0 });
		expect(await lease(left, 1, { needNano: 501 })).toMatchObject({ granted: false });
		expect(await lease(left, 2, { needNano: 500 })).toMatchObject({ granted: true });
		expect(await ids()).toEqual([left.shared.instanceId, right.shared.instanceId].sort());

		// What comes late out of an outbox is counted, once: in place of what was charged for want of knowing better.
		await dead.writer.settled(lost, MIDNIGHT_MS, closing({ costNano: 1 }), MIDNIGHT_MS);
		await spend(dead, "a", 33);
		expect(await standing(left)).toEqual({ spentNano: 334, reservedNano: 0 });
		await dead.writer.settled(lost, MIDNIGHT_MS, closing({ costNano: 1 }), MIDNIGHT_MS);
		await left.shared.membership.reap(MIDNIGHT_MS);
		expect(await standing(left)).toEqual({ spentNano: 334, reservedNano: 0 });
		expect((await rig.accounts()).map(({ instance, spent }) => [instance, spent])).toEqual(
			expect.arrayContaining([["", 334n]]),
		);
		const [row] = await left.attempts.byRequest(lost.requestId);
		expect(row?.closing).toMatchObject({ usageSource: "provider", costNano: 1 });
		const day = dayOf(MIDNIGHT_MS);
		expect(await left.housekeeping.checkDay(day)).toMatchObject({ unsettled: 0, differences: [] });
	});

	test("a retried request whose first attempt was charged as crashed still counts once", async () => {
		const clock = steppedClock();
		const [watcher, dead] = await Promise.all([rig.open({ clock }), rig.open()]);
		const first = await dispatch(dead, 200);
		const second = { ...first, attempt: 1, provider: "another" };
		await dead.writer.settled(second, MIDNIGHT_MS, closing({ costNano: 7 }), MIDNIGHT_MS);
		await age(dead, 3_600_000);
		await listen(clock, watcher);
		await watcher.shared.membership.reap(MIDNIGHT_MS);
		await dead.writer.settled(first, MIDNIGHT_MS, closing({ costNano: 0, outcome: "upstream_failed" }), MIDNIGHT_MS);
		expect(await standing(watcher)).toEqual({ spentNano: 7, reservedNano: 0 });
		expect(await watcher.housekeeping.checkDay(dayOf(MIDNIGHT_MS))).toMatchObject({ differences: [] });
		const [total] = await watcher.attempts.spend({ fromMs: 0, toMs: 8.64e15, groupBy: [] });
		expect(total).toMatchObject({ requests: 1, errors: 1, costNano: 7n });
	});

	test("nobody is reaped who beats, or by one who has not listened for a minute, or when only a clock has jumped", async () => {
		const clock = steppedClock();
		const [watcher, other] = await Promise.all([rig.open({ clock }), rig.open()]);
		await dispatch(other);
		const reap = () => watcher.shared.membership.reap(MIDNIGHT_MS);
		await age(other, 3_600_000);
		for (let second = 0; second < 55; second += 5) {
			clock.step(5_000);
			await watcher.shared.membership.beat();
		}
		expect(await reap()).toEqual([]);
		// It was away itself: it begins anew.
		clock.step(11_000);
		await watcher.shared.membership.beat();
		await listen(clock, watcher);
		clock.step(20_000);
		expect(await reap()).toEqual([]);
		await listen(clock, watcher, other);
		expect(await reap()).toEqual([]);
		// All instances are silent for an hour by the database's clock, and one of them has not beaten yet.
		await age(other, 3_600_000);
		await watcher.shared.membership.beat();
		expect(await reap()).toEqual([]);
		expect(await other.shared.membership.beat()).toEqual({ instances: 2, wasTakenForDead: false });
		expect(await standing(watcher)).toEqual({ spentNano: 0, reservedNano: 40 });
	});

	test("one that was taken for dead is told so, once, even when the answer that says so gets lost", async () => {
		const clock = steppedClock();
		const [watcher, sleeper] = await Promise.all([rig.open({ clock }), rig.open()]);
		await lease(sleeper, 1, { needNano: 600 });
		const lost = await dispatch(sleeper);
		await age(sleeper, 3_600_000);
		await listen(clock, watcher);
		expect(await watcher.shared.membership.reap(MIDNIGHT_MS)).toHaveLength(1);
		// As a beat does whose answer never comes.
		await rig.query(
			"insert into instances (id, started_at, seen_at) values ($1, 5, extract(epoch from clock_timestamp())::bigint * 1000)",
			[sleeper.shared.instanceId],
		);
		expect(await sleeper.shared.membership.beat()).toEqual({ instances: 2, wasTakenForDead: true });
		expect(await sleeper.shared.membership.beat()).toEqual({ instances: 2, wasTakenForDead: false });
		await sleeper.writer.settled(lost, MIDNIGHT_MS, closing({ costNano: 1 }), MIDNIGHT_MS);
		expect(await standing(sleeper)).toEqual({ spentNano: 1, reservedNano: 0 });
		expect(await lease(sleeper, 2, { entitledNano: 600, needNano: 960 })).toMatchObject({ granted: true });
	});

	test("one that comes back while it is being buried, by somebody who was killed over it, finishes that first", async () => {
		const clock = steppedClock();
		const [watcher, sleeper] = await Promise.all([rig.open({ clock }), rig.open()]);
		await lease(sleeper, 1, { needNano: 600 });
		await dispatch(sleeper);
		await rig.query("update instances set ended_at = 1 where id = $1", [sleeper.shared.instanceId]);
		await listen(clock, watcher);
		const [heard, reaped] = await Promise.all([
			sleeper.shared.membership.beat(),
			watcher.shared.membership.reap(MIDNIGHT_MS),
		]);
		expect(heard.wasTakenForDead).toBe(true);
		expect(reaped.length).toBeLessThanOrEqual(1);
		// What it opens in its new life is its own.
		const fresh = await dispatch(sleeper, 8);
		expect(await watcher.shared.membership.reap(MIDNIGHT_MS)).toEqual([]);
		expect(await standing(watcher)).toEqual({ spentNano: 40, reservedNano: 8 });
		await sleeper.writer.settled(fresh, MIDNIGHT_MS, closing({ costNano: 2 }), MIDNIGHT_MS);
		expect(await lease(watcher, 1, { needNano: 958 })).toMatchObject({ granted: true });
	});

	test("one that leaves frees what it holds at once, and leaves nothing open", async () => {
		const [left, right] = await Promise.all([rig.open(), rig.open()]);
		await lease(left, 1, { needNano: 900 });
		await spend(left, "a", 100);
		await dispatch(left, 50);
		await left.shared.membership.leave();
		expect(await standing(right)).toEqual({ spentNano: 150, reservedNano: 0 });
		expect(await lease(right, 1, { needNano: 850 })).toMatchObject({ granted: true });
		expect(await ids()).toEqual([right.shared.instanceId]);
		expect(await right.shared.membership.beat()).toMatchObject({ instances: 1 });
	});

	test("a reservation is never free before it is charged", async () => {
		const clock = steppedClock();
		const [watcher, dead] = await Promise.all([rig.open({ clock }), rig.open()]);
		await lease(dead, 1, { needNano: 1_000 });
		await Promise.all(
			Array.from({ length: 600 }, async () => {
				dead.writer.opened(opening({ keyId: "a", team: undefined, reservedNano: 1 }), MIDNIGHT_MS);
			}),
		);
		await dead.writer.flush();
		await age(dead, 3_600_000);
		await listen(clock, watcher);
		let isOver = false;
		let sequence = 0;
		const looking = (async () => {
			while (!isOver) {
				sequence += 1;
				const answer = await lease(watcher, sequence, { needNano: 401 });
				expect(answer.granted).toBe(false);
			}
		})();
		expect(await watcher.shared.membership.reap(MIDNIGHT_MS)).toHaveLength(600);
		isOver = true;
		await looking;
		expect(await lease(watcher, sequence + 1, { needNano: 400 })).toMatchObject({ granted: true });
	});

	test("settles of an instance, its leases and its burial get along, and the sums are right", async () => {
		const clock = steppedClock();
		const [watcher, other] = await Promise.all([rig.open({ clock, connectionsMax: 8 }), rig.open()]);
		await listen(clock, watcher);
		let costs = 0n;
		let sequence = 0;
		const lanes = Array.from({ length: 6 }, async (_, lane) => {
			for (let round = 0; round < 25; round += 1) {
				const costNano = 1 + ((lane * 7 + round) % 5);
				const attempt = opening({ keyId: lane % 2 === 0 ? "a" : "b", team: "t" });
				await other.writer.settled(attempt, MIDNIGHT_MS, closing({ costNano }), MIDNIGHT_MS);
				costs += BigInt(costNano);
				sequence += 1;
				await watcher.shared.budgets.lease([claim("team:t", { needNano: 1 }), claim("key:a")], sequence);
			}
		});
		const deaths = (async () => {
			for (let round = 0; round < 12; round += 1) {
				await rig.query("update instances set ended_at = 1 where id = $1", [other.shared.instanceId]);
				await watcher.shared.membership.reap(MIDNIGHT_MS);
				await other.shared.membership.beat();
			}
		})();
		await Promise.all([...lanes, deaths]);
		expect((await watcher.shared.budgets.standing("team:t", MONTH)).spentNano).toBe(Number(costs));
		expect((await watcher.housekeeping.checkDay(MIDNIGHT_MS / 86_400_000)).differences).toEqual([]);
	}, 60_000);
});
