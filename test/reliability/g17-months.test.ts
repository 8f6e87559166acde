/**
 * G17, by a clock of its own. Goal: budgets start anew at the first instant of a month, UTC, and at no other; nothing is
 * lost or counted twice over it, whatever the calendar's clock does.
 *
 * Measure: 24 months (long form: a hundred times over, from random years) of reservations and settlings, with steps of the
 * clock by an hour and by 40 days in both directions, and holds that are settled weeks after they were made; next to a model
 * with its own calendar:
 * - the month rolls when the clock first reaches the next one, and never back;
 * - every settled nano-dollar stands in the month in which its reservation was made, once;
 * - what is available, spent and reserved is what the model says, and a refusal names the first of the next month.
 */
import { expect, test } from "bun:test";
import { createBudgetBook } from "../../src/limits/budget.ts";
import type { BudgetHold } from "../../src/limits/types.ts";
import { daysFrom, monthStartMs, nextMonthMs } from "./civil-month.ts";
import { chooseSeed, createRandom, type Random } from "./random.ts";
import { deadlineMs, report, scaled } from "./scale.ts";

const WALKS = scaled(4, 100);
const MONTHS = 24;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BUDGET = 1_000_000;
const KEY = "key:vk_a";
const TEAM = "team:shop";

interface Held {
	readonly hold: BudgetHold;
	readonly monthMs: number;
}

/** What the book should know: by the start of a month, what was spent and is reserved of its reservations. */
interface Model {
	/** Start of the month that counts now. Only ever grows. */
	monthMs: number;
	readonly spent: Map<number, number>;
	readonly reserved: Map<number, number>;
}

interface Tally {
	requests: number;
	refused: number;
	rolls: number;
	steps: number;
	settledLate: number;
}

test(
	`G17: ${WALKS} walks of the clock through ${MONTHS} months`,
	() => {
		const seed = chooseSeed("G17");
		const tally: Tally = { requests: 0, refused: 0, rolls: 0, steps: 0, settledLate: 0 };
		for (let walk = 0; walk < WALKS; walk += 1) {
			walkThrough(createRandom(seed).fork(`walk ${walk}`), tally);
		}
		report("G17", seed, { walks: WALKS, months: tally.rolls, ...tally });
		expect(tally.rolls).toBeGreaterThanOrEqual(WALKS * MONTHS * 0.4);
	},
	deadlineMs(20_000, 3),
);

function walkThrough(random: Random, tally: Tally): void {
	let wallMs = daysFrom(random.int(1999, 2099), random.int(1, 12)) * DAY_MS + random.int(0, 27 * DAY_MS);
	const endMs = wallMs + MONTHS * 30.4 * DAY_MS;
	const clock = { now: () => wallMs, monotonic: () => 0 };
	const before = random.int(0, BUDGET);
	const book = createBudgetBook({ clock, spent: new Map([[KEY, before]]) });
	const model: Model = {
		monthMs: monthStartMs(wallMs),
		spent: new Map([[monthStartMs(wallMs), before]]),
		reserved: new Map(),
	};
	const held: Held[] = [];
	while (wallMs < endMs) {
		wallMs = stepped(wallMs, random, tally);
		if (wallMs >= nextMonthMs(model.monthMs)) {
			model.monthMs = monthStartMs(wallMs);
			tally.rolls += 1;
		}
		while (held.length > 0 && random.chance(held.length > 20 ? 0.9 : 0.3)) {
			settle(held.splice(random.int(0, held.length - 1), 1)[0], model, random, tally);
		}
		reserve();
		check();
	}

	function reserve(): void {
		const amountNano = random.int(0, BUDGET / 3);
		const outcome = book.reserve({
			budgets: [{ subject: KEY, limitNano: BUDGET }],
			counted: [KEY, TEAM],
			amountNano,
		});
		tally.requests += 1;
		const fits = amountNano <= left(model);
		expect("hold" in outcome).toBe(fits);
		if ("hold" in outcome) {
			held.push({ hold: outcome.hold, monthMs: model.monthMs });
			add(model.reserved, model.monthMs, amountNano);
		} else {
			tally.refused += 1;
			expect(outcome.refusal).toMatchObject({
				availableNano: Math.max(0, left(model)),
				resetAtMs: nextMonthMs(model.monthMs),
			});
		}
	}

	function check(): void {
		const [spent, reserved] = [model.spent.get(model.monthMs) ?? 0, model.reserved.get(model.monthMs) ?? 0];
		expect(book.levels(KEY)).toEqual({
			spentNano: spent,
			reservedNano: reserved,
			resetAtMs: nextMonthMs(model.monthMs),
		});
		expect(book.available([{ subject: KEY, limitNano: BUDGET }])).toBe(Math.max(0, left(model)));
	}
}

function settle(one: Held | undefined, model: Model, random: Random, tally: Tally): void {
	if (one === undefined) {
		return;
	}
	const costNano = random.int(0, one.hold.amountNano);
	one.hold.settle(costNano);
	if (random.chance(0.1)) {
		one.hold.settle(costNano);
	}
	add(model.reserved, one.monthMs, -one.hold.amountNano);
	add(model.spent, one.monthMs, costNano);
	tally.settledLate += one.monthMs === model.monthMs ? 0 : 1;
}

/** On by some minutes to days, to the edge of a month and over it by a millisecond, or a step of the clock. */
function stepped(wallMs: number, random: Random, tally: Tally): number {
	const kind = random.weighted({ on: 86, edge: 8, hour: 3, weeks: 3 });
	tally.steps += kind === "hour" || kind === "weeks" ? 1 : 0;
	switch (kind) {
		case "on":
			return wallMs + random.int(0, 12 * HOUR_MS);
		case "edge":
			return nextMonthMs(wallMs) + random.int(-1, 1);
		case "hour":
			return wallMs + random.pick([-HOUR_MS, HOUR_MS]);
		case "weeks":
			return wallMs + random.pick([-40 * DAY_MS, 40 * DAY_MS]);
	}
}

function left(model: Model): number {
	return BUDGET - (model.spent.get(model.monthMs) ?? 0) - (model.reserved.get(model.monthMs) ?? 0);
}

function add(sums: Map<number, number>, monthMs: number, nano: number): void {
	sums.set(monthMs, (sums.get(monthMs) ?? 0) + nano);
}
