import { expect, test } from "bun:test";
import { LEASE_WAIT_MS } from "../../src/limits/lease-line.ts";
import { monthOf } from "../../src/limits/month.ts";
import type { Budget } from "../../src/limits/types.ts";
import { type CallFate, PROMPT } from "../support/budget-authority.ts";
import {
	type BudgetWorld,
	createBudgetWorld,
	type Instance,
	type Random,
	seededRandom,
	settled,
} from "./budget-world.ts";

/** `SIM_SEED=17 bun test test/sim/leased-budget.test.ts` runs that seed alone. */
const ONLY = process.env.SIM_SEED === undefined ? undefined : Number(process.env.SIM_SEED);
const SEEDS =
	ONLY === undefined ? Array.from({ length: Number(process.env.SIM_SEEDS ?? 150) }, (_, seed) => seed) : [ONLY];
const STEPS = 2_000;
const START_MS = Date.UTC(2026, 10, 15);

interface Subject {
	readonly id: string;
	limitNano: number;
	/** Used may be as much as this: a limit that was lowered binds those who came later. */
	bound: number;
}

/** How the database is, for a while. */
type Weather = "fine" | "slow" | "flaky" | "down";

function fateIn(weather: Weather, random: Random): CallFate {
	const delay = (mostMs: number) => Math.floor(random() * mostMs);
	switch (weather) {
		case "fine":
			return random() < 0.3 ? PROMPT : { arrivesAfterMs: delay(4), answersAfterMs: delay(4), how: "answered" };
		case "slow":
			return { arrivesAfterMs: delay(300), answersAfterMs: delay(300), how: "answered" };
		case "flaky": {
			const hows = ["answered", "answered", "lost", "dropped", "rejected", "rejected_after"] as const;
			const how = hows[Math.floor(random() * hows.length)] ?? "lost";
			return { arrivesAfterMs: delay(random() < 0.2 ? 1_500 : 200), answersAfterMs: delay(200), how };
		}
		default:
			return random() < 0.5
				? { ...PROMPT, how: "lost" }
				: { arrivesAfterMs: delay(30), answersAfterMs: 0, how: "rejected" };
	}
}

/** One history, told by its seed alone. */
async function play(seed: number): Promise<BudgetWorld["outcomes"]> {
	const random = seededRandom(seed);
	const pick = <Value>(values: readonly Value[]): Value => {
		const value = values[Math.floor(random() * values.length)];
		if (value === undefined) {
			throw new Error("nothing to pick from");
		}
		return value;
	};
	let weather: Weather = "fine";
	const world = createBudgetWorld({
		fate: () => fateIn(weather, random),
		writeLagMs: () => (weather === "fine" ? 0 : Math.floor(random() * 600)),
		startMs: START_MS,
	});
	const { time, authority, instances } = world;
	const subject = (id: string): Subject => {
		const limitNano = Math.floor(1_000 + random() ** 2 * 60_000);
		return { id, limitNano, bound: limitNano };
	};
	const keys = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, index) => subject(`key:${index}`));
	const teams = Array.from({ length: 1 + Math.floor(random() * 2) }, (_, index) => subject(`team:${index}`));
	const subjects = [...keys, ...teams];
	const amountMax = pick([50, 400, 3_000]);
	const instancesMax = 1 + Math.floor(random() * 5);
	for (let count = 0; count < instancesMax; count += 1) {
		world.start();
	}

	/** A clock that steps back opens no month again. */
	let month = monthOf(START_MS);

	const budgetOf = ({ id, limitNano }: Subject): Budget => ({ subject: id, limitNano });
	const budgetsOf = (key: Subject): Budget[] => {
		const team = teams[keys.indexOf(key) % teams.length];
		return team === undefined ? [budgetOf(key)] : [budgetOf(key), budgetOf(team)];
	};

	function check(): void {
		const nowMs = time.clock.monotonic();
		const isNew = monthOf(time.clock.now()) > month;
		month = Math.max(month, monthOf(time.clock.now()));
		for (const one of subjects) {
			const used = world.usedOf(one.id, month);
			if (isNew) {
				one.bound = Math.max(one.limitNano, ...limitsWaitedFor(one));
			}
			if (one.bound > one.limitNano && limitsWaitedFor(one).length === 0) {
				one.bound = Math.max(one.limitNano, Math.min(one.bound, authority.taken(one.id, month)));
			}
			if (used > one.bound) {
				throw new Error(
					`${one.id} has used ${used} of ${one.limitNano} (bound ${one.bound}, taken ${authority.taken(one.id, month)})`,
				);
			}
			for (const any of [month, month - 1]) {
				if (world.usedOf(one.id, any) > authority.taken(one.id, any)) {
					throw new Error(
						`${one.id} has used ${world.usedOf(one.id, any)}, and the authority knows of ${authority.taken(one.id, any)}`,
					);
				}
			}
		}
		for (const { sinceMs } of world.waiting) {
			if (nowMs - sinceMs > LEASE_WAIT_MS) {
				throw new Error(`a request waits since ${nowMs - sinceMs} ms`);
			}
		}
		if (authority.violations.length > 0) {
			throw new Error(authority.violations.join("; "));
		}
	}

	const limitsWaitedFor = ({ id }: Subject) =>
		[...world.waiting]
			.flatMap(({ budgets }) => budgets.filter((budget) => budget.subject === id))
			.map(({ limitNano }) => limitNano);

	function changeLimit(): void {
		const one = pick(subjects);
		const used = world.usedOf(one.id, month);
		one.limitNano = Math.max(used, Math.floor(one.limitNano * (0.6 + random())));
		one.bound = Math.max(one.bound, one.limitNano);
	}

	async function die(instance: Instance): Promise<void> {
		if (random() < 0.5) {
			world.kill(instance);
			return;
		}
		instance.alive = false;
		// No answer from before is on its way any more when the others take what it held.
		await time.pass(LEASE_WAIT_MS + 1 + Math.floor(random() * 500));
		world.reap(instance);
		await act(Math.floor(random() * 10));
		authority.revive(instance.id);
		instance.book.wasTakenForDead();
		instance.alive = true;
	}

	async function act(steps: number): Promise<void> {
		for (let step = 0; step < steps; step += 1) {
			const dice = random();
			const callsBefore = authority.calls.length;
			if (dice < 0.5) {
				const many = random() < 0.05 ? 30 : 1;
				for (let count = 0; count < many; count += 1) {
					world.reserve(pick(instances), budgetsOf(pick(keys)), Math.ceil(random() ** 2 * amountMax));
				}
			} else if (dice < 0.8) {
				world.settle(Math.floor(random() * world.open.length), random() < 0.1 ? 1 : random() * 0.6);
			} else {
				await time.pass(Math.floor(random() < 0.08 ? random() * 3_000 : random() * 60));
			}
			if (world.waiting.size > 0 || authority.calls.length > callsBefore) {
				await settled();
			}
			check();
		}
	}

	for (let step = 0; step < STEPS; step += 20) {
		await act(20);
		const dice = random();
		if (dice < 0.15) {
			weather = pick(["fine", "fine", "slow", "flaky", "down"] as const);
		} else if (dice < 0.25) {
			changeLimit();
		} else if (dice < 0.28 && instances.length > 0) {
			await die(pick(instances));
			if (instances.length === 0 || random() < 0.7) {
				world.start();
			}
		} else if (dice < 0.3) {
			world.toNextMonth();
		} else if (dice < 0.31) {
			time.setWall(time.clock.now() - 5_000);
		}
	}

	// The end: all is settled, the database is well, and nobody asks for anything any more.
	weather = "fine";
	await time.pass(LEASE_WAIT_MS + 1);
	while (world.open.length > 0) {
		world.settle(0, random());
	}
	await time.pass(6_000);
	for (const { id } of subjects) {
		for (let past = monthOf(START_MS); past <= month; past += 1) {
			const spent = authority.spent(id, past);
			const held = authority.taken(id, past) - spent;
			if (held > world.strandedOf(id, past)) {
				throw new Error(`${id}: ${held} are not back in month ${past}`);
			}
			if (spent !== world.usedOf(id, past)) {
				throw new Error(`${id}: ${spent} spent in month ${past}, ${world.usedOf(id, past)} used`);
			}
		}
	}
	for (const { book } of instances) {
		expect(book.sizes().watched).toBe(0);
	}
	return world.outcomes;
}

test("no history of delays, failures, deaths and months overruns a budget, keeps a request waiting or loses a nano-dollar", async () => {
	const sums = { held: 0, refused: 0, unavailable: 0 };
	for (const seed of SEEDS) {
		try {
			const { held, refused, unavailable } = await play(seed);
			sums.held += held;
			sums.refused += refused;
			sums.unavailable += unavailable;
		} catch (error) {
			throw new Error(`SIM_SEED=${seed} fails: ${error instanceof Error ? error.message : error}`, { cause: error });
		}
	}
	if (ONLY !== undefined) {
		console.log(sums);
	}
	// The histories are worth something: all three outcomes are common.
	expect(sums.held).toBeGreaterThan(SEEDS.length * 50);
	expect(sums.refused).toBeGreaterThan(SEEDS.length);
	expect(sums.unavailable).toBeGreaterThan(SEEDS.length / 2);
}, 120_000);
