import { describe, expect, test } from "bun:test";
import { LEASE_WAIT_MS } from "../../../src/limits/lease-line.ts";
import { createLeasedBudgetBook, type LeasedBudgetBook } from "../../../src/limits/leased-budget.ts";
import { monthOf } from "../../../src/limits/month.ts";
import type { Budget, BudgetHold, BudgetOutcome } from "../../../src/limits/types.ts";
import { type CallFate, createFakeAuthority, PROMPT } from "../../support/budget-authority.ts";
import { createFakeTimers, settled } from "../../support/fake-timers.ts";
import { createFakeClock } from "./fake-clock.ts";

const NOVEMBER = monthOf(Date.UTC(2026, 10, 15));
const DECEMBER_MS = Date.UTC(2026, 11);
const KEY: Budget = { subject: "key:vk_a", limitNano: 1_000_000 };
const TEAM: Budget = { subject: "team:blue", limitNano: 1_500_000 };
const LOST: CallFate = { ...PROMPT, how: "lost" };
const REJECTED: CallFate = { ...PROMPT, how: "rejected" };

function setup(wallMs = Date.UTC(2026, 10, 15)) {
	const clock = createFakeClock(wallMs);
	const timers = createFakeTimers(clock);
	const fates: CallFate[] = [];
	const state = { fate: PROMPT, alive: true, standingFails: false };
	const authority = createFakeAuthority({ timers, fate: () => fates.shift() ?? state.fate });
	const told: boolean[] = [];
	const join = (instance: string): LeasedBudgetBook => {
		const mine = authority.of(instance);
		return createLeasedBudgetBook({
			authority: {
				lease: mine.lease,
				standing: (...about) => (state.standingFails ? Promise.reject(new Error("away")) : mine.standing(...about)),
			},
			clock,
			timers,
			onState: (answers) => told.push(answers),
			isAlive: () => state.alive,
		});
	};
	return { clock, timers, fates, state, authority, told, join, book: join("ins_1") };
}

function ask(book: LeasedBudgetBook, amountNano: number, budgets: readonly Budget[] = [KEY]) {
	return book.reserve({ budgets, counted: budgets.map(({ subject }) => subject), amountNano });
}

async function held(outcome: BudgetOutcome | Promise<BudgetOutcome>): Promise<BudgetHold> {
	const told = await outcome;
	if (!("hold" in told)) {
		throw new Error(`no hold: ${JSON.stringify(told)}`);
	}
	return told.hold;
}

describe("a part of a budget", () => {
	test("is asked for by the first request; what it holds then is reserved without a word", async () => {
		const { book, authority } = setup();
		const first = ask(book, 1_000);
		expect(first).toBeInstanceOf(Promise);
		await held(first);
		await settled();
		const second = ask(book, 500);
		expect(second).not.toBeInstanceOf(Promise);
		await held(second);
		expect(authority.calls).toHaveLength(1);
	});

	test("can be used to the last nano-dollar, and refuses the next with what is left", async () => {
		const { book } = setup();
		await held(ask(book, 999_990));
		expect(await ask(book, 11)).toEqual({
			refusal: { subject: KEY.subject, limitNano: 1_000_000, availableNano: 10, resetAtMs: DECEMBER_MS },
		});
		await held(ask(book, 10));
		expect(await ask(book, 1)).toMatchObject({ refusal: { availableNano: 0 } });
	});

	test("is topped up in the background, so that a busy key does not wait again", async () => {
		const { book, timers, authority } = setup();
		let waits = 0;
		for (let count = 0; count < 600; count += 1) {
			const outcome = ask(book, 100);
			waits += outcome instanceof Promise ? 1 : 0;
			(await held(outcome)).settle(90);
			await timers.advance(20);
		}
		expect(waits).toBe(1);
		expect(authority.calls.length).toBeLessThan(40);
	});

	test("goes back when it is not used any more, to the nano-dollar", async () => {
		const { book, timers, authority } = setup();
		for (let count = 0; count < 20; count += 1) {
			(await held(ask(book, 5_000, [KEY, TEAM]))).settle(321);
		}
		await timers.advance(2_000);
		expect(authority.taken(KEY.subject, NOVEMBER)).toBe(20 * 321);
		expect(authority.taken(TEAM.subject, NOVEMBER)).toBe(20 * 321);
		expect(book.sizes().watched).toBe(0);
	});

	test("a refusal by one budget takes nothing from the other", async () => {
		const { book, timers, authority } = setup();
		const small: Budget = { subject: "team:blue", limitNano: 100 };
		expect(await ask(book, 101, [KEY, small])).toMatchObject({ refusal: { subject: "team:blue", availableNano: 100 } });
		await timers.advance(2_000);
		expect(authority.taken(KEY.subject, NOVEMBER)).toBe(0);
		await held(ask(book, 100, [KEY, small]));
	});

	test("of an amount that is no amount is a bug", () => {
		const { book } = setup();
		expect(() => ask(book, -1)).toThrow("nano-dollars");
		expect(() => ask(book, 0.5)).toThrow("nano-dollars");
	});
});

describe("those who wait", () => {
	test("are asked for together, and served in the order in which they came", async () => {
		const { book, authority, fates, timers } = setup();
		fates.push({ arrivesAfterMs: 5, answersAfterMs: 5, how: "answered" });
		const order: number[] = [];
		const first = ask(book, 10);
		const others = [1, 2, 3].map(async (place) => {
			await held(ask(book, 100 * place));
			order.push(place);
		});
		await timers.advance(20);
		await Promise.all([first, ...others]);
		expect(order).toEqual([1, 2, 3]);
		// The first alone, and the three who came while it was under way.
		expect(authority.calls.map(({ claims }) => claims[0]?.needNano)).toEqual([10, 590]);
	});

	test("a sum that does not fit refuses nobody who fits by himself", async () => {
		const { book, fates, timers } = setup();
		fates.push({ arrivesAfterMs: 5, answersAfterMs: 5, how: "answered" });
		const outcomes = Promise.all([1, 700_000, 600_000, 250_000, 100].map((amount) => ask(book, amount)));
		await timers.advance(50);
		expect((await outcomes).map((outcome) => Object.keys(outcome)[0])).toEqual([
			"hold",
			"hold",
			"refusal",
			"hold",
			"hold",
		]);
	});

	test("five hundred at the end of a budget: as many as fit, and every other is refused, not put off", async () => {
		const { book, authority } = setup();
		const outcomes = await Promise.all(Array.from({ length: 500 }, () => ask(book, 10_000)));
		expect(outcomes.filter((outcome) => "hold" in outcome)).toHaveLength(100);
		expect(outcomes.filter((outcome) => "refusal" in outcome)).toHaveLength(400);
		expect(authority.calls.length).toBeLessThan(10);
	});

	test("two books share a budget exactly", async () => {
		const { book, join } = setup();
		const other = join("ins_2");
		const outcomes = await Promise.all(
			Array.from({ length: 300 }, (_, place) => ask(place % 3 === 0 ? other : book, 10_000)),
		);
		const holds = outcomes.filter((outcome) => "hold" in outcome);
		expect(holds.length).toBeLessThanOrEqual(100);
		expect(holds.length).toBeGreaterThanOrEqual(95);
	});

	test("wait no longer than the deadline when nobody answers", async () => {
		const { book, state, timers, told } = setup();
		state.fate = LOST;
		const waiting = ask(book, 10);
		await timers.advance(LEASE_WAIT_MS);
		expect(await waiting).toEqual({ unavailable: { subject: KEY.subject } });
		expect(told).toEqual([false]);
		state.fate = PROMPT;
		await held(ask(book, 10));
		expect(told).toEqual([false, true]);
	});

	test("are told at once when the authority rejects; what is held is spent all the same", async () => {
		const { book, state } = setup();
		await held(ask(book, 1_000));
		state.fate = REJECTED;
		expect(await ask(book, 900_000)).toEqual({ unavailable: { subject: KEY.subject } });
		await held(ask(book, 1_000));
	});

	test("do not hold up those who fit while nobody answers", async () => {
		const { book, state, timers } = setup();
		await held(ask(book, 1_000));
		state.fate = REJECTED;
		await ask(book, 900_000);
		state.fate = LOST;
		const large = ask(book, 900_000);
		const small = ask(book, 500);
		expect(small).not.toBeInstanceOf(Promise);
		await timers.advance(LEASE_WAIT_MS);
		expect(await large).toHaveProperty("unavailable");
	});

	test("are served by what others settle in the meantime", async () => {
		const { book, state, fates } = setup();
		const first = await held(ask(book, 600_000));
		state.fate = LOST;
		fates.push({ arrivesAfterMs: 0, answersAfterMs: 0, how: "lost" });
		const waiting = ask(book, 550_000);
		first.settle(0);
		await held(waiting);
	});
});

describe("a call without an answer", () => {
	test("is taken not to have granted anything, and what it did grant goes back", async () => {
		const { book, fates, timers, authority } = setup();
		fates.push({ ...PROMPT, how: "dropped" });
		const waiting = ask(book, 400_000);
		expect(authority.taken(KEY.subject, NOVEMBER)).toBeGreaterThanOrEqual(400_000);
		await timers.advance(LEASE_WAIT_MS);
		expect(await waiting).toHaveProperty("unavailable");
		await timers.advance(1_000);
		expect(authority.taken(KEY.subject, NOVEMBER)).toBe(0);
	});

	test("changes nothing when its answer comes after all", async () => {
		const { book, fates, timers, authority } = setup();
		fates.push({ arrivesAfterMs: 0, answersAfterMs: LEASE_WAIT_MS + 1_500, how: "answered" });
		void ask(book, 400_000);
		await timers.advance(LEASE_WAIT_MS + 1_600);
		expect(authority.taken(KEY.subject, NOVEMBER)).toBe(0);
		await held(ask(book, 1_000_000));
	});

	test("is overtaken by a later one", async () => {
		const { book, fates, timers, authority } = setup();
		fates.push({ arrivesAfterMs: LEASE_WAIT_MS + 500, answersAfterMs: 0, how: "answered" });
		void ask(book, 400_000);
		await timers.advance(LEASE_WAIT_MS + 10);
		await held(ask(book, 7));
		await timers.advance(4_000);
		expect(authority.taken(KEY.subject, NOVEMBER)).toBe(7);
	});
});

describe("the month", () => {
	test("a hold settles in the month it was made in, and its surplus goes back there", async () => {
		const { book, timers, authority } = setup(DECEMBER_MS - 10);
		const late = await held(ask(book, 600));
		await timers.advance(20);
		(await held(ask(book, 10))).settle(10);
		late.settle(500);
		await timers.advance(3_000);
		expect(authority.taken(KEY.subject, NOVEMBER)).toBe(500);
		expect(authority.taken(KEY.subject, NOVEMBER + 1)).toBe(10);
	});

	test("who waits when it ends is served from the new one", async () => {
		const { book, fates, timers, authority } = setup(DECEMBER_MS - 10);
		await held(ask(book, 1_000_000));
		fates.push({ arrivesAfterMs: 0, answersAfterMs: 20, how: "answered" });
		const waiting = ask(book, 250);
		await timers.advance(30);
		await held(waiting);
		await timers.advance(3_000);
		expect(authority.taken(KEY.subject, NOVEMBER + 1)).toBe(250);
		expect(authority.taken(KEY.subject, NOVEMBER)).toBe(1_000_000);
	});

	test("a clock that steps back does not reopen the old one", async () => {
		const { book, clock } = setup(DECEMBER_MS);
		await held(ask(book, 400));
		clock.setWall(DECEMBER_MS - 5_000);
		expect(book.resetAtMs()).toBe(Date.UTC(2027, 0));
		expect(ask(book, 100)).not.toBeInstanceOf(Promise);
	});
});

describe("an instance that was taken for dead", () => {
	test("reserves nothing of what it held, and asks anew", async () => {
		const { book, authority, timers, state } = setup();
		const open = await held(ask(book, 1_000));
		await held(ask(book, 10));
		state.alive = false;
		const waiting = ask(book, 10);
		expect(waiting).toBeInstanceOf(Promise);
		authority.spend("ins_1", KEY.subject, NOVEMBER, 1_010);
		authority.reap("ins_1");
		await timers.advance(LEASE_WAIT_MS);
		expect(await waiting).toHaveProperty("unavailable");
		authority.revive("ins_1");
		book.wasTakenForDead();
		state.alive = true;
		await held(ask(book, 20));
		expect(authority.taken(KEY.subject, NOVEMBER)).toBeGreaterThanOrEqual(1_030);
		open.settle(5);
	});
});

describe("what is left", () => {
	test("is the limit while nothing is known, then what is held and what is free", async () => {
		const { book, join } = setup();
		expect(book.available([KEY, TEAM])).toBe(1_000_000);
		expect(book.available([])).toBeUndefined();
		await held(ask(join("ins_2"), 300_000));
		await held(ask(book, 100_000));
		// The other one holds a little ahead of need, and will give it back.
		expect(book.available([KEY])).toBeLessThanOrEqual(600_000);
		expect(book.available([KEY])).toBeGreaterThan(550_000);
	});

	test("old news are taken for hopeful ones: a refusal corrects them, silence does not", async () => {
		const { book, join, timers } = setup();
		const other = await held(ask(join("ins_2"), 900_000));
		// The other one holds a little ahead of need.
		expect(await ask(book, 200_000)).toMatchObject({ refusal: { availableNano: 95_000 } });
		expect(book.available([KEY])).toBe(95_000);
		other.settle(0);
		await timers.advance(2_500);
		expect(book.available([KEY])).toBe(1_000_000);
		await held(ask(book, 1_000_000));
	});

	test("levels come from all instances, and from here when nobody answers", async () => {
		const { book, authority, state } = setup();
		(await held(ask(book, 500))).settle(70);
		await held(ask(book, 40));
		authority.spend("ins_2", KEY.subject, NOVEMBER, 1_000);
		expect(await book.levels(KEY.subject)).toEqual({ spentNano: 1_000, reservedNano: 0, resetAtMs: DECEMBER_MS });
		state.standingFails = true;
		expect(await book.levels(KEY.subject)).toEqual({ spentNano: 70, reservedNano: 40, resetAtMs: DECEMBER_MS });
	});
});

describe("a limit that changes", () => {
	test("one that grows is used at once", async () => {
		const { book } = setup();
		await held(ask(book, 1_000_000));
		await held(ask(book, 50, [{ ...KEY, limitNano: 1_000_050 }]));
	});

	test("one that is lowered binds what was granted before", async () => {
		const { book, timers, authority } = setup();
		const first = await held(ask(book, 400_000));
		const lower = { ...KEY, limitNano: 400_100 };
		expect(await ask(book, 101, [lower])).toMatchObject({ refusal: { availableNano: 100 } });
		await held(ask(book, 100, [lower]));
		first.settle(400_000);
		await timers.advance(2_000);
		expect(authority.taken(KEY.subject, NOVEMBER)).toBe(400_100);
	});

	test("one that is lowered binds those who wait, too", async () => {
		const { book, join, fates, timers } = setup();
		await held(ask(join("ins_2"), 400_000));
		await held(ask(book, 400_000));
		fates.push({ arrivesAfterMs: 0, answersAfterMs: 30, how: "answered" });
		const waiting = ask(book, 150_000);
		const lower = { ...KEY, limitNano: 850_000 };
		const second = ask(book, 20_000, [lower]);
		await timers.advance(50);
		// Granted under the old limit, and not under the new one.
		expect(await waiting).toHaveProperty("refusal");
		expect(await second).toHaveProperty("hold");
	});

	test("one that is lowered below what is in use frees nothing of that", async () => {
		const { book, authority } = setup();
		await held(ask(book, 600_000));
		expect(await ask(book, 1, [{ ...KEY, limitNano: 500_000 }])).toMatchObject({ refusal: { availableNano: 0 } });
		expect(authority.taken(KEY.subject, NOVEMBER)).toBe(600_000);
	});

	test("what was counted before there was a budget is counted under it", async () => {
		const { book, authority } = setup();
		const free = book.reserve({ budgets: [], counted: [KEY.subject], amountNano: 900_000 });
		(await held(free)).settle(900_000);
		authority.spend("ins_1", KEY.subject, NOVEMBER, 900_000);
		expect(await ask(book, 100_001)).toMatchObject({ refusal: { availableNano: 100_000 } });
		await held(ask(book, 100_000));
	});

	test("a cost above its reservation is paid by what is left", async () => {
		const { book, authority } = setup();
		(await held(ask(book, 100))).settle(600_000);
		authority.spend("ins_1", KEY.subject, NOVEMBER, 600_000);
		const outcomes = await Promise.all([300_000, 300_000, 100_000].map((amount) => ask(book, amount)));
		expect(outcomes.map((outcome) => Object.keys(outcome)[0])).toEqual(["hold", "refusal", "hold"]);
		expect(book.available([KEY])).toBe(0);
	});
});

describe("memory", () => {
	test("idle subjects shrink to what must not be forgotten, unused ones are forgotten", async () => {
		const { book, timers, authority } = setup();
		for (let key = 0; key < 300; key += 1) {
			const budget = { subject: `key:${key}`, limitNano: 1_000 };
			(await held(ask(book, 10, [budget]))).settle(key % 2 === 0 ? 4 : 0);
		}
		await timers.advance(120_000);
		expect(book.sizes()).toEqual({ parts: 0, kept: 150, watched: 0 });
		// What has been spent still counts: 4 of 1,000.
		const again = { subject: "key:0", limitNano: 1_000 };
		expect(await ask(book, 997, [again])).toMatchObject({ refusal: { availableNano: 996 } });
		await held(ask(book, 996, [again]));
		expect(authority.taken("key:0", NOVEMBER)).toBe(1_000);
	});
});

test("closing gives everything back and lets nobody wait", async () => {
	const { book, state, timers, authority } = setup();
	(await held(ask(book, 5_000))).settle(12);
	state.fate = LOST;
	const waiting = ask(book, 900_000);
	const closed = book.close();
	expect(await waiting).toHaveProperty("unavailable");
	state.fate = PROMPT;
	await timers.advance(2_000);
	await closed;
	expect(await ask(book, 900_000)).toHaveProperty("unavailable");
	expect(timers.count()).toBe(0);
	expect(authority.violations).toEqual([]);
});
