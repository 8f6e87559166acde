import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { TakenForDead } from "../../src/limits/taken-for-dead.ts";
import type { PostgresStore } from "../../src/store/postgres-store.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { closing, MIDNIGHT_MS, opening } from "../unit/store/ledger-samples.ts";
import {
	claim,
	type InstancesRig,
	listen,
	MONTH,
	spend,
	startInstances,
	steppedClock,
	taken,
} from "./instances-rig.ts";
import { checkLeases } from "./lease-model.ts";

const server = await startPostgres();
afterAll(() => server?.stop());

// Without a server there is nothing to try: startPostgres says so aloud, and fails where CI is set.
describe.skipIf(server === undefined)("budgets of several instances", () => {
	let rig: InstancesRig;
	beforeEach(async () => {
		rig = await startInstances(server as PostgresServer);
	});
	afterEach(() => rig.remove());

	function lease(store: PostgresStore, sequence: number, ...claims: Parameters<typeof claim>[]) {
		return store.shared.budgets.lease(
			claims.map((args) => claim(...args)),
			sequence,
		);
	}

	test("a part is granted, counted against the others, and free again when it is given back", async () => {
		const [left, right] = await Promise.all([rig.open(), rig.open()]);
		expect(await lease(left, 1, ["key:a", { needNano: 700 }])).toEqual({
			granted: true,
			shares: [{ subject: "key:a", month: MONTH, entitledNano: 700, freeNano: 300, spentNano: 0 }],
		});
		expect(await lease(right, 1, ["key:a", { needNano: 301 }])).toMatchObject({
			granted: false,
			shares: [{ entitledNano: 0, freeNano: 300 }],
		});
		await lease(left, 2, ["key:a", { entitledNano: 100 }]);
		expect(await lease(right, 2, ["key:a", { needNano: 900 }])).toMatchObject({
			granted: true,
			shares: [{ entitledNano: 900, freeNano: 0 }],
		});
	});

	test("all needs of a lease are granted or none, and what is given back is given back all the same", async () => {
		const [left, right] = await Promise.all([rig.open(), rig.open()]);
		await lease(left, 1, ["key:a", { needNano: 900 }], ["team:t", { needNano: 900 }]);
		const refused = await lease(right, 1, ["key:b", { needNano: 50 }], ["team:t", { needNano: 101 }]);
		expect(refused).toMatchObject({
			granted: false,
			shares: [{ entitledNano: 0 }, { entitledNano: 0, freeNano: 100 }],
		});
		const half = await lease(
			left,
			2,
			["key:a", { entitledNano: 300 }],
			["team:t", { entitledNano: 900, needNano: 200 }],
		);
		expect(half).toMatchObject({
			granted: false,
			shares: [{ entitledNano: 300, freeNano: 700 }, { entitledNano: 900 }],
		});
	});

	test("ahead of need no more is granted than a small part of what is left, and never where the needs do not fit", async () => {
		const [left] = await Promise.all([rig.open(), rig.open()]);
		const wish = { limitNano: 100_000, aheadNano: 90_000 };
		expect(await lease(left, 1, ["key:a", { ...wish, needNano: 20_000 }])).toMatchObject({
			granted: true,
			shares: [{ entitledNano: 24_000, freeNano: 76_000 }],
		});
		expect(await lease(left, 2, ["key:a", { ...wish, entitledNano: 24_000, needNano: 76_001 }])).toMatchObject({
			granted: false,
			shares: [{ entitledNano: 24_000 }],
		});
		expect(await lease(left, 3, ["key:a", { ...wish, entitledNano: 24_000, needNano: 76_000 }])).toMatchObject({
			granted: true,
			shares: [{ entitledNano: 100_000, freeNano: 0 }],
		});
	});

	test("an answer that never came is taken not to have granted anything by the next call", async () => {
		const store = await rig.open();
		await lease(store, 1, ["key:a", { needNano: 800 }]);
		expect(await lease(store, 2, ["key:a", { needNano: 50 }])).toMatchObject({
			granted: true,
			shares: [{ entitledNano: 50, freeNano: 950 }],
		});
	});

	test("a call that is overtaken by a newer one changes nothing", async () => {
		const store = await rig.open();
		await lease(store, 7, ["key:a", { needNano: 100 }]);
		const late = await lease(store, 6, ["key:a", { needNano: 500 }], ["key:b", { needNano: 5 }]);
		expect(late).toMatchObject({ granted: false, shares: [{ entitledNano: 100 }, { entitledNano: 0 }] });
		expect(await lease(store, 7, ["key:a", { needNano: 500 }])).toMatchObject({ granted: false });
	});

	test("an entitlement never grows by what an instance says that it has", async () => {
		const store = await rig.open();
		expect(await lease(store, 1, ["key:a", { entitledNano: 500 }])).toMatchObject({ shares: [{ entitledNano: 0 }] });
		await lease(store, 2, ["key:a", { needNano: 10 }]);
		expect(await lease(store, 3, ["key:a", { entitledNano: 900, needNano: 1 }])).toMatchObject({
			shares: [{ entitledNano: 11 }],
		});
	});

	test("a settle that costs more than was reserved counts whole, for the others and for its own instance", async () => {
		const [left, right] = await Promise.all([rig.open(), rig.open()]);
		await lease(left, 1, ["key:a", { needNano: 100 }]);
		await spend(left, "a", 850);
		expect(await lease(right, 1, ["key:a", { needNano: 151 }])).toMatchObject({
			granted: false,
			shares: [{ freeNano: 150, spentNano: 850 }],
		});
		expect(await lease(left, 2, ["key:a", { entitledNano: 100, needNano: 900 }])).toMatchObject({ granted: true });
		expect(taken(await rig.accounts(), "key:a")).toBe(1_000n);
	});

	test("under a limit that was lowered nothing more is granted until enough was given back", async () => {
		const [left, right] = await Promise.all([rig.open(), rig.open()]);
		await lease(left, 1, ["key:a", { needNano: 600 }]);
		expect(await lease(right, 1, ["key:a", { limitNano: 500, needNano: 1 }])).toMatchObject({
			granted: false,
			shares: [{ freeNano: 0 }],
		});
		await lease(left, 2, ["key:a", { limitNano: 500, entitledNano: 499 }]);
		expect(await lease(right, 2, ["key:a", { limitNano: 500, needNano: 1 }])).toMatchObject({ granted: true });
	});

	test("of instances that are gone only what they spent counts", async () => {
		const store = await rig.open();
		await rig.query("insert into budget_accounts values ('key:a', $1, 'ins_gone', 900, 250, 4)", [MONTH]);
		expect(await lease(store, 1, ["key:a", { needNano: 750 }])).toMatchObject({
			granted: true,
			shares: [{ freeNano: 0, spentNano: 250 }],
		});
	});

	test("spend is counted by key, team and month, whoever settles it, and once", async () => {
		const [left, right] = await Promise.all([rig.open(), rig.open()]);
		const attempt = opening({ keyId: "a", team: "t" });
		await left.writer.settled(attempt, MIDNIGHT_MS, closing({ costNano: 7 }), MIDNIGHT_MS);
		await right.writer.settled(attempt, MIDNIGHT_MS, closing({ costNano: 9 }), MIDNIGHT_MS);
		await right.writer.settled(opening({ keyId: "b", team: "t" }), MIDNIGHT_MS, closing({ costNano: 20 }), MIDNIGHT_MS);
		const before = Date.UTC(2030, 4, 31, 23, 59, 59, 999);
		await right.writer.settled(opening({ keyId: "a", team: "t" }), before, closing({ costNano: 400 }), MIDNIGHT_MS);
		const standing = (subject: string, month = MONTH) => left.shared.budgets.standing(subject, month);
		expect(await standing("key:a")).toEqual({ spentNano: 7, reservedNano: 0 });
		expect(await standing("team:t")).toEqual({ spentNano: 27, reservedNano: 0 });
		expect(await standing("team:t", MONTH - 1)).toEqual({ spentNano: 400, reservedNano: 0 });
		expect(await standing("team:other")).toEqual({ spentNano: 0, reservedNano: 0 });
	});

	test("what is under way counts as reserved, of all instances", async () => {
		const [left, right] = await Promise.all([rig.open(), rig.open()]);
		left.writer.opened(opening({ keyId: "a", team: "t", reservedNano: 30 }), MIDNIGHT_MS);
		right.writer.opened(opening({ keyId: "b", team: "t", reservedNano: 12 }), MIDNIGHT_MS);
		right.writer.opened(opening({ keyId: "b", team: "t", reservedNano: 900 }), MIDNIGHT_MS - 86_400_000 * 20);
		await Promise.all([left.writer.flush(), right.writer.flush()]);
		expect(await right.shared.budgets.standing("team:t", MONTH)).toEqual({ spentNano: 0, reservedNano: 42 });
		expect(await right.shared.budgets.standing("key:a", MONTH)).toEqual({ spentNano: 0, reservedNano: 30 });
	});

	test("a name with U+0000 in it is one subject in the ledger and in leases", async () => {
		const store = await rig.open();
		const team = "nul \0 \uffff";
		await store.writer.settled(opening({ team }), MIDNIGHT_MS, closing({ costNano: 40 }), MIDNIGHT_MS);
		expect(await lease(store, 1, [`team:${team}`, { needNano: 5 }])).toMatchObject({
			shares: [{ subject: `team:${team}`, freeNano: 960, spentNano: 40 }],
		});
		expect((await store.shared.budgets.standing(`team:${team}`, MONTH)).spentNano).toBe(40);
	});

	test("an instance that was taken for dead is granted nothing until it has said that it lives", async () => {
		const store = await rig.open();
		await lease(store, 1, ["key:a", { needNano: 10 }]);
		await rig.query("update instances set ended_at = 1");
		await expect(lease(store, 2, ["key:a", { entitledNano: 10, needNano: 1 }])).rejects.toBeInstanceOf(TakenForDead);
		await store.shared.membership.beat();
		expect(await lease(store, 3, ["key:a", { entitledNano: 10, needNano: 1 }])).toMatchObject({
			granted: true,
			shares: [{ entitledNano: 1 }],
		});
	});

	test("amounts that are no money, and a budget that is named twice, are refused", async () => {
		const store = await rig.open();
		await expect(lease(store, 1, ["key:a", { needNano: -1 }])).rejects.toThrow("non-negative");
		await expect(lease(store, 1, ["key:a", { entitledNano: 0.5 }])).rejects.toThrow("non-negative");
		await expect(lease(store, 1, ["key:a"], ["key:a"])).rejects.toThrow("twice");
		expect(await lease(store, 1)).toEqual({ granted: true, shares: [] });
	});

	test("a lease that another one holds up is given up by its deadline, and grants nothing", async () => {
		const [store, other] = await Promise.all([rig.open({ leaseMsMax: 100 }), rig.open()]);
		await rig.query("begin");
		await rig.query("select pg_advisory_xact_lock(1196903490, hashtext('key:a'))::text");
		await expect(lease(store, 1, ["key:a", { needNano: 10 }])).rejects.toThrow("100 ms");
		await rig.query("commit");
		expect(await lease(other, 1, ["key:a", { needNano: 1_000 }])).toMatchObject({ granted: true });
	});

	test("leases of three instances, 200 at once, never come to more than the limit, whatever is lost or late", async () => {
		const stores = await Promise.all([1, 2, 3].map(() => rig.open({ connectionsMax: 8 })));
		const crowd = createCrowd(stores);
		const looks = watch(() => rig.accounts().then(crowd.expectWithinLimit));
		const random = fc.sample(
			fc.array(fc.tuple(fc.nat(999), fc.nat(999), fc.nat(999)), { minLength: 4, maxLength: 4 }),
			{
				numRuns: 200,
				seed: 0x6c6c6d,
			},
		);
		await Promise.all(
			random.map(async (rounds, lane) => {
				for (const round of rounds) {
					await crowd.lease(lane % 3, round);
				}
			}),
		);
		expect(await looks()).toBeGreaterThan(3);
		expect(crowd.granted()).toBeGreaterThan(50);
		expect(crowd.refused()).toBeGreaterThan(50);
	}, 120_000);

	test("leases, lost answers, settles, deaths and late settles in any order are what exact sums say", async () => {
		const clock = steppedClock();
		const stores = await Promise.all([1, 2, 3].map(() => rig.open({ clock })));
		await listen(clock, ...stores);
		await checkLeases({ rig, stores, runs: 40, seed: 0x1ea5e });
	}, 120_000);
});

const LIMIT = 10_000;
const SUBJECTS = ["team:t", "key:a", "key:b"];

/** Three instances that lease without regard to each other, and what each of them believes to have. */
function createCrowd(stores: readonly PostgresStore[]) {
	const believed = stores.map(() => new Map(SUBJECTS.map((subject) => [subject, 0])));
	const newest = stores.map(() => new Map<string, number>());
	let sequence = 0;
	let granted = 0;
	let refused = 0;

	function expectBelievedWithinLimit(): void {
		for (const subject of SUBJECTS) {
			const sum = believed.map((known) => known.get(subject) ?? 0).reduce((left, right) => left + right, 0);
			expect(sum).toBeLessThanOrEqual(LIMIT);
		}
	}

	return {
		granted: () => granted,
		refused: () => refused,
		expectWithinLimit(accounts: Awaited<ReturnType<InstancesRig["accounts"]>>): void {
			for (const subject of SUBJECTS) {
				expect(taken(accounts, subject)).toBeLessThanOrEqual(BigInt(LIMIT));
			}
		},
		async lease(place: number, [need, kept, fate]: readonly [number, number, number]): Promise<void> {
			const [known, latest] = [believed[place] ?? new Map(), newest[place] ?? new Map()];
			sequence += 1;
			const own = sequence;
			const claims = ["team:t", fate % 2 === 0 ? "key:a" : "key:b"].map((subject) => {
				// What is given back is gone when it is said, whether or not an answer comes.
				// Mostly nothing, so that the limit is reached again and again.
				const entitledNano = Math.floor(((known.get(subject) ?? 0) * Math.min(999, kept + 400)) / 999);
				known.set(subject, entitledNano);
				latest.set(subject, own);
				return claim(subject, { limitNano: LIMIT, entitledNano, needNano: need, aheadNano: 500 });
			});
			const answer = await stores[place]?.shared.budgets.lease(claims, own);
			granted += answer?.granted === true ? 1 : 0;
			refused += answer?.granted === true ? 0 : 1;
			const isLost = fate < 200;
			for (const { subject, entitledNano } of isLost ? [] : (answer?.shares ?? [])) {
				if (latest.get(subject) === own) {
					known.set(subject, entitledNano);
				}
			}
			expectBelievedWithinLimit();
		},
	};
}

/** Looks again and again. Returns how to end it, which tells how often it has looked. */
function watch(look: () => Promise<void>): () => Promise<number> {
	let isOver = false;
	const looking = (async () => {
		let looks = 0;
		for (; !isOver; looks += 1) {
			await look();
		}
		return looks;
	})();
	return () => {
		isOver = true;
		return looking;
	};
}
