import { describe, expect, test } from "bun:test";
import { createMemoryLimiter } from "../../../src/limits/memory.ts";
import type { LimitDecision, LimitRefusal, LimitSubject, LimitTicket } from "../../../src/limits/types.ts";
import { createFakeClock } from "./fake-clock.ts";

const UNLIMITED: LimitSubject = { id: "key:vk_a", rpm: undefined, tpm: undefined, parallel: undefined };

function subject(limits: Partial<LimitSubject>): LimitSubject {
	return { ...UNLIMITED, ...limits };
}

function ticketOf(decision: LimitDecision): LimitTicket {
	if (!("ticket" in decision)) {
		throw new Error(`refused: ${JSON.stringify(decision.refusal)}`);
	}
	return decision.ticket;
}

function refusalOf(decision: LimitDecision): LimitRefusal {
	if (!("refusal" in decision)) {
		throw new Error("admitted");
	}
	return decision.refusal;
}

function setup() {
	const clock = createFakeClock();
	return { clock, limiter: createMemoryLimiter({ clock }) };
}

describe("requests a minute", () => {
	test("a full burst is admitted, the next request is told the exact time", () => {
		const { limiter } = setup();
		const key = subject({ rpm: 120 });
		for (let index = 0; index < 120; index += 1) {
			ticketOf(limiter.take([key], 0));
		}
		expect(refusalOf(limiter.take([key], 0))).toEqual({
			subject: "key:vk_a",
			kind: "rpm",
			limit: 120,
			retryAfterMs: 500,
		});
	});

	test("the bucket refills continuously, not by the minute", () => {
		const { clock, limiter } = setup();
		const key = subject({ rpm: 7 });
		for (let index = 0; index < 7; index += 1) {
			ticketOf(limiter.take([key], 0));
		}
		// 60,000 / 7 = 8,571.4 ms for one request.
		expect(refusalOf(limiter.take([key], 0)).retryAfterMs).toBe(8_572);
		clock.advance(8_571);
		expect(refusalOf(limiter.take([key], 0)).retryAfterMs).toBe(1);
		clock.advance(1);
		ticketOf(limiter.take([key], 0));
	});

	test("a steady client gets at least 99 % of its limit over an hour", () => {
		const { clock, limiter } = setup();
		const key = subject({ rpm: 120 });
		let admitted = 0;
		for (let elapsedMs = 0; elapsedMs < 3_600_000; elapsedMs += 37) {
			const decision = limiter.take([key], 0);
			if ("ticket" in decision) {
				decision.ticket.release();
				admitted += 1;
			}
			clock.advance(37);
		}
		expect(admitted).toBeGreaterThanOrEqual(120 * 60 * 0.99);
		expect(admitted).toBeLessThanOrEqual(120 + 120 * 60);
	});

	test("a limit of nought admits nothing, ever", () => {
		const { limiter } = setup();
		expect(refusalOf(limiter.take([subject({ rpm: 0 })], 0))).toMatchObject({ kind: "rpm", retryAfterMs: undefined });
		expect(refusalOf(limiter.take([subject({ parallel: 0 })], 0))).toMatchObject({ retryAfterMs: undefined });
	});
});

describe("tokens a minute", () => {
	test("a request larger than the whole limit is told that it never fits", () => {
		const { limiter } = setup();
		expect(refusalOf(limiter.take([subject({ tpm: 1_000 })], 1_001))).toEqual({
			subject: "key:vk_a",
			kind: "tpm",
			limit: 1_000,
			retryAfterMs: undefined,
		});
	});

	test("the answer's usage replaces the estimate and may leave a debt", () => {
		const { limiter } = setup();
		const key = subject({ tpm: 1_000 });
		const ticket = ticketOf(limiter.take([key], 400));
		ticket.correctTokens(2_500);
		expect(limiter.levels(key).tpmUsed).toBe(2_500);
		expect(refusalOf(limiter.take([key], 500)).retryAfterMs).toBe(120_000);
	});

	test("a correction counts once, however often it is made, and a later one replaces it", () => {
		const { limiter } = setup();
		const key = subject({ tpm: 1_000 });
		const ticket = ticketOf(limiter.take([key], 400));
		ticket.correctTokens(300);
		ticket.correctTokens(300);
		expect(limiter.levels(key).tpmUsed).toBe(300);
		ticket.correctTokens(350);
		ticket.release();
		expect(limiter.levels(key).tpmUsed).toBe(350);
	});

	test("a correction after the release still counts", () => {
		const { clock, limiter } = setup();
		const key = subject({ tpm: 1_000 });
		const ticket = ticketOf(limiter.take([key], 100));
		ticket.release();
		clock.advance(600_000);
		ticket.correctTokens(900);
		expect(limiter.levels(key).tpmUsed).toBe(800);
	});

	test("what the refill has given back already is not given back twice", () => {
		const { clock, limiter } = setup();
		const key = subject({ tpm: 1_000 });
		const slow = ticketOf(limiter.take([key], 1_000));
		clock.advance(60_000);
		ticketOf(limiter.take([key], 500));
		slow.correctTokens(100);
		expect(limiter.levels(key).tpmUsed).toBe(500);
	});

	test("two late corrections do not share one refill", () => {
		const { clock, limiter } = setup();
		const key = subject({ tpm: 1_000 });
		const first = ticketOf(limiter.take([key], 500));
		const second = ticketOf(limiter.take([key], 500));
		clock.advance(54_000);
		ticketOf(limiter.take([key], 800));
		// 100 of the first two were left just before the third came: no more can be outstanding of both together.
		first.correctTokens(400);
		second.correctTokens(400);
		expect(limiter.levels(key).tpmUsed).toBe(800);
	});

	test("a busy bucket gives back an over-estimate in full", () => {
		const { clock, limiter } = setup();
		const key = subject({ tpm: 1_000 });
		ticketOf(limiter.take([key], 600));
		const slow = ticketOf(limiter.take([key], 300));
		clock.advance(30_000);
		slow.correctTokens(50);
		expect(limiter.levels(key).tpmUsed).toBe(150);
	});

	test("nonsense from a provider does not poison the bucket", () => {
		const { limiter } = setup();
		const key = subject({ tpm: 1_000 });
		const ticket = ticketOf(limiter.take([key], Number.NaN));
		ticket.correctTokens(Number.POSITIVE_INFINITY);
		ticket.correctTokens(-5);
		expect(limiter.levels(key).tpmUsed).toBe(0);
	});
});

describe("parallel requests", () => {
	test("a slot is given back once, however often it is released", () => {
		const { limiter } = setup();
		const key = subject({ parallel: 2 });
		const first = ticketOf(limiter.take([key], 0));
		ticketOf(limiter.take([key], 0));
		expect(refusalOf(limiter.take([key], 0))).toEqual({
			subject: "key:vk_a",
			kind: "parallel",
			limit: 2,
			retryAfterMs: 1_000,
		});
		first.release();
		first.release();
		ticketOf(limiter.take([key], 0));
		refusalOf(limiter.take([key], 0));
		expect(limiter.levels(key).parallelUsed).toBe(2);
	});
});

describe("several subjects", () => {
	const key = subject({ id: "key:vk_a", rpm: 10, tpm: 1_000, parallel: 3 });
	const team = subject({ id: "team:blue", rpm: 4, tpm: 500, parallel: 1 });

	test("a refusal takes nothing from anybody", () => {
		const { limiter } = setup();
		ticketOf(limiter.take([key, team], 100));
		expect(refusalOf(limiter.take([key, team], 100))).toMatchObject({ subject: "team:blue", kind: "parallel" });
		expect(limiter.levels(key)).toMatchObject({ rpmUsed: 1, tpmUsed: 100, parallelUsed: 1 });
		expect(limiter.levels(team)).toMatchObject({ rpmUsed: 1, tpmUsed: 100, parallelUsed: 1 });
	});

	test("tokens are looked at before requests, requests before slots", () => {
		const { limiter } = setup();
		const greedy = { ...key, rpm: 1, parallel: 1 };
		const strict = { ...team, tpm: 100, parallel: 1 };
		ticketOf(limiter.take([greedy, strict], 80));
		expect(refusalOf(limiter.take([greedy, strict], 50))).toMatchObject({ subject: "team:blue", kind: "tpm" });
		expect(refusalOf(limiter.take([greedy, strict], 10))).toMatchObject({ subject: "key:vk_a", kind: "rpm" });
	});

	test("the wait is the one after which the whole request fits", () => {
		const { clock, limiter } = setup();
		const tokens = subject({ id: "key:vk_a", tpm: 60_000 });
		const requests = subject({ id: "team:blue", rpm: 1 });
		ticketOf(limiter.take([tokens, requests], 60_000));
		expect(refusalOf(limiter.take([tokens, requests], 1_000))).toMatchObject({
			subject: "key:vk_a",
			kind: "tpm",
			retryAfterMs: 60_000,
		});
		clock.advance(60_000);
		ticketOf(limiter.take([tokens, requests], 1_000));
	});
});

test("levels tell exactly when a bucket is full again", () => {
	const { clock, limiter } = setup();
	const key = subject({ rpm: 7, tpm: 60_000 });
	expect(limiter.levels(key)).toEqual({
		rpmUsed: 0,
		tpmUsed: 0,
		rpmFullAfterMs: 0,
		tpmFullAfterMs: 0,
		parallelUsed: 0,
	});
	ticketOf(limiter.take([key], 500));
	ticketOf(limiter.take([key], 500));
	// Two of seven a minute: 120,000 / 7 ms, rounded up.
	expect(limiter.levels(key)).toMatchObject({ rpmFullAfterMs: 17_143, tpmFullAfterMs: 1_000 });
	clock.advance(17_142);
	expect(limiter.levels(key)).toMatchObject({ rpmUsed: 1, rpmFullAfterMs: 1, tpmFullAfterMs: 0 });
	clock.advance(1);
	expect(limiter.levels(key)).toMatchObject({ rpmUsed: 0, rpmFullAfterMs: 0 });
});

describe("changed and forgotten limits", () => {
	test("a new limit applies at once and what was used carries over", () => {
		const { limiter } = setup();
		for (let index = 0; index < 10; index += 1) {
			ticketOf(limiter.take([subject({ rpm: 10 })], 0));
		}
		refusalOf(limiter.take([subject({ rpm: 10 })], 0));
		ticketOf(limiter.take([subject({ rpm: 11 })], 0));
		expect(refusalOf(limiter.take([subject({ rpm: 2 })], 0)).retryAfterMs).toBe(300_000);
		ticketOf(limiter.take([UNLIMITED], 0));
	});

	test("a parallel limit set later counts the requests that are already running", () => {
		const { limiter } = setup();
		ticketOf(limiter.take([UNLIMITED], 0));
		expect(refusalOf(limiter.take([subject({ parallel: 1 })], 0)).kind).toBe("parallel");
	});

	test("a forgotten subject begins anew and old tickets do not disturb it", () => {
		const { limiter } = setup();
		const key = subject({ rpm: 1, parallel: 1 });
		const old = ticketOf(limiter.take([key], 0));
		limiter.forget(key.id);
		ticketOf(limiter.take([key], 0));
		old.release();
		expect(limiter.levels(key)).toMatchObject({ rpmUsed: 1, tpmUsed: 0, parallelUsed: 1 });
	});

	test("idle subjects are dropped, running and indebted ones are kept", () => {
		const { clock, limiter } = setup();
		const running = subject({ id: "key:running", parallel: 1 });
		const indebted = subject({ id: "key:indebted", tpm: 100 });
		ticketOf(limiter.take([running], 0));
		ticketOf(limiter.take([indebted], 0)).correctTokens(100_000);
		for (let index = 0; index < 5_000; index += 1) {
			ticketOf(limiter.take([subject({ id: `key:${index}`, rpm: 60 })], 0)).release();
			clock.advance(100);
		}
		expect(limiter.levels(running).parallelUsed).toBe(1);
		expect(limiter.levels(indebted).tpmUsed).toBeGreaterThan(90_000);
	});

	test("a sweep in the middle of a request loses no slot of it", () => {
		const { limiter } = setup();
		for (let index = 0; index < 1_023; index += 1) {
			ticketOf(limiter.take([subject({ id: `key:${index}` })], 0)).release();
		}
		const key = subject({ id: "key:new", parallel: 1 });
		const team = subject({ id: "team:new", parallel: 1 });
		ticketOf(limiter.take([key, team], 0));
		expect(refusalOf(limiter.take([key], 0)).kind).toBe("parallel");
		expect(refusalOf(limiter.take([team], 0)).kind).toBe("parallel");
	});
});
