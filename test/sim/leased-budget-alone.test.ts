import { expect, test } from "bun:test";
import { createBudgetBook } from "../../src/limits/budget.ts";
import { createLeasedBudgetBook } from "../../src/limits/leased-budget.ts";
import { monthOf } from "../../src/limits/month.ts";
import type { Budget, BudgetHold } from "../../src/limits/types.ts";
import { createFakeAuthority } from "../support/budget-authority.ts";
import { createSimTime, seededRandom } from "./budget-world.ts";

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);
const STEPS = 600;
const START_MS = Date.UTC(2026, 10, 15);

const KEYS: readonly Budget[] = [20_000, 9_000].map((limitNano, index) => ({ subject: `key:${index}`, limitNano }));
const TEAM: Budget = { subject: "team:0", limitNano: 24_000 };

/** Plays the same requests to a book that leases and to one that has everything in its own memory. */
async function play(seed: number): Promise<void> {
	const random = seededRandom(seed);
	const time = createSimTime(START_MS);
	const authority = createFakeAuthority({
		timers: time,
		fate: () => ({
			arrivesAfterMs: Math.floor(random() * 3),
			answersAfterMs: Math.floor(random() * 3),
			how: "answered",
		}),
	});
	const leased = createLeasedBudgetBook({ authority: authority.of("ins_1"), clock: time.clock, timers: time });
	const alone = createBudgetBook({ clock: time.clock, spent: new Map() });
	const open: { readonly holds: readonly BudgetHold[]; readonly counted: readonly string[] }[] = [];
	const amountMax = 20 + random() * 3_000;
	for (let step = 0; step < STEPS; step += 1) {
		const key = KEYS[Math.floor(random() * KEYS.length)] ?? TEAM;
		if (random() < 0.55) {
			// Some have no budget: what they spend counts for those who have.
			const budgets = random() < 0.1 ? [TEAM] : [key, TEAM];
			const request = { budgets, counted: [key.subject, TEAM.subject], amountNano: Math.ceil(random() * amountMax) };
			const expected = alone.reserve(request);
			const outcome = Promise.resolve(leased.reserve(request));
			await time.pass(40);
			const told = await outcome;
			if ("hold" in told && "hold" in expected) {
				open.push({ holds: [told.hold, expected.hold], counted: request.counted });
			} else {
				expect({ step, told }).toEqual({ step, told: expected });
			}
		} else if (open.length > 0) {
			const [entry] = open.splice(Math.floor(random() * open.length), 1);
			const cost = Math.floor((entry?.holds[0]?.amountNano ?? 0) * random() * (random() < 0.02 ? 3 : 0.5));
			for (const hold of entry?.holds ?? []) {
				hold.settle(cost);
			}
			for (const subject of entry?.counted ?? []) {
				authority.spend("ins_1", subject, monthOf(START_MS), cost);
			}
		}
		await time.pass(Math.floor(random() < 0.02 ? random() * 4_000 : random() * 30));
	}
	expect(authority.violations).toEqual([]);
}

test("one instance alone grants and refuses what a book in memory would, to the nano-dollar", async () => {
	for (const seed of SEEDS) {
		await play(seed).catch((cause: unknown) => {
			throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
		});
	}
}, 60_000);
