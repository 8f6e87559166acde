import { beforeEach, describe, expect, test } from "bun:test";
import { createHeartbeat, type Heartbeat } from "../../../src/instances/heartbeat.ts";
import type { Membership, RecoveredAttempt } from "../../../src/instances/types.ts";
import { createFakeTimers, type FakeTimers } from "../../support/fake-timers.ts";
import { createFakeClock, type FakeClock } from "../limits/fake-clock.ts";

const NEVER = new Promise<never>(() => {});

let heartbeat: Heartbeat;
let clock: FakeClock;
let timers: FakeTimers;
let calls: string[];
let logged: unknown[];
let deaths: number;
let answers: {
	beat: () => ReturnType<Membership["beat"]>;
	reap: () => Promise<readonly RecoveredAttempt[]>;
	leave: () => Promise<void>;
};

beforeEach(() => {
	clock = createFakeClock();
	timers = createFakeTimers(clock);
	calls = [];
	logged = [];
	deaths = 0;
	answers = {
		beat: async () => ({ instances: 3, wasTakenForDead: false }),
		reap: async () => [],
		leave: async () => {},
	};
});

function start() {
	const note = (call: string) => calls.push(call);
	return createHeartbeat({
		membership: {
			beat() {
				note("beat");
				return answers.beat();
			},
			reap(atMs) {
				note(`reap ${atMs - clock.now()}`);
				return answers.reap();
			},
			leave() {
				note("leave");
				return answers.leave();
			},
		},
		clock,
		timers,
		logger: { warn: (event, fields) => logged.push([event, fields]) },
		onTakenForDead: () => {
			deaths += 1;
		},
	});
}

describe("a living instance", () => {
	test("beats each second and reaps each ten", async () => {
		heartbeat = start();
		await timers.advance(10_000);
		expect(calls.filter((call) => call === "beat")).toHaveLength(10);
		expect(calls.filter((call) => call === "reap 0")).toHaveLength(1);
		expect(logged).toEqual([]);
	});

	test("knows how many there are: itself at first, then what it was told last, never none", async () => {
		heartbeat = start();
		expect(heartbeat.instances()).toBe(1);
		await heartbeat.beat();
		expect(heartbeat.instances()).toBe(3);
		answers.beat = () => Promise.reject(new Error("away"));
		await timers.advance(5_000);
		expect(heartbeat.instances()).toBe(3);
		answers.beat = async () => ({ instances: 0, wasTakenForDead: false });
		await heartbeat.beat();
		expect(heartbeat.instances()).toBe(1);
		expect(logged).toEqual([]);
	});

	test("that was taken for dead is told so each time, and logs it", async () => {
		heartbeat = start();
		answers.beat = async () => ({ instances: 2, wasTakenForDead: true });
		await heartbeat.beat();
		expect(deaths).toBe(1);
		expect(logged).toEqual([["instance_taken_for_dead", {}]]);
	});

	test("does not beat twice at the same time, however slow the database is", async () => {
		answers.beat = () => NEVER;
		answers.reap = () => NEVER;
		heartbeat = start();
		await timers.advance(60_000);
		expect(calls.filter((call) => call === "beat")).toHaveLength(1);
		expect(calls.filter((call) => call.startsWith("reap"))).toHaveLength(1);
	});

	test("names what it settled for others, and goes on when that fails", async () => {
		heartbeat = start();
		answers.reap = () => Promise.reject(new Error("away"));
		await timers.advance(10_000);
		answers.reap = async () => [{ requestId: "req_1", attempt: 2, costNano: 1_500_000_000 }];
		await timers.advance(10_000);
		expect(logged).toEqual([["recovered_attempt", { requestId: "req_1", attempt: 2, costUsd: "1.500000" }]]);
	});
});

describe("an instance that ends", () => {
	test("leaves, once, and nothing of it runs after", async () => {
		heartbeat = start();
		await Promise.all([heartbeat.close(), heartbeat.close()]);
		await heartbeat.beat();
		await timers.advance(60_000);
		expect(calls).toEqual(["leave"]);
		expect(timers.count()).toBe(0);
	});

	test("lets a beat that is on its way end before it leaves, and makes nothing of it", async () => {
		const beat = Promise.withResolvers<{ instances: number; wasTakenForDead: boolean }>();
		answers.beat = () => beat.promise;
		heartbeat = start();
		await timers.advance(1_000);
		const closed = heartbeat.close();
		await timers.advance(500);
		expect(calls).toEqual(["beat"]);
		beat.resolve({ instances: 9, wasTakenForDead: true });
		await closed;
		expect(calls).toEqual(["beat", "leave"]);
		expect([heartbeat.instances(), deaths, logged]).toEqual([1, 0, []]);
	});

	test.each([
		// Which may still arrive, and after it had left make it live again: nobody is told then, and the others find out.
		["beat", ["beat"]],
		["leave", ["beat", "leave"]],
	] as const)("ends within two seconds though its %s never ends", async (name, called) => {
		answers[name] = () => NEVER;
		heartbeat = start();
		await timers.advance(1_000);
		let isClosed = false;
		void heartbeat.close().then(() => {
			isClosed = true;
		});
		await timers.advance(2_000);
		expect(isClosed).toBe(true);
		expect(calls).toEqual([...called]);
		expect(timers.count()).toBe(0);
	});

	test("ends though the database refuses that it leaves", async () => {
		answers.leave = () => Promise.reject(new Error("away"));
		await start().close();
		expect(logged).toEqual([]);
	});
});
