import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import fc from "fast-check";
import { dayOf } from "../../../src/store/spend-days.ts";
import { closing, DAY_MS, opening } from "./ledger-samples.ts";
import { startUpkeepRig } from "./upkeep-rig.ts";

const HOUR_MS = 3_600_000;
/** A month with 30 days, one with 31, a leap day and the turn of a year come after it. */
const START_MS = Date.UTC(2031, 9, 30, 22);

describe("retention", () => {
	test("over fourteen months nothing but the last 90 days keeps its rows, and not one nano-dollar of spend is lost", async () => {
		await using rig = await startUpkeepRig(START_MS);
		let spent = 0n;
		let requests = 0;
		for (let step = 0; step < 14 * 30; step += 1) {
			await rig.settle(3, { keyId: `vk_${step % 5}`, model: step % 2 ? "large" : "small" });
			requests += 3;
			rig.clock.pass(DAY_MS);
			await rig.keeper().round();
			const days = rig.days();
			expect(days[0] ?? 0).toBeGreaterThanOrEqual(dayOf(rig.clock.now() - 90 * DAY_MS));
			expect(days.length).toBeLessThanOrEqual(91);
		}
		for (let index = 0; index < 3; index += 1) {
			spent += BigInt(1 + ((index * 7919) % 1_000_003)) * BigInt(14 * 30);
		}
		expect(await rig.total()).toEqual({ costNano: spent, requests });
		expect(await rig.unreconciled()).toEqual([]);
		expect(rig.logs.filter(({ level }) => level !== "info")).toEqual([]);
	}, 60_000);

	test("a row goes with its whole UTC day, not before", async () => {
		await using rig = await startUpkeepRig(Date.UTC(2032, 1, 29, 0, 0, 0));
		await rig.settle(1);
		rig.clock.pass(DAY_MS - 1);
		await rig.settle(1);
		rig.clock.set(Date.UTC(2032, 1, 29) + 91 * DAY_MS - 1);
		await rig.reopen();
		await rig.keeper().round();
		expect(rig.count()).toBe(2);
		rig.clock.pass(1);
		await rig.keeper().round();
		expect(rig.count()).toBe(0);
	});

	test("a shorter retention counts at once, a longer one keeps what is there", async () => {
		await using rig = await startUpkeepRig(START_MS);
		await rig.settle(1);
		rig.clock.pass(10 * DAY_MS);
		rig.settings.retentionMs = 30 * DAY_MS;
		await rig.keeper().round();
		expect(rig.count()).toBe(1);
		rig.settings.retentionMs = 2 * DAY_MS;
		await rig.keeper().round();
		expect(rig.count()).toBe(0);
	});

	test("rows that are not settled stay, and are told apart", async () => {
		await using rig = await startUpkeepRig(START_MS);
		await rig.settle(5);
		const open = opening();
		rig.store().writer.opened(open, rig.clock.now());
		await rig.store().writer.flush();
		rig.clock.pass(200 * DAY_MS);
		await rig.keeper().round();
		expect(rig.count()).toBe(1);
		// It settles months later, at the day it belongs to, whose other rows are gone; and then goes too.
		await rig.store().writer.settled(open, START_MS, closing(), rig.clock.now());
		expect(await rig.unreconciled()).toEqual([]);
		rig.clock.pass(2 * DAY_MS);
		await rig.keeper().round();
		expect(rig.count()).toBe(0);
		expect(await rig.unreconciled()).toEqual([]);
		expect((await rig.total()).requests).toBe(6);
	});

	test("who made a stored response is known for as long as providers keep it, whatever the retention", async () => {
		await using rig = await startUpkeepRig(START_MS, { retentionMs: 2 * DAY_MS });
		await rig.settle(3, { objectId: "resp_" });
		await rig.settle(300);
		rig.clock.pass(30 * DAY_MS);
		await rig.keeper().round();
		expect(rig.count()).toBe(3);
		expect(await rig.store().attempts.ownerOf("resp_1")).toMatchObject({ keyId: "vk_A", deploymentId: "dep_1" });
		rig.clock.pass(3 * DAY_MS);
		await rig.keeper().round();
		expect(rig.count()).toBe(0);
		expect(await rig.unreconciled()).toEqual([]);
	});

	test("a request whose attempts lie on two days is counted once for ever", async () => {
		await using rig = await startUpkeepRig(Date.UTC(2031, 11, 31, 23, 59, 59, 900), { retentionMs: 10 * DAY_MS });
		const { requestId } = opening();
		for (const [attempt, provider] of ["openai", "groq", "openai"].entries()) {
			await rig
				.store()
				.writer.settled(opening({ requestId, attempt, provider }), rig.clock.now(), closing(), rig.clock.now() + 1);
			rig.clock.pass(60);
		}
		const before = await rig.total();
		// The first day is due a day before the second: its row stays until the attempts that count by it are gone.
		rig.clock.pass(10 * DAY_MS + HOUR_MS - DAY_MS);
		await rig.keeper().round();
		rig.clock.pass(DAY_MS);
		await rig.keeper().round();
		expect(await rig.unreconciled()).toEqual([]);
		rig.clock.pass(3 * DAY_MS);
		await rig.keeper().round();
		await rig.keeper().round();
		expect(rig.count()).toBe(0);
		expect(await rig.total()).toEqual(before);
		expect(await rig.unreconciled()).toEqual([]);
	});

	test("a report that begins inside a day whose rows are gone counts that whole day", async () => {
		await using rig = await startUpkeepRig(START_MS);
		await rig.settle(4);
		// One row stays, which tells nothing of the others.
		rig.store().writer.opened(opening(), rig.clock.now());
		rig.clock.pass(100 * DAY_MS);
		await rig.settle(1);
		await rig.keeper().round();
		const [row] = await rig.store().attempts.spend({ fromMs: START_MS + HOUR_MS, toMs: 8.64e15, groupBy: [] });
		expect(row?.requests).toBe(5);
	});
});

describe("a day that does not reconcile", () => {
	test.each([
		["a cost", "update spend_days set cost_nano = cost_nano + 1"],
		["tokens", "update spend_days set output = output - 1"],
		["a counter of requests", "update spend_days set requests_by_model = 0"],
		["a missing sum", "delete from spend_days"],
		["a row that is gone", "delete from attempts where rowid = (select min(rowid) from attempts)"],
		["a row that was changed", "update attempts set cost_nano = 5 where rowid = (select min(rowid) from attempts)"],
	])("keeps its rows and is named in the log: %s", async (_, spoil) => {
		await using rig = await startUpkeepRig(START_MS);
		await rig.settle(5);
		rig.sql(spoil);
		const kept = rig.count();
		rig.clock.pass(DAY_MS);
		await rig.settle(5, { keyId: "vk_next" });
		rig.clock.pass(100 * DAY_MS);
		await rig.keeper().round();
		// The next day is none the worse for it.
		expect(rig.days()).toEqual([dayOf(START_MS)]);
		expect(rig.count()).toBe(kept);
		expect(rig.logs.filter(({ level }) => level === "error")).toMatchObject([
			{ event: "storage_day_refused", fields: { day: "2031-10-30" } },
		]);
		// Not every minute, but every day.
		rig.clock.pass(60_000);
		await rig.keeper().round();
		rig.clock.pass(DAY_MS);
		await rig.keeper().round();
		expect(rig.logs.filter(({ level }) => level === "error")).toHaveLength(2);
		expect(rig.count()).toBe(kept);
	});

	test("goes as soon as it is put right", async () => {
		await using rig = await startUpkeepRig(START_MS);
		await rig.settle(5);
		rig.sql("update spend_days set cost_nano = cost_nano + 1");
		rig.clock.pass(100 * DAY_MS);
		await rig.keeper().round();
		rig.sql("update spend_days set cost_nano = cost_nano - 1");
		rig.clock.pass(DAY_MS);
		await rig.keeper().round();
		expect(rig.count()).toBe(0);
	});
});

describe("a clock that jumps", () => {
	test("ahead: nothing is deleted for an hour, and nothing at all if it is set right meanwhile", async () => {
		await using rig = await startUpkeepRig(START_MS);
		await rig.settle(5);
		await rig.keeper().round();
		rig.clock.set(START_MS + 400 * DAY_MS);
		await rig.keeper().round();
		rig.clock.pass(50 * 60_000);
		await rig.keeper().round();
		expect(rig.count()).toBe(5);
		expect(rig.logs.map(({ event }) => event)).toEqual(["storage_clock_stepped"]);
		rig.clock.set(START_MS + 50 * 60_000);
		await rig.keeper().round();
		rig.clock.pass(HOUR_MS);
		await rig.keeper().round();
		expect(rig.count()).toBe(5);

		// This one stays ahead: after an hour it is what the calendar says.
		rig.clock.set(START_MS + 400 * DAY_MS);
		await rig.keeper().round();
		rig.clock.pass(HOUR_MS);
		await rig.keeper().round();
		expect(rig.count()).toBe(0);
	});

	test("back: attempts of an old date join a day that is gone, and the books still agree", async () => {
		await using rig = await startUpkeepRig(START_MS);
		await rig.settle(5);
		rig.clock.pass(100 * DAY_MS);
		await rig.keeper().round();
		rig.clock.set(START_MS);
		await rig.settle(7, { keyId: "vk_late" });
		expect(await rig.unreconciled()).toEqual([]);
		rig.clock.set(START_MS + 101 * DAY_MS);
		await rig.keeper().round();
		rig.clock.pass(2 * DAY_MS);
		await rig.keeper().round();
		expect(rig.count()).toBe(0);
		expect(await rig.unreconciled()).toEqual([]);
		expect((await rig.total()).requests).toBe(12);
	});

	test("anywhere: no walk of the clock loses or doubles a nano-dollar", async () => {
		const step = fc.oneof(
			fc.record({ kind: fc.constant("pass" as const), byMs: fc.integer({ min: 1, max: 40 * DAY_MS }) }),
			fc.record({ kind: fc.constant("set" as const), byMs: fc.integer({ min: -40 * DAY_MS, max: 40 * DAY_MS }) }),
		);
		await fc.assert(
			fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
				await using rig = await startUpkeepRig(START_MS, { retentionMs: 10 * DAY_MS });
				let requests = 0;
				for (const { kind, byMs } of steps) {
					await rig.settle(2);
					requests += 2;
					if (kind === "pass") {
						rig.clock.pass(byMs);
					} else {
						rig.clock.set(rig.clock.now() + byMs);
					}
					await rig.keeper().round();
					rig.clock.pass(HOUR_MS);
					await rig.keeper().round();
				}
				expect(await rig.total()).toEqual({ requests, costNano: BigInt(requests / 2) * (1n + 7_920n) });
				expect(await rig.unreconciled()).toEqual([]);
			}),
			{ numRuns: 12 },
		);
	}, 60_000);
});

describe("other work goes on", () => {
	test("no slice looks at more than 200 rows, and there is a pause after each", async () => {
		await using rig = await startUpkeepRig(START_MS);
		await rig.settle(1_650);
		const { housekeeping } = rig.store();
		const slices: number[] = [];
		const prune = housekeeping.pruneDay;
		Object.assign(housekeeping, {
			pruneDay: async (...given: Parameters<typeof prune>) => {
				expect(given[2].rowsMax).toBeLessThanOrEqual(200);
				const slice = await prune(...given);
				slices.push(slice.deleted);
				return slice;
			},
		});
		rig.clock.pass(100 * DAY_MS);
		await rig.keeper().round();
		expect(slices).toEqual([200, 200, 200, 200, 200, 200, 200, 200, 50]);
		expect(rig.pauses()).toBeGreaterThanOrEqual(9);
	});

	test("reads and writes between two slices see the same spend as before and after", async () => {
		await using rig = await startUpkeepRig(START_MS);
		await rig.settle(900);
		rig.clock.pass(100 * DAY_MS);
		const before = await rig.total();
		const { housekeeping } = rig.store();
		const prune = housekeeping.pruneDay;
		let settled = 0;
		let reads = 0;
		Object.assign(housekeeping, {
			pruneDay: async (...given: Parameters<typeof prune>) => {
				const slice = await prune(...given);
				await rig.settle(1, { keyId: "vk_meanwhile" });
				settled += 1;
				expect((await rig.total()).requests).toBe(before.requests + settled);
				expect(await rig.unreconciled()).toEqual([]);
				reads += 1;
				return slice;
			},
		});
		await rig.keeper().round();
		expect(reads).toBeGreaterThanOrEqual(5);
		expect(rig.count()).toBe(settled);
	});

	test("a keeper that is stopped asks nothing more of its store", async () => {
		await using rig = await startUpkeepRig(START_MS);
		await rig.settle(900);
		rig.clock.pass(100 * DAY_MS);
		const round = rig.keeper().round();
		rig.keeper().stop();
		await round;
		expect(rig.count()).toBeGreaterThan(0);
	});
});

describe("the file", () => {
	test("shrinks when rows have gone", async () => {
		await using rig = await startUpkeepRig(START_MS);
		for (let batch = 0; batch < 20; batch += 1) {
			await rig.settle(1_000);
		}
		await rig.reopen();
		const before = statSync(rig.place.database).size;
		rig.clock.pass(100 * DAY_MS);
		await rig.keeper().round();
		const { fileBytes, usedBytes } = await rig.store().housekeeping.size();
		expect(fileBytes - usedBytes).toBeLessThanOrEqual(1_048_576);
		await rig.reopen();
		expect(statSync(rig.place.database).size).toBeLessThan(before / 2);
		expect(rig.sql("PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
	}, 30_000);

	test("of an older version keeps its size and says so once; rebuilt as documented it shrinks", async () => {
		await using rig = await startUpkeepRig(START_MS);
		const fill = async () => {
			for (let batch = 0; batch < 45; batch += 1) {
				await rig.settle(1_000);
			}
		};
		await rig.reopen((client) => {
			client.run("PRAGMA auto_vacuum = NONE");
			client.run("VACUUM");
		});
		await fill();
		rig.clock.pass(100 * DAY_MS);
		await rig.keeper().round();
		await rig.keeper().round();
		expect(rig.count()).toBe(0);
		expect(rig.logs.filter(({ event }) => event === "storage_cannot_shrink")).toHaveLength(1);
		const before = statSync(rig.place.database).size;
		await rig.reopen((client) => {
			client.run("PRAGMA auto_vacuum = INCREMENTAL");
			client.run("VACUUM");
		});
		expect(statSync(rig.place.database).size).toBeLessThan(before / 10);
		expect((await rig.store().housekeeping.size()).canShrink).toBe(true);
	}, 60_000);
});
