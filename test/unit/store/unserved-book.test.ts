import { describe, expect, test } from "bun:test";
import type { StoreProblem, UnservedRequest } from "../../../src/store/types.ts";
import { createUnservedBook } from "../../../src/store/unserved-book.ts";
import { createFakeClock } from "../limits/fake-clock.ts";
import { manualScheduler } from "./ledger-samples.ts";
import { unserved } from "./unserved-samples.ts";

/** A book over a table that takes what the test lets it take. */
function startBook() {
	const table = new Map<string, UnservedRequest>();
	const batches: number[] = [];
	const problems: StoreProblem[] = [];
	const clock = createFakeClock();
	const timers = manualScheduler();
	let away: Error | undefined;
	/** Resolved: the table answers at once. */
	let door = Promise.resolve();
	const book = createUnservedBook({
		rows: {
			async record(requests) {
				batches.push(requests.length);
				await door;
				if (away !== undefined) {
					throw away;
				}
				for (const request of requests) {
					table.set(request.requestId, request);
				}
			},
			byRequest: async (requestId) => table.get(requestId),
		},
		clock,
		scheduler: timers.scheduler,
		onProblem: (problem) => problems.push(problem),
	});
	let serial = 0;
	return {
		...{ book, table, batches, problems, clock, timers },
		keep(count: number) {
			for (let index = 0; index < count; index += 1) {
				serial += 1;
				book.keep(unserved({ requestId: `req_${serial}` }));
			}
		},
		goAway: (error: Error | undefined) => {
			away = error;
		},
		/** Until the returned function is called the table answers nothing. */
		hang() {
			const { promise, resolve } = Promise.withResolvers<void>();
			door = promise;
			return resolve;
		},
		/** Runs the timers there are of this delay, and what they begin. */
		async pass(delayMs: number) {
			const due = timers.later.filter((timer) => timer.delayMs === delayMs);
			for (const timer of due) {
				timers.later.splice(timers.later.indexOf(timer), 1);
				timer.task();
			}
			await Bun.sleep(0);
		},
	};
}

describe("requests that nobody was asked for", () => {
	test("are written together a moment later, and found before, meanwhile and after", async () => {
		const { book, table, batches, keep, hang, pass } = startBook();
		keep(3);
		expect(table.size).toBe(0);
		expect((await book.byRequest("req_2"))?.requestId).toBe("req_2");
		const open = hang();
		await pass(200);
		expect(batches).toEqual([3]);
		expect((await book.byRequest("req_2"))?.requestId).toBe("req_2");
		open();
		await book.flush();
		expect(table.size).toBe(3);
		expect((await book.byRequest("req_2"))?.requestId).toBe("req_2");
		expect(await book.byRequest("req_none")).toBeUndefined();
	});

	test("are written in short statements, one at a time", async () => {
		const { book, table, batches, keep } = startBook();
		keep(50);
		await book.flush();
		expect(batches).toEqual([20, 20, 10]);
		expect(table.size).toBe(50);
	});

	test("come to fifty a second on average, whatever comes; the rest is counted and told once a minute", async () => {
		const { book, table, clock, problems, keep, pass } = startBook();
		for (let second = 0; second < 60; second += 1) {
			keep(200);
			await book.flush();
			clock.advance(1_000);
		}
		expect(table.size).toBeGreaterThanOrEqual(59 * 50);
		expect(table.size).toBeLessThanOrEqual(60 * 50 + 500);
		expect(problems).toEqual([]);
		await pass(60_000);
		expect(problems).toEqual([{ kind: "unserved_not_kept", tooMany: 12_000 - table.size, notWritten: 0 }]);
		keep(200);
		await pass(60_000);
		expect(problems).toHaveLength(2);
	});

	test("are few in memory while the database hangs", async () => {
		const { book, clock, problems, keep, hang, pass } = startBook();
		keep(1);
		const open = hang();
		await pass(200);
		for (let second = 0; second < 100; second += 1) {
			keep(60);
			clock.advance(1_000);
		}
		await pass(60_000);
		expect(problems).toEqual([{ kind: "unserved_not_kept", tooMany: 5_500, notWritten: 0 }]);
		open();
		await book.flush();
	});

	test("are dropped when the database is away, and it is left alone for a second", async () => {
		const { book, table, problems, keep, goAway, pass, timers } = startBook();
		goAway(new Error("away"));
		keep(30);
		await pass(200);
		expect(timers.later.map(({ delayMs }) => delayMs).sort()).toEqual([1_000, 60_000]);
		goAway(undefined);
		await pass(1_000);
		expect(table.size).toBe(10);
		expect(await book.byRequest("req_1")).toBeUndefined();
		expect(await book.byRequest("req_30")).toBeDefined();
		await pass(60_000);
		expect(problems).toEqual([
			{ kind: "unserved_not_kept", tooMany: 0, notWritten: 20, cause: expect.objectContaining({ message: "away" }) },
		]);
	});

	test("are written when the store closes; what comes afterwards is not kept", async () => {
		const { book, table, batches, problems, keep, hang, pass } = startBook();
		keep(25);
		const open = hang();
		await pass(200);
		const closed = book.close();
		keep(1);
		open();
		await closed;
		expect(batches).toEqual([20, 5]);
		expect(table.size).toBe(25);
		expect(problems).toEqual([]);
	});

	test("do not hold up the end where the database is away: one try, and the loss is told", async () => {
		const { book, batches, problems, keep, goAway } = startBook();
		goAway(new Error("away"));
		keep(350);
		await book.close();
		expect(batches).toEqual([20]);
		expect(problems).toMatchObject([{ kind: "unserved_not_kept", tooMany: 0, notWritten: 350 }]);
	});
});
