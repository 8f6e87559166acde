import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createFollower, type Follower } from "../../../src/instances/follow-changes.ts";
import { createKeysElsewhere } from "../../../src/instances/keys-elsewhere.ts";
import type { Change } from "../../../src/instances/types.ts";
import { createFakeTimers, type FakeTimers, settled } from "../../support/fake-timers.ts";
import { createFakeClock, type FakeClock } from "../limits/fake-clock.ts";

let clock: FakeClock;
let timers: FakeTimers;
let follower: Follower;
/** What the feed tells next; a poll that is held waits. */
let waiting: Change[];
let polls: number;
let held: Promise<void> | undefined;
let problem: Error | undefined;
let refusing: string | undefined;
let reloads: string[];
let logged: unknown[][];
let nudge: () => void;

beforeEach(async () => {
	clock = createFakeClock();
	timers = createFakeTimers(clock);
	waiting = [];
	polls = 0;
	held = undefined;
	problem = undefined;
	refusing = undefined;
	reloads = [];
	logged = [];
	follower = start();
	await timers.advance(100);
	[polls, reloads] = [0, []];
});
afterEach(() => {
	void follower.close();
});

function start() {
	const reloading = (name: string) => ({
		async reload(ids: readonly string[]) {
			if (ids.length > 0) {
				reloads.push(`${name} ${ids.join(",")}`);
			}
			if (refusing === name) {
				throw new Error("no answer");
			}
		},
	});
	const log = (level: string) => (event: string, fields?: unknown) => logged.push([level, event, fields]);
	return createFollower({
		feed: {
			async next() {
				polls += 1;
				await held;
				if (problem !== undefined) {
					throw problem;
				}
				const told = waiting;
				waiting = [];
				return told;
			},
		},
		nudges: {
			listen(onNudge) {
				nudge = onNudge;
			},
		},
		keys: reloading("keys"),
		teams: reloading("teams"),
		rotation: reloading("rotation"),
		clock,
		timers,
		logger: { info: log("info"), warn: log("warn"), error: log("error") },
	});
}

function hold() {
	const door = Promise.withResolvers<void>();
	held = door.promise;
	return () => {
		held = undefined;
		door.resolve();
	};
}

const REVOKED: Change = { kind: "key", id: "vk_1" };

describe("changes", () => {
	test("are looked for each half second, from the start, and told to those they concern", async () => {
		waiting = [REVOKED, { kind: "team", id: "blue" }, { kind: "deployment", id: "dep_1" }, { kind: "key", id: "vk_2" }];
		await timers.advance(500);
		expect(reloads.sort()).toEqual(["keys vk_1,vk_2", "rotation dep_1", "teams blue"]);
		await timers.advance(5_000);
		expect(polls).toBe(11);
		polls = 0;
		const another = start();
		expect(polls).toBe(1);
		await another.close();
	});

	test("are looked for at once after a nudge", async () => {
		waiting = [REVOKED];
		nudge();
		await settled();
		expect(reloads).toEqual(["keys vk_1"]);
	});

	test("are looked for once more, and once only, after any number of nudges during a poll", async () => {
		const release = hold();
		nudge();
		await settled();
		nudge();
		nudge();
		nudge();
		await settled();
		expect(polls).toBe(1);
		release();
		await settled();
		expect(polls).toBe(2);
	});

	test("are looked for again after one of those they concern could not read them", async () => {
		waiting = [REVOKED, { kind: "team", id: "blue" }];
		refusing = "keys";
		await timers.advance(500);
		// The others do not wait for it.
		expect(reloads).toContain("teams blue");
		await timers.advance(30_000);
		expect(logged.map(([, event]) => event)).toContain("changes_unseen");
		refusing = undefined;
		await timers.advance(500);
		expect(logged.at(-1)?.[1]).toBe("changes_seen");
	});
});

describe("catching up", () => {
	test("has a poll in force that began after the call, not the one that was running", async () => {
		const release = hold();
		nudge();
		await settled();
		let isDone = false;
		const caught = follower.catchUp().then(() => {
			isDone = true;
		});
		release();
		await settled();
		expect(isDone).toBe(false);
		waiting = [REVOKED];
		await timers.advance(50);
		await caught;
		expect(reloads).toEqual(["keys vk_1"]);
	});

	test("of many at the same time is one poll, and one more for those who came when it had begun", async () => {
		const caught = Promise.all(Array.from({ length: 1_000 }, () => follower.catchUp()));
		await timers.advance(50);
		await caught;
		expect(polls).toBe(2);
	});

	test("again and again is a poll each 50 ms at most", async () => {
		for (let guess = 0; guess < 100; guess += 1) {
			void follower.catchUp();
			await timers.advance(4);
		}
		// 400 ms: one at once, one each 50 ms.
		expect(polls).toBeLessThanOrEqual(9);
		expect(polls).toBeGreaterThanOrEqual(7);
	});

	test("that waits for its turn is served by a nudge that comes first", async () => {
		await follower.catchUp();
		let isDone = false;
		void follower.catchUp().then(() => {
			isDone = true;
		});
		await settled();
		expect(isDone).toBe(false);
		nudge();
		await settled();
		expect(isDone).toBe(true);
		expect(polls).toBe(2);
	});

	test("takes a second at most, and never rejects", async () => {
		const release = hold();
		let isDone = false;
		void follower.catchUp().then(() => {
			isDone = true;
		});
		await timers.advance(999);
		expect(isDone).toBe(false);
		await timers.advance(1);
		expect(isDone).toBe(true);
		release();
		problem = new Error("no answer");
		await timers.advance(100);
		await follower.catchUp();
	});
});

describe("a database that is away", () => {
	test("is told once when it lasts, once when it is long, and once when it is over", async () => {
		problem = new Error("no answer");
		await timers.advance(4_000);
		expect(logged).toEqual([]);
		await timers.advance(2_000);
		expect(logged).toEqual([["warn", "changes_unseen", { seconds: 5, cause: "Error: no answer" }]]);
		await timers.advance(120_000);
		expect(logged.map(([level, event]) => [level, event])).toEqual([
			["warn", "changes_unseen"],
			["error", "keys_stale"],
		]);
		problem = undefined;
		await timers.advance(500);
		expect(logged.slice(2)).toMatchObject([["info", "changes_seen", {}]]);
		problem = new Error("no answer");
		await timers.advance(6_000);
		expect(logged).toHaveLength(4);
	});

	test("and comes back before anybody would notice is told to nobody", async () => {
		problem = new Error("no answer");
		await timers.advance(3_000);
		problem = undefined;
		await timers.advance(60_000);
		expect(logged).toEqual([]);
	});

	test("makes keys stale after thirty seconds, until it was heard again", async () => {
		expect(follower.isStale()).toBe(false);
		problem = new Error("no answer");
		await timers.advance(29_000);
		expect(follower.isStale()).toBe(false);
		await timers.advance(2_000);
		expect(follower.isStale()).toBe(true);
		problem = undefined;
		await timers.advance(500);
		expect(follower.isStale()).toBe(false);
	});

	test("makes keys stale also when it just does not answer", async () => {
		const release = hold();
		await timers.advance(31_000);
		expect(follower.isStale()).toBe(true);
		expect(logged.map(([, event]) => event)).toEqual(["changes_unseen", "keys_stale"]);
		release();
	});

	test("makes stale keys doubtful only where the configuration says so", async () => {
		problem = new Error("no answer");
		const [denying, allowing] = [createKeysElsewhere(follower, "deny"), createKeysElsewhere(follower, "allow")];
		expect([denying.isDoubtful(), allowing.isDoubtful()]).toEqual([false, false]);
		await timers.advance(31_000);
		expect([denying.isDoubtful(), allowing.isDoubtful()]).toEqual([true, false]);
	});
});

describe("closing", () => {
	test("ends everything: no poll, no log, no timer", async () => {
		problem = new Error("no answer");
		await follower.close();
		nudge();
		await follower.catchUp();
		await timers.advance(60_000);
		expect(polls).toBe(0);
		expect(logged).toEqual([]);
		expect(timers.count()).toBe(0);
	});

	test("waits for the poll that is running, which changes nothing any more, and a second at most", async () => {
		const release = hold();
		nudge();
		await settled();
		waiting = [REVOKED];
		let isClosed = false;
		void follower.close().then(() => {
			isClosed = true;
		});
		await timers.advance(500);
		expect(isClosed).toBe(false);
		await timers.advance(500);
		expect(isClosed).toBe(true);
		release();
		await settled();
		expect(reloads).toEqual([]);
	});

	test("begins no poll that was asked for while the last one ran", async () => {
		const release = hold();
		nudge();
		await settled();
		nudge();
		const caught = follower.catchUp();
		const closed = follower.close();
		release();
		await Promise.all([caught, closed]);
		await settled();
		expect(polls).toBe(1);
	});

	test("lets go of whoever waits for a poll", async () => {
		await follower.catchUp();
		const caught = follower.catchUp();
		await follower.close();
		await caught;
		expect(polls).toBe(1);
	});
});
