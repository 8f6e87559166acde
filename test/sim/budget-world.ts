import type { Timers } from "../../src/instances/timers.ts";
import { createLeasedBudgetBook, type LeasedBudgetBook } from "../../src/limits/leased-budget.ts";
import { type Month, monthOf, nextMonthStartMs } from "../../src/limits/month.ts";
import type { Budget, BudgetHold, BudgetOutcome } from "../../src/limits/types.ts";
import { type CallFate, createFakeAuthority } from "../support/budget-authority.ts";

/** 0 inclusive to 1 exclusive, the same for the same seed. */
export type Random = () => number;

export function seededRandom(seed: number): Random {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}

/** Timers and both clocks, in steps. */
export interface SimTime extends Timers {
	readonly clock: { now(): number; monotonic(): number };
	/** Lets time pass, timer by timer; what each has set going is done before the next. */
	pass(milliseconds: number): Promise<void>;
	/** Moves the wall clock alone. */
	setWall(atMs: number): void;
}

/** Lets everything run that waits for nothing but its turn. */
export function settled(): Promise<void> {
	return new Promise((resolve) => void setImmediate(resolve));
}

export function createSimTime(startMs: number): SimTime {
	let wallOffsetMs = startMs;
	let monotonicMs = 0;
	let made = 0;
	const timers = new Map<
		number,
		{ dueAtMs: number; readonly everyMs: number | undefined; readonly task: () => void }
	>();
	function add(milliseconds: number, everyMs: number | undefined, task: () => void): () => void {
		made += 1;
		const id = made;
		timers.set(id, { dueAtMs: monotonicMs + milliseconds, everyMs, task });
		return () => void timers.delete(id);
	}
	function next(endMs: number) {
		let first: [id: number, dueAtMs: number] | undefined;
		for (const [id, { dueAtMs }] of timers) {
			if (dueAtMs <= endMs && (first === undefined || dueAtMs < first[1])) {
				first = [id, dueAtMs];
			}
		}
		return first;
	}
	return {
		clock: { now: () => wallOffsetMs + monotonicMs, monotonic: () => monotonicMs },
		every: (milliseconds, task) => add(milliseconds, milliseconds, task),
		after: (milliseconds, task) => add(milliseconds, undefined, task),
		setWall(atMs) {
			wallOffsetMs = atMs - monotonicMs;
		},
		async pass(milliseconds) {
			const endMs = monotonicMs + milliseconds;
			for (let due = next(endMs); due !== undefined; due = next(endMs)) {
				const timer = timers.get(due[0]);
				monotonicMs = Math.max(monotonicMs, due[1]);
				if (timer?.everyMs === undefined) {
					timers.delete(due[0]);
				} else {
					timer.dueAtMs += timer.everyMs;
				}
				timer?.task();
				await settled();
			}
			monotonicMs = endMs;
		},
	};
}

interface Held {
	readonly hold: BudgetHold;
	readonly instance: Instance;
	readonly subjects: readonly string[];
	readonly month: Month;
	/** Its instance was taken for dead: the others have settled it at its reservation. */
	reaped: boolean;
}

export interface Instance {
	readonly id: string;
	readonly book: LeasedBudgetBook;
	alive: boolean;
	/** What is not in the database yet. */
	readonly unwritten: Set<() => void>;
}

interface Waiting {
	readonly budgets: readonly Budget[];
	readonly sinceMs: number;
}

export interface BudgetWorldOptions {
	readonly fate: () => CallFate;
	/** How long the database may take to learn of what was settled. */
	readonly writeLagMs: () => number;
	readonly startMs: number;
}

/** What all instances have used of a budget, by a count that knows nothing of how they share it. */
export type BudgetWorld = ReturnType<typeof createBudgetWorld>;

export function createBudgetWorld({ fate, writeLagMs, startMs }: BudgetWorldOptions) {
	const time = createSimTime(startMs);
	const authority = createFakeAuthority({ timers: time, fate: () => fate() });
	const instances: Instance[] = [];
	const open: Held[] = [];
	const used = new Map<string, number>();
	const waiting = new Set<Waiting>();
	/** Settled after it was reaped: its instance goes on counting it for itself. */
	const stranded = new Map<string, number>();
	const outcomes = { held: 0, refused: 0, unavailable: 0 };
	let started = 0;

	const add = (sums: Map<string, number>, { subjects, month }: Held, nano: number) => {
		for (const subject of subjects) {
			const key = `${subject} ${month}`;
			sums.set(key, (sums.get(key) ?? 0) + nano);
		}
	};

	function start(): Instance {
		started += 1;
		const id = `ins_${started}`;
		const state = { alive: true };
		const book = createLeasedBudgetBook({
			authority: authority.of(id),
			clock: time.clock,
			timers: time,
			isAlive: () => state.alive,
		});
		const instance = Object.assign(state, { id, book, unwritten: new Set<() => void>() });
		instances.push(instance);
		return instance;
	}

	function received(instance: Instance, outcome: BudgetOutcome, budgets: readonly Budget[], amountNano: number): void {
		if ("refusal" in outcome) {
			outcomes.refused += 1;
			if (outcome.refusal.availableNano >= amountNano) {
				throw new Error(`refused ${amountNano} although ${outcome.refusal.availableNano} are left`);
			}
		} else if ("unavailable" in outcome) {
			outcomes.unavailable += 1;
		} else {
			outcomes.held += 1;
			const subjects = budgets.map(({ subject }) => subject);
			const month = monthOf(instance.book.resetAtMs() - 1);
			const held: Held = { hold: outcome.hold, instance, subjects, month, reaped: false };
			if (!instances.includes(instance)) {
				throw new Error("a process that is gone goes on");
			}
			open.push(held);
			add(used, held, amountNano);
		}
	}

	function reserve(instance: Instance, budgets: readonly Budget[], amountNano: number): void {
		const outcome = instance.book.reserve({ budgets, counted: budgets.map(({ subject }) => subject), amountNano });
		if (!(outcome instanceof Promise)) {
			received(instance, outcome, budgets, amountNano);
			return;
		}
		const entry: Waiting = { budgets, sinceMs: time.clock.monotonic() };
		waiting.add(entry);
		void outcome.then((told) => {
			waiting.delete(entry);
			if (instances.includes(instance)) {
				received(instance, told, budgets, amountNano);
			}
		});
	}

	function settle(index: number, share: number): void {
		const [held] = open.splice(index, 1);
		if (held === undefined) {
			return;
		}
		const { hold, instance, subjects, month, reaped } = held;
		const cost = Math.floor(hold.amountNano * share);
		hold.settle(cost);
		if (reaped) {
			add(stranded, held, cost);
			return;
		}
		add(used, held, cost - hold.amountNano);
		const write = () => {
			if (instance.unwritten.delete(write)) {
				for (const subject of subjects) {
					authority.spend(instance.id, subject, month, cost);
				}
			}
		};
		instance.unwritten.add(write);
		const lagMs = writeLagMs();
		if (lagMs === 0) {
			write();
		} else {
			time.after(lagMs, write);
		}
	}

	/** The others settle what an instance left open, at the reservation, and take what it held. */
	function reap(instance: Instance): void {
		for (const write of instance.unwritten) {
			write();
		}
		for (const held of open) {
			if (held.instance === instance && !held.reaped) {
				held.reaped = true;
				for (const subject of held.subjects) {
					authority.spend(instance.id, subject, held.month, held.hold.amountNano);
				}
			}
		}
		authority.reap(instance.id);
	}

	function kill(instance: Instance): void {
		instances.splice(instances.indexOf(instance), 1);
		reap(instance);
		for (const held of open.filter((one) => one.instance === instance)) {
			open.splice(open.indexOf(held), 1);
		}
		void instance.book.close();
	}

	return {
		time,
		authority,
		instances,
		open,
		waiting,
		outcomes,
		start,
		reserve,
		settle,
		reap,
		kill,
		usedOf: (subject: string, month: Month) => used.get(`${subject} ${month}`) ?? 0,
		strandedOf: (subject: string, month: Month) => stranded.get(`${subject} ${month}`) ?? 0,
		toNextMonth: () => time.setWall(nextMonthStartMs(monthOf(time.clock.now())) - 40),
	};
}
