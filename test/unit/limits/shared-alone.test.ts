import { expect, test } from "bun:test";
import fc from "fast-check";
import { createMemoryLimiter } from "../../../src/limits/memory.ts";
import { createSharedLimiter } from "../../../src/limits/shared-limiter.ts";
import type { SharedCounters } from "../../../src/limits/shared-types.ts";
import type { LimitDecision, LimitSubject, LimitTicket } from "../../../src/limits/types.ts";
import { createFakeClock } from "./fake-clock.ts";

const KEY: LimitSubject = { id: "key:a", rpm: undefined, tpm: undefined, parallel: undefined };

/** Of an instance that has nobody to ask, among so many. */
function limiterAmong(instances: () => number, counters?: SharedCounters) {
	const clock = createFakeClock();
	return { clock, limiter: createSharedLimiter({ counters, clock, instanceId: "ins_a", instances }) };
}

/** Where nobody is asked the answer is immediate. */
function now<T>(answer: T | Promise<T>): T {
	if (answer instanceof Promise) {
		throw new Error("it had to ask");
	}
	return answer;
}

function countAdmitted(times: number, take: () => LimitDecision | Promise<LimitDecision>): number {
	return Array.from({ length: times }, take).filter((decision) => "ticket" in now(decision)).length;
}

const limit = fc.option(fc.nat(300), { nil: undefined });
const schedule = fc.record({
	key: fc.record({ rpm: limit, tpm: fc.option(fc.nat(3_000), { nil: undefined }), parallel: fc.constantFrom(0, 2, 9) }),
	team: fc.record({ rpm: limit, tpm: fc.option(fc.nat(9_000), { nil: undefined }), parallel: fc.constant(undefined) }),
	steps: fc.array(
		fc.record({
			pauseMs: fc.oneof(fc.constant(0), fc.nat(100), fc.nat(40_000)),
			tokens: fc.nat(2_000),
			settle: fc.option(fc.record({ pick: fc.nat(), total: fc.nat(3_000) }), { nil: undefined }),
		}),
		{ maxLength: 80 },
	),
});

test("one instance alone decides like the limiter of a single process, for any schedule", () => {
	fc.assert(
		fc.property(schedule, ({ key, team, steps }) => {
			const { clock, limiter } = limiterAmong(() => 1);
			const memory = createMemoryLimiter({ clock });
			const subjects = [
				{ id: "key:a", ...key },
				{ id: "team:t", ...team },
			];
			const open: (readonly [LimitTicket, LimitTicket])[] = [];
			for (const { pauseMs, tokens, settle } of steps) {
				clock.advance(pauseMs);
				const [settled] = settle ? open.splice(settle.pick % Math.max(1, open.length), 1) : [];
				for (const ticket of settled ?? []) {
					ticket.correctTokens(settle?.total ?? 0);
					ticket.release();
				}
				const wanted = memory.take(subjects, tokens);
				const got = now(limiter.take(subjects, tokens));
				if ("refusal" in wanted) {
					expect(got).toEqual(wanted);
				} else if ("ticket" in got) {
					open.push([wanted.ticket, got.ticket]);
				}
				expect("ticket" in got).toBe("ticket" in wanted);
				for (const subject of subjects) {
					expect(now(limiter.levels(subject))).toEqual(memory.levels(subject));
				}
			}
		}),
		{ numRuns: 300 },
	);
});

test("without Redis each of several instances has its part of every limit, never all of it", () => {
	const { limiter, clock } = limiterAmong(() => 3);
	const key = { ...KEY, rpm: 100, tpm: 10_000, parallel: 10 };
	expect(limiter.state()).toMatchObject({ name: "off", reason: undefined, instances: 3 });
	expect(countAdmitted(50, () => limiter.take([{ ...key, parallel: undefined }], 10))).toBe(33);
	clock.advance(60_000);
	expect(countAdmitted(50, () => limiter.take([{ ...key, id: "key:b" }], 10))).toBe(3);
	expect(countAdmitted(50, () => limiter.take([{ ...KEY, id: "key:c", tpm: 10_000 }], 100))).toBe(33);
});

test("a small limit leaves each instance one, and none leaves none", () => {
	const { limiter } = limiterAmong(() => 8);
	expect(countAdmitted(5, () => limiter.take([{ ...KEY, id: "key:a", rpm: 3 }], 1))).toBe(1);
	expect(countAdmitted(5, () => limiter.take([{ ...KEY, id: "key:b", parallel: 3 }], 1))).toBe(1);
	expect(now(limiter.take([{ ...KEY, id: "key:c", rpm: 0 }], 1))).toMatchObject({
		refusal: { kind: "rpm", limit: 0, retryAfterMs: undefined },
	});
	expect(now(limiter.take([{ ...KEY, id: "key:d", parallel: 0 }], 1))).toMatchObject({
		refusal: { kind: "parallel", retryAfterMs: undefined },
	});
});

test("a request larger than the part of an instance waits exactly until nothing of the part is used", () => {
	const { limiter, clock } = limiterAmong(() => 4);
	const key = { ...KEY, tpm: 60_000 };
	expect("ticket" in now(limiter.take([key], 40_000))).toBe(true);
	const refused = now(limiter.take([key], 40_000));
	expect(refused).toMatchObject({ refusal: { kind: "tpm", limit: 60_000, retryAfterMs: 160_000 } });
	clock.advance(159_999);
	expect(now(limiter.take([key], 40_000))).toMatchObject({ refusal: { retryAfterMs: 1 } });
	clock.advance(1);
	expect("ticket" in now(limiter.take([key], 40_000))).toBe(true);
	expect(now(limiter.take([key], 60_001))).toMatchObject({ refusal: { retryAfterMs: undefined } });
});

test("when an instance comes or goes, the parts change and what was used carries over", () => {
	let instances = 1;
	const { limiter } = limiterAmong(() => instances);
	const key = { ...KEY, rpm: 100 };
	expect(countAdmitted(60, () => limiter.take([key], 1))).toBe(60);
	instances = 2;
	expect(countAdmitted(5, () => limiter.take([key], 1))).toBe(0);
	instances = 1;
	expect(countAdmitted(60, () => limiter.take([key], 1))).toBe(40);
});

test("nonsense about the number of instances is taken for one", () => {
	for (const count of [0, -2, Number.NaN, Number.POSITIVE_INFINITY]) {
		expect(limiterAmong(() => count).limiter.state().instances).toBe(1);
	}
});

test("while Redis is down nobody is asked, and the state says why and since when", async () => {
	const counters: SharedCounters = {
		state: () => ({ name: "down", reason: "nothing listens", sinceMs: 7 }),
		watch: () => () => {},
		run: () => Promise.reject(new Error("asked")),
	};
	const { limiter } = limiterAmong(() => 2, counters);
	expect(countAdmitted(10, () => limiter.take([{ ...KEY, rpm: 10 }], 1))).toBe(5);
	expect(limiter.state()).toMatchObject({
		name: "down",
		reason: "nothing listens",
		sinceMs: 7,
		counts: { calls: 0, waits: 0, alone: 10, refusals: 5 },
	});
	await limiter.close();
});

test("a script that always fails refuses nobody: each such request is decided here, and counted", async () => {
	const counters: SharedCounters = {
		state: () => ({ name: "ok", reason: undefined, sinceMs: 0 }),
		watch: () => () => {},
		run: () => Promise.reject(new Error("no such thing")),
	};
	const { limiter } = limiterAmong(() => 2, counters);
	const decisions = await Promise.all(Array.from({ length: 10 }, () => limiter.take([{ ...KEY, rpm: 10 }], 1)));
	expect(decisions.filter((decision) => "ticket" in decision)).toHaveLength(5);
	expect(limiter.state().counts).toMatchObject({ waits: 10, waitsFailed: 10, refusals: 5 });
	expect(await limiter.levels({ ...KEY, rpm: 10 })).toMatchObject({ rpmUsed: 5, parallelUsed: 5 });
	await limiter.close();
});

test("a subject that no longer exists is forgotten; its open requests harm nobody", () => {
	const { limiter } = limiterAmong(() => 1);
	const key = { ...KEY, rpm: 2, tpm: 100, parallel: 5 };
	const first = now(limiter.take([key], 50));
	limiter.forget(key.id);
	limiter.forget("key:never");
	expect(countAdmitted(3, () => limiter.take([key], 1))).toBe(2);
	if ("ticket" in first) {
		first.ticket.correctTokens(1_000);
		first.ticket.release();
	}
	expect(now(limiter.levels(key))).toMatchObject({ parallelUsed: 2, tpmUsed: 2 });
});

test("subjects do not pile up", () => {
	const { limiter, clock } = limiterAmong(() => 2);
	const before = process.memoryUsage().heapUsed;
	for (let index = 0; index < 250_000; index += 1) {
		const decision = now(limiter.take([{ ...KEY, id: `key:${index}`, rpm: 60_000 }], 1));
		if ("ticket" in decision) {
			decision.ticket.release();
		}
		if (index % 1_000 === 0) {
			clock.advance(1);
		}
	}
	Bun.gc(true);
	expect(process.memoryUsage().heapUsed - before).toBeLessThan(400_000_000);
}, 30_000);
