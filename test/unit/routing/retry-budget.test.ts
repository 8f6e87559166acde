import { expect, test } from "bun:test";
import { createRetryBudget } from "../../../src/routing/retry-budget.ts";
import { createFakeClock } from "../limits/fake-clock.ts";

const FAILED = { isTimeout: false };
const TIMED_OUT = { isTimeout: true };

function taken(budget: ReturnType<typeof createRetryBudget>, failure: typeof FAILED, wanted: number): number {
	return Array.from({ length: wanted }, () => budget.take("a", failure)).filter(Boolean).length;
}

test("without any success fifty retries are left, or half as many after time-outs", () => {
	const clock = createFakeClock();
	expect(taken(createRetryBudget({ clock }), FAILED, 1_000)).toBe(50);
	expect(taken(createRetryBudget({ clock }), TIMED_OUT, 1_000)).toBe(25);
});

test("two retries a second are always allowed", () => {
	const clock = createFakeClock();
	const budget = createRetryBudget({ clock });
	taken(budget, FAILED, 1_000);
	clock.advance(10_000);
	expect(taken(budget, FAILED, 1_000)).toBe(20);
});

test("one alias's outage takes nothing from another's requests", () => {
	const budget = createRetryBudget({ clock: createFakeClock() });
	taken(budget, FAILED, 1_000);
	expect(budget.take("a", FAILED)).toBe(false);
	expect(budget.take("b", FAILED)).toBe(true);
});

test("while three attempts in ten fail everywhere, every request is tried again", () => {
	const budget = createRetryBudget({ clock: createFakeClock() });
	let attempts = 0;
	const fails = () => {
		attempts += 1;
		return attempts % 10 < 3;
	};
	for (let request = 0; request < 10_000; request += 1) {
		let isAnswered = !fails();
		for (let retry = 0; retry < 2 && !isAnswered; retry += 1) {
			expect(budget.take("a", FAILED)).toBe(true);
			isAnswered = !fails();
		}
		if (isAnswered) {
			budget.succeeded("a");
		}
	}
});

test("when every attempt fails, fewer than one retry follows ten requests", () => {
	const clock = createFakeClock();
	const budget = createRetryBudget({ clock });
	let retries = 0;
	for (let request = 0; request < 6_000; request += 1) {
		clock.advance(10);
		retries += taken(budget, FAILED, 2);
	}
	expect(retries).toBeLessThan(600);
});
