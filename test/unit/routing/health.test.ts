import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createHealthBook } from "../../../src/routing/health.ts";
import type { HealthBook, HealthRun } from "../../../src/routing/types.ts";
import { createFakeClock } from "./fakes.ts";

const ID = "dep_1";

interface Rig {
	readonly book: HealthBook;
	readonly clock: ReturnType<typeof createFakeClock>;
	succeed(times?: number): void;
	fail(times?: number, failureClass?: string): void;
}

/** `random` = 0.5 means no jitter. */
function rig(random = 0.5): Rig {
	const clock = createFakeClock();
	const book = createHealthBook({ clock, random: () => random });
	const repeat = (times: number, end: (run: HealthRun) => void) => {
		for (let index = 0; index < times; index += 1) {
			end(book.begin(ID));
		}
	};
	return {
		book,
		clock,
		succeed: (times = 1) => repeat(times, (run) => run.succeeded(10)),
		fail: (times = 1, failureClass = "connect_refused") =>
			repeat(times, (run) => run.failed({ class: failureClass, cooldownMs: undefined })),
	};
}

describe("the breaker", () => {
	test("five failures in a row open it, four do not", () => {
		const { book, fail } = rig();
		fail(4);
		expect(book.standing(ID)).toBe("available");
		fail();
		expect(book.standing(ID)).not.toBe("available");
		expect(book.view(ID).breaker).toBe("open");
	});

	test("a success between failures starts the row anew", () => {
		const { book, fail, succeed } = rig();
		succeed(20);
		fail(4);
		succeed();
		fail(4);
		expect(book.standing(ID)).toBe("available");
	});

	test("half of at least ten requests within a minute open it", () => {
		const { book, fail, succeed } = rig();
		for (let pair = 0; pair < 4; pair += 1) {
			succeed();
			fail();
		}
		succeed();
		expect(book.standing(ID)).toBe("available");
		fail();
		expect(book.view(ID).breaker).toBe("open");
	});

	test("nine requests are too few to judge by their share", () => {
		const { book, fail, succeed } = rig();
		for (let pair = 0; pair < 4; pair += 1) {
			fail();
			succeed();
		}
		fail();
		expect(book.standing(ID)).toBe("available");
		succeed();
		fail();
		expect(book.standing(ID)).not.toBe("available");
	});

	test("failures of more than a minute ago do not count towards the half", () => {
		const { book, clock, fail, succeed } = rig();
		for (let pair = 0; pair < 4; pair += 1) {
			succeed();
			fail();
		}
		clock.advance(61_000);
		succeed();
		fail();
		expect(book.standing(ID)).toBe("available");
	});

	test("it stays open 5 s, doubling with each failed probe up to 120 s", () => {
		const { book, clock, fail } = rig();
		fail(5);
		for (const openMs of [5_000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000]) {
			expect(book.view(ID).availableAtMs).toBe(clock.now() + openMs);
			clock.advance(openMs - 1);
			expect(book.standing(ID)).not.toBe("available");
			clock.advance(1);
			expect(book.view(ID)).toMatchObject({ breaker: "half_open", availableAtMs: undefined });
			expect(book.standing(ID)).toBe("available");
			fail();
		}
	});

	test.each([
		[0, 4_000],
		[1, 6_000],
	])("jitter %d makes the first opening %d ms", (random, openMs) => {
		const { book, clock, fail } = rig(random);
		fail(5);
		expect(book.view(ID).availableAtMs).toBe(clock.now() + openMs);
	});

	test("half-open it lets one request through at a time", () => {
		const { book, clock, fail } = rig();
		fail(5);
		clock.advance(5_000);
		const probe = book.begin(ID);
		expect(book.standing(ID)).toBe("failing");
		probe.succeeded(5);
		expect(book.standing(ID)).toBe("available");
		expect(book.view(ID).breaker).toBe("half_open");
	});

	test("two successes close it, and the old failures are forgotten", () => {
		const { book, clock, fail, succeed } = rig();
		fail(5);
		clock.advance(5_000);
		succeed(2);
		expect(book.view(ID).breaker).toBe("closed");
		fail(4);
		expect(book.standing(ID)).toBe("available");
		fail();
		expect(book.view(ID).availableAtMs).toBe(clock.now() + 5_000);
	});

	test("a probe that was abandoned makes room for the next and decides nothing", () => {
		const { book, clock, fail } = rig();
		fail(5);
		clock.advance(5_000);
		book.begin(ID).abandoned();
		expect(book.standing(ID)).toBe("available");
		expect(book.view(ID).breaker).toBe("half_open");
	});

	test("a probe whose end is never told does not shut the deployment out for ever", () => {
		const { book, clock, fail } = rig();
		fail(5);
		clock.advance(5_000);
		book.begin(ID);
		clock.advance(660_001);
		expect(book.standing(ID)).toBe("available");
	});

	test("requests from before, ending while it is open, change nothing", () => {
		const { book, clock, fail } = rig();
		const before = [book.begin(ID), book.begin(ID)];
		fail(5);
		const until = book.view(ID).availableAtMs;
		before[0]?.failed({ class: "idle_timeout", cooldownMs: undefined });
		before[1]?.succeeded(9);
		expect(book.view(ID)).toMatchObject({ breaker: "open", availableAtMs: until, inFlight: 0 });
		clock.advance(5_000);
		expect(book.standing(ID)).toBe("available");
	});

	test("two refusals of our credential in a row open it for a minute", () => {
		const { book, clock, fail } = rig();
		fail(1, "provider_auth");
		expect(book.standing(ID)).toBe("available");
		fail(1, "provider_auth");
		expect(book.view(ID).availableAtMs).toBe(clock.now() + 60_000);
	});

	test("a deployment that always succeeds is never unavailable", () => {
		const step = fc.record({
			pauseMs: fc.integer({ min: 0, max: 200_000 }),
			ttftMs: fc.integer({ min: 0, max: 9_000 }),
		});
		fc.assert(
			fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
				const { book, clock } = rig();
				for (const { pauseMs, ttftMs } of steps) {
					clock.advance(pauseMs);
					expect(book.standing(ID)).toBe("available");
					const run = book.begin(ID);
					expect(book.standing(ID)).toBe("available");
					run.succeeded(ttftMs);
				}
				expect(book.view(ID)).toMatchObject({ breaker: "closed", errors: 0, inFlight: 0 });
			}),
			{ numRuns: 100 },
		);
	});

	test("whatever happened before, a deployment that has recovered is closed within two longest openings", () => {
		const event = fc.constantFrom("start", "succeed", "fail", "rate_limit", "abandon", "wait");
		fc.assert(
			fc.property(fc.array(event, { maxLength: 80 }), (events) => {
				const { book, clock } = rig(1);
				const runs: HealthRun[] = [];
				for (const name of events) {
					if (name === "start") runs.push(book.begin(ID));
					if (name === "succeed") runs.shift()?.succeeded(1);
					if (name === "fail") runs.shift()?.failed({ class: "x", cooldownMs: undefined });
					if (name === "rate_limit") runs.shift()?.failed({ class: "rate_limited", cooldownMs: 60_000 });
					if (name === "abandon") runs.shift()?.abandoned();
					if (name === "wait") clock.advance(7_000);
				}
				for (const run of runs) run.abandoned();
				for (let second = 0; second < 288; second += 1) {
					if (book.standing(ID) === "available") {
						book.begin(ID).succeeded(1);
					}
					clock.advance(1_000);
				}
				expect(book.view(ID)).toMatchObject({ breaker: "closed", inFlight: 0, availableAtMs: undefined });
			}),
			{ numRuns: 100 },
		);
	});
});

describe("the cooldown after a rate limit", () => {
	test("lasts as long as it was told and leaves the breaker alone", () => {
		const { book, clock } = rig();
		for (let index = 0; index < 20; index += 1) {
			book.begin(ID).failed({ class: "rate_limited", cooldownMs: 7_000 });
		}
		expect(book.view(ID)).toMatchObject({ breaker: "closed", availableAtMs: clock.now() + 7_000, errors: 20 });
		expect(book.standing(ID)).not.toBe("available");
		clock.advance(7_000);
		expect(book.standing(ID)).toBe("available");
		expect(book.view(ID).availableAtMs).toBeUndefined();
	});

	test("it can be asked beforehand when it will be over", () => {
		const { book } = rig();
		book.begin(ID).failed({ class: "rate_limited", cooldownMs: 2_000 });
		expect([book.standing(ID), book.standing(ID, 1_999), book.standing(ID, 2_000)]).toEqual([
			"cooling",
			"cooling",
			"available",
		]);
	});

	test("a shorter one never ends a longer one early", () => {
		const { book, clock } = rig();
		book.begin(ID).failed({ class: "rate_limited", cooldownMs: 30_000 });
		book.begin(ID).failed({ class: "rate_limited", cooldownMs: 1_000 });
		expect(book.view(ID).availableAtMs).toBe(clock.now() + 30_000);
	});

	test("is never longer than five minutes nor negative", () => {
		const { book, clock } = rig();
		book.begin(ID).failed({ class: "rate_limited", cooldownMs: -5 });
		expect(book.standing(ID)).toBe("available");
		book.begin(ID).failed({ class: "rate_limited", cooldownMs: 1e12 });
		expect(book.view(ID).availableAtMs).toBe(clock.now() + 300_000);
	});

	test("the later of breaker and cooldown is what availableAtMs tells", () => {
		const { book, clock, fail } = rig();
		book.begin(ID).failed({ class: "rate_limited", cooldownMs: 3_000 });
		fail(5);
		expect(book.view(ID).availableAtMs).toBe(clock.now() + 5_000);
		clock.advance(4_000);
		book.begin(ID).failed({ class: "rate_limited", cooldownMs: 3_000 });
		expect(book.view(ID).availableAtMs).toBe(clock.now() + 3_000);
	});

	test("a wall clock that is stepped neither ends nor prolongs it", () => {
		const { book, clock } = rig();
		book.begin(ID).failed({ class: "rate_limited", cooldownMs: 10_000 });
		clock.stepWall(3_600_000);
		expect(book.standing(ID)).not.toBe("available");
		clock.stepWall(-7_200_000);
		clock.advance(10_000);
		expect(book.standing(ID)).toBe("available");
	});
});

describe("what is shown of a deployment", () => {
	test("requests and errors of the last five minutes, in-flight, the last error", () => {
		const { book, clock, fail, succeed } = rig();
		succeed(3);
		fail(2, "ttft_timeout");
		book.begin(ID);
		expect(book.view(ID)).toMatchObject({
			requests: 6,
			errors: 2,
			inFlight: 1,
			lastError: { class: "ttft_timeout", atMs: clock.now() },
		});
		clock.advance(290_000);
		expect(book.view(ID).requests).toBe(6);
		clock.advance(20_000);
		expect(book.view(ID)).toMatchObject({ requests: 0, errors: 0, inFlight: 1 });
	});

	test("a sliding count equals a recount of the events, to within one bucket", () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 60 }), (pauses) => {
				const { book, clock } = rig();
				const times: number[] = [];
				for (const pause of pauses) {
					clock.advance(pause);
					times.push(clock.monotonic());
					book.begin(ID).abandoned();
				}
				const within = (ms: number) => times.filter((time) => clock.monotonic() - time < ms).length;
				const shown = book.view(ID).requests;
				expect(shown).toBeGreaterThanOrEqual(within(290_000));
				expect(shown).toBeLessThanOrEqual(within(300_000));
			}),
			{ numRuns: 100 },
		);
	});

	test("the median time to first token is that of the last sixty seconds", () => {
		const { book, clock } = rig();
		for (const ttftMs of [900, 100, 300]) {
			book.begin(ID).succeeded(ttftMs);
		}
		book.begin(ID).succeeded(undefined);
		expect(book.view(ID).ttftP50Ms).toBe(300);
		clock.advance(59_000);
		book.begin(ID).succeeded(5);
		expect(book.view(ID).ttftP50Ms).toBe(100);
		clock.advance(2_000);
		expect(book.view(ID).ttftP50Ms).toBe(5);
		clock.advance(60_000);
		expect(book.view(ID).ttftP50Ms).toBeUndefined();
	});

	test("a busy deployment is judged by its newest samples", () => {
		const { book } = rig();
		for (let index = 0; index < 1_000; index += 1) {
			book.begin(ID).succeeded(index < 800 ? 5_000 : 50);
		}
		expect(book.view(ID).ttftP50Ms).toBe(50);
	});

	test("an unknown deployment is healthy, and asking about it keeps nothing", () => {
		const { book } = rig();
		expect(book.standing("dep_none")).toBe("available");
		expect(book.view("dep_none")).toMatchObject({ breaker: "closed", requests: 0 });
	});

	test("after a reload only the deployments that stayed are remembered", () => {
		const { book, fail } = rig();
		fail(5);
		const run = book.begin("dep_2");
		book.retain(new Set([ID]));
		expect(book.view(ID).breaker).toBe("open");
		expect(book.view("dep_2").inFlight).toBe(0);
		run.abandoned();
		expect(book.view("dep_2").inFlight).toBe(0);
	});
});

describe("a deployment that is the last one left", () => {
	const broken = (failures: number) => {
		const all = rig();
		all.fail(failures);
		return all;
	};

	test("always fails from the tenth failure in a row on, until one succeeds", () => {
		const { book, fail, succeed } = broken(9);
		expect(book.alwaysFails(ID)).toBe(false);
		fail();
		expect(book.alwaysFails(ID)).toBe(true);
		succeed();
		expect(book.alwaysFails(ID)).toBe(false);
		expect(book.alwaysFails("dep_none")).toBe(false);
	});

	test("is a last resort for one request a second", () => {
		const { book, clock } = broken(10);
		expect([book.lastResort(ID), book.lastResort(ID)]).toEqual([true, false]);
		clock.advance(999);
		expect(book.lastResort(ID)).toBe(false);
		clock.advance(1);
		expect([book.lastResort(ID), book.lastResort(ID)]).toEqual([true, false]);
	});

	test("whose last resort was right is tried again at once, and closed by the second success", () => {
		const { book, clock, succeed } = broken(10);
		clock.advance(1_000);
		expect(book.standing(ID)).toBe("failing");
		succeed();
		expect(book.standing(ID)).toBe("available");
		expect(book.view(ID).breaker).toBe("half_open");
		succeed();
		expect(book.view(ID).breaker).toBe("closed");
	});

	test("whose last resort failed is not shut out for longer than before", () => {
		const { book, clock, fail } = broken(10);
		const until = book.view(ID).availableAtMs;
		clock.advance(1_000);
		fail();
		expect(book.view(ID).availableAtMs).toBe(until);
	});
});

describe("a probe", () => {
	test("has done its work with the first token: the next goes while its answer is still under way", () => {
		const { book, clock, fail } = rig();
		fail(5);
		clock.advance(5_000);
		const first = book.begin(ID);
		first.answering();
		expect(book.standing(ID)).toBe("available");
		book.begin(ID).answering();
		expect(book.view(ID)).toMatchObject({ breaker: "closed", inFlight: 2 });
		first.succeeded(10);
		expect(book.view(ID).breaker).toBe("closed");
	});

	test("that breaks off after its first token opens the breaker again", () => {
		const { book, clock, fail } = rig();
		fail(5);
		clock.advance(5_000);
		const probe = book.begin(ID);
		probe.answering();
		probe.failed({ class: "broken_stream", cooldownMs: undefined });
		expect(book.view(ID).breaker).toBe("open");
	});

	test("is not decided by requests from before the breaker opened", () => {
		const { book, clock, fail } = rig();
		const before = [book.begin(ID), book.begin(ID), book.begin(ID)];
		fail(5);
		clock.advance(5_000);
		book.begin(ID);
		before[0]?.succeeded(9);
		before[1]?.succeeded(9);
		before[2]?.failed({ class: "reset", cooldownMs: undefined });
		expect(book.view(ID).breaker).toBe("half_open");
		expect(book.standing(ID)).toBe("failing");
	});
});
