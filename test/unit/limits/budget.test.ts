import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { MemoryBudgetBook as BudgetBook } from "../../../src/limits/budget.ts";
import { createBudgetBook } from "../../../src/limits/budget.ts";
import type { Budget, BudgetHold } from "../../../src/limits/types.ts";
import { createFakeClock } from "./fake-clock.ts";

const KEY: Budget = { subject: "key:vk_a", limitNano: 1_000 };
const TEAM: Budget = { subject: "team:blue", limitNano: 1_500 };
const DECEMBER = Date.UTC(2026, 11);
const JANUARY = Date.UTC(2027, 0);

function setup(wallMs = Date.UTC(2026, 10, 15), spent: Record<string, number> = {}) {
	const clock = createFakeClock(wallMs);
	return { clock, book: createBudgetBook({ clock, spent: new Map(Object.entries(spent)) }) };
}

function hold(
	book: BudgetBook,
	budgets: readonly Budget[],
	amountNano: number,
	counted: readonly string[] = [],
): BudgetHold {
	const outcome = book.reserve({ budgets, counted, amountNano });
	if (!("hold" in outcome)) {
		throw new Error(`refused: ${JSON.stringify(outcome.refusal)}`);
	}
	return outcome.hold;
}

describe("reserving", () => {
	test("what is reserved is not there for the next, what is settled is spent", () => {
		const { book } = setup();
		const first = hold(book, [KEY], 700);
		expect(book.reserve({ budgets: [KEY], counted: [], amountNano: 301 })).toEqual({
			refusal: { subject: "key:vk_a", limitNano: 1_000, availableNano: 300, resetAtMs: DECEMBER },
		});
		first.settle(200);
		expect(book.available([KEY])).toBe(800);
		expect(book.levels("key:vk_a")).toEqual({ spentNano: 200, reservedNano: 0, resetAtMs: DECEMBER });
	});

	test("the whole budget can be used, to the last nano-dollar", () => {
		const { book } = setup();
		hold(book, [KEY], 1_000).settle(1_000);
		expect(book.available([KEY])).toBe(0);
		expect(book.reserve({ budgets: [KEY], counted: [], amountNano: 1 })).toHaveProperty("refusal");
		hold(book, [KEY], 0);
	});

	test("a refusal by one budget reserves nothing in any", () => {
		const { book } = setup(undefined, { "team:blue": 1_400 });
		expect(book.reserve({ budgets: [KEY, TEAM], counted: ["key:vk_a"], amountNano: 200 })).toMatchObject({
			refusal: { subject: "team:blue", availableNano: 100 },
		});
		expect(book.levels("key:vk_a").reservedNano).toBe(0);
		expect(book.available([KEY, TEAM])).toBe(100);
	});

	test("a subject that is budgeted and counted is charged once, one only counted is charged too", () => {
		const { book } = setup();
		hold(book, [KEY], 100, ["key:vk_a", "team:blue"]).settle(60);
		expect(book.levels("key:vk_a").spentNano).toBe(60);
		expect(book.levels("team:blue").spentNano).toBe(60);
	});

	test("settling twice does nothing the second time", () => {
		const { book } = setup();
		const once = hold(book, [KEY], 100);
		once.settle(10);
		once.settle(90);
		expect(book.levels("key:vk_a")).toMatchObject({ spentNano: 10, reservedNano: 0 });
	});

	test("a cost above its reservation is recorded as it is", () => {
		const { book } = setup();
		hold(book, [KEY], 100).settle(5_000);
		expect(book.levels("key:vk_a").spentNano).toBe(5_000);
		expect(book.available([KEY])).toBe(0);
	});

	test("a budget lowered below what is spent leaves nothing, and no negative number", () => {
		const { book } = setup(undefined, { "key:vk_a": 900 });
		expect(book.available([{ ...KEY, limitNano: 500 }])).toBe(0);
	});

	test("no budget, no bound", () => {
		const { book } = setup();
		expect(book.available([])).toBeUndefined();
	});

	test("sums beyond the safe integers stay exact", () => {
		const { book } = setup();
		const many = [1, 2, 3].map(() => hold(book, [], Number.MAX_SAFE_INTEGER, ["team:blue"]));
		expect(book.levels("team:blue").reservedNano).toBe(Number.MAX_SAFE_INTEGER);
		for (const one of many) {
			one.settle(7);
		}
		expect(book.levels("team:blue")).toMatchObject({ spentNano: 21, reservedNano: 0 });
	});

	test.each([-1, 0.5, Number.NaN, 2 ** 60])("%p is a bug, not an amount", (amountNano) => {
		const { book } = setup();
		expect(() => book.reserve({ budgets: [], counted: [], amountNano })).toThrow("nano-dollars");
		expect(() => hold(book, [KEY], 1).settle(amountNano)).toThrow("nano-dollars");
	});
});

describe("the month", () => {
	test("a new month starts with nothing spent and nothing reserved", () => {
		const { clock, book } = setup(DECEMBER - 1);
		hold(book, [KEY], 600).settle(600);
		hold(book, [KEY], 300);
		clock.advance(1);
		expect(book.levels("key:vk_a")).toEqual({ spentNano: 0, reservedNano: 0, resetAtMs: JANUARY });
		expect(book.available([KEY])).toBe(1_000);
	});

	test("a hold settles in the month it was made in", () => {
		const { clock, book } = setup(DECEMBER - 1);
		const late = hold(book, [KEY], 600);
		clock.advance(1);
		hold(book, [KEY], 10).settle(10);
		late.settle(500);
		expect(book.levels("key:vk_a")).toMatchObject({ spentNano: 10, reservedNano: 0 });
	});

	test("a clock that steps back does not reopen the old month", () => {
		const { clock, book } = setup(DECEMBER - 1);
		hold(book, [KEY], 1_000).settle(1_000);
		clock.setWall(DECEMBER);
		hold(book, [KEY], 400).settle(400);
		clock.setWall(DECEMBER - 5_000);
		expect(book.levels("key:vk_a")).toEqual({ spentNano: 400, reservedNano: 0, resetAtMs: JANUARY });
	});

	test("a clock that jumps over a month is followed", () => {
		const { clock, book } = setup();
		clock.setWall(Date.UTC(2027, 3, 3));
		expect(book.levels("key:vk_a").resetAtMs).toBe(Date.UTC(2027, 4));
	});
});

test("what costs nothing fits into a budget that is overdrawn", () => {
	const { book } = setup();
	hold(book, [KEY], 650);
	// Counted, but not bound by it: its budget came later.
	hold(book, [TEAM], 351, [KEY.subject]);
	expect(book.reserve({ budgets: [KEY], counted: [], amountNano: 1 })).toHaveProperty("refusal");
	hold(book, [KEY], 0);
});

test("no interleaving spends or reserves more than a budget, or less than nothing", () => {
	const step = fc.record({
		budgets: fc.constantFrom([KEY], [TEAM], [KEY, TEAM]),
		amountNano: fc.nat(700),
		settles: fc.option(fc.record({ pick: fc.nat(), share: fc.double({ min: 0, max: 1, noNaN: true }) }), {
			nil: undefined,
		}),
		pauseMs: fc.constantFrom(0, 0, 0, 86_400_000),
	});
	fc.assert(
		fc.property(fc.array(step, { maxLength: 150 }), (schedule) => {
			const { clock, book } = setup();
			const open: BudgetHold[] = [];
			for (const { budgets, amountNano, settles, pauseMs } of schedule) {
				clock.advance(pauseMs);
				const before = book.available(budgets) ?? 0;
				const outcome = book.reserve({ budgets, counted: ["key:vk_a"], amountNano });
				expect("hold" in outcome).toBe(amountNano <= before);
				if ("hold" in outcome) {
					open.push(outcome.hold);
				}
				const [settled] = settles ? open.splice(settles.pick % Math.max(1, open.length), 1) : [];
				settled?.settle(Math.floor(settled.amountNano * (settles?.share ?? 0)));
				const { spentNano, reservedNano } = book.levels(TEAM.subject);
				expect(spentNano).toBeGreaterThanOrEqual(0);
				expect(reservedNano).toBeGreaterThanOrEqual(0);
				expect(spentNano + reservedNano).toBeLessThanOrEqual(TEAM.limitNano);
			}
			for (const one of open) {
				one.settle(0);
			}
			expect(book.levels("team:blue").reservedNano).toBe(0);
		}),
		{ numRuns: 300 },
	);
});
