import type { Timers } from "../instances/timers.ts";
import type { Clock } from "../lib/clock.ts";
import type { LeasePart } from "./lease-part.ts";
import type { BudgetOutcome, BudgetRequest } from "./types.ts";

/** A request that waits for an answer from elsewhere. */
export interface Waiter {
	readonly request: BudgetRequest;
	readonly amount: bigint;
	/** Of its budgets, in their order. */
	parts: readonly LeasePart[];
	readonly dueAtMs: number;
	readonly resolve: (outcome: BudgetOutcome) => void;
	/** Those who are asked for together, while their call is on its way. */
	batch: readonly Waiter[] | undefined;
}

/** Who waits for what, in order of arrival: one line for each part, and each waiter in the lines of all its parts. */
export interface LeaseQueue {
	join(waiter: Waiter): void;
	/** Idempotent. */
	leave(waiter: Waiter): void;
	has(waiter: Waiter): boolean;
	/** The first in the line of a part. */
	head(part: LeasePart): Waiter | undefined;
	/** First in all its lines. */
	leads(waiter: Waiter): boolean;
	/** Who waits for this part or for one that those wait for, and so on, in order of arrival. */
	connected(start: LeasePart): readonly Waiter[];
	/** Parts that somebody waits for. */
	parts(): readonly LeasePart[];
	/** Everybody changes to other parts; the order stays. */
	move(partsOf: (request: BudgetRequest) => readonly LeasePart[]): void;
	/** Who still waits; nobody may join any more. */
	close(): readonly Waiter[];
	isClosed(): boolean;
}

/** @param onExpired Called with those whose time is over, who are to leave. All wait equally long. */
export function createLeaseQueue(
	clock: Clock,
	timers: Timers,
	onExpired: (waiters: readonly Waiter[]) => void,
): LeaseQueue {
	const waiting = new Map<Waiter, number>();
	const lines = new Map<LeasePart, Set<Waiter>>();
	let arrivals = 0;
	let stopTimer: (() => void) | undefined;
	let closed = false;

	const head = (part: LeasePart) => firstOf(lines.get(part) ?? []);

	function enter(waiter: Waiter): void {
		for (const part of waiter.parts) {
			const line = lines.get(part);
			if (line === undefined) {
				lines.set(part, new Set([waiter]));
			} else {
				line.add(waiter);
			}
		}
	}

	function leave(waiter: Waiter): void {
		waiting.delete(waiter);
		for (const part of waiter.parts) {
			const line = lines.get(part);
			line?.delete(waiter);
			if (line?.size === 0) {
				lines.delete(part);
			}
		}
	}

	/** Looks at the oldest alone: the others are due later. */
	function arm(): void {
		const oldest = firstOf(waiting.keys());
		if (oldest !== undefined) {
			stopTimer ??= timers.after(Math.max(0, oldest.dueAtMs - clock.monotonic()), expire);
		}
	}

	function expire(): void {
		stopTimer = undefined;
		const nowMs = clock.monotonic();
		const due = [...waiting.keys()].filter((waiter) => waiter.dueAtMs <= nowMs);
		if (due.length > 0) {
			onExpired(due);
		}
		arm();
	}

	return {
		join(waiter) {
			arrivals += 1;
			waiting.set(waiter, arrivals);
			enter(waiter);
			arm();
		},
		leave,
		has: (waiter) => waiting.has(waiter),
		head,
		leads: (waiter) => waiter.parts.every((part) => head(part) === waiter),
		connected: (start) =>
			connected(start, lines).sort((one, other) => (waiting.get(one) ?? 0) - (waiting.get(other) ?? 0)),
		parts: () => [...lines.keys()],
		move(partsOf) {
			lines.clear();
			for (const [waiter] of waiting) {
				waiter.parts = partsOf(waiter.request);
				waiter.batch = undefined;
				enter(waiter);
			}
		},
		close() {
			closed = true;
			stopTimer?.();
			return [...waiting.keys()];
		},
		isClosed: () => closed,
	};
}

function firstOf<Value>(values: Iterable<Value>): Value | undefined {
	for (const value of values) {
		return value;
	}
	return undefined;
}

function connected(start: LeasePart, lines: ReadonlyMap<LeasePart, ReadonlySet<Waiter>>): Waiter[] {
	const found = new Set<Waiter>();
	const parts = new Set([start]);
	// A set that grows is walked to its end.
	for (const part of parts) {
		for (const waiter of lines.get(part) ?? []) {
			found.add(waiter);
			for (const other of waiter.parts) {
				parts.add(other);
			}
		}
	}
	return [...found];
}
