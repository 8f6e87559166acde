import type { Timers } from "../instances/timers.ts";
import type { Clock } from "../lib/clock.ts";
import { clamped } from "./exact-nano.ts";
import type { LeaseAsk, LeaseCalls, LeaseEnding } from "./lease-calls.ts";
import { type LeasePart, unusedOf } from "./lease-part.ts";
import { createLeaseQueue, type LeaseQueue, type Waiter } from "./lease-queue.ts";
import { roomTold, select } from "./lease-selection.ts";
import type { BudgetOutcome, BudgetRequest } from "./types.ts";

export interface LeaseLineDeps {
	readonly clock: Clock;
	readonly timers: Timers;
	readonly calls: LeaseCalls;
	/** The parts of a request's budgets, in their order, in the present month. */
	readonly partsOf: (request: BudgetRequest) => readonly LeasePart[];
	/** What this instance holds suffices, and is its own. */
	readonly canTake: (amount: bigint, parts: readonly LeasePart[]) => boolean;
	/** Reserves what is known to fit. */
	readonly take: (request: BudgetRequest, parts: readonly LeasePart[]) => BudgetOutcome;
	/** Rolls the month, if it is time to. */
	readonly roll: () => void;
	readonly resetAtMs: () => number;
}

/** Requests that wait because what this instance holds does not suffice, and what is asked of the authority for them. */
export interface LeaseLine {
	/** First come, first served, for each subject. Answered within LEASE_WAIT_MS in any case. */
	wait(request: BudgetRequest, amount: bigint, parts: readonly LeasePart[]): Promise<BudgetOutcome>;
	isEmpty(part: LeasePart): boolean;
	/** Something has come free in a part. */
	serve(part: LeasePart): void;
	/** A call for nobody in particular: gives back, or asks ahead of need. */
	send(asks: readonly LeaseAsk[], onEnded?: (ending: LeaseEnding) => void): void;
	/** A new month has begun: whoever waits is to be served from it, since it will be spent in it. */
	moveOn(): void;
	/** Nobody waits any more. */
	close(): void;
}

/** No request waits longer for an answer. */
export const LEASE_WAIT_MS = 1_000;

const NOBODY: readonly Waiter[] = [];

interface Line extends LeaseLineDeps {
	readonly queue: LeaseQueue;
}

export function createLeaseLine(deps: LeaseLineDeps): LeaseLine {
	const queue = createLeaseQueue(deps.clock, deps.timers, (waiters) => expired(line, waiters));
	const line: Line = { ...deps, queue };
	return {
		wait(request, amount, parts) {
			if (queue.isClosed()) {
				return Promise.resolve({ unavailable: { subject: parts[0]?.subject ?? "" } });
			}
			const { promise, resolve } = Promise.withResolvers<BudgetOutcome>();
			const dueAtMs = deps.clock.monotonic() + LEASE_WAIT_MS;
			queue.join({ request, amount, parts, dueAtMs, resolve, batch: undefined });
			for (const part of parts) {
				pump(line, part);
			}
			return promise;
		},
		isEmpty: (part) => queue.head(part) === undefined,
		serve: (part) => serve(line, part),
		send: (asks, onEnded) => send(line, asks, NOBODY, onEnded),
		moveOn() {
			queue.move(deps.partsOf);
			for (const part of queue.parts()) {
				serve(line, part);
				pump(line, part);
			}
		},
		close() {
			for (const waiter of queue.close()) {
				giveUp(line, waiter);
			}
		},
	};
}

/**
 * Asks for all who wait for this part, and for all who wait for what they wait for. True = a call is on its way.
 * @param told Parts whose free amount was told just now.
 */
function pump(line: Line, start: LeasePart, told?: ReadonlySet<LeasePart>): boolean {
	if (start.called || line.queue.head(start) === undefined) {
		return false;
	}
	const { batch, asks } = select(line.queue.connected(start), told, line.clock.monotonic());
	if (asks.length === 0) {
		serveAll(line, batch);
		return false;
	}
	send(line, asks, batch);
	return true;
}

function send(
	line: Line,
	asks: readonly LeaseAsk[],
	batch: readonly Waiter[],
	onEnded?: (ending: LeaseEnding) => void,
): void {
	for (const waiter of batch) {
		waiter.batch = batch;
	}
	line.calls.send(asks, (ending) => {
		line.roll();
		const parts = asks.map(({ part }) => part);
		// Whoever has moved on to another month meanwhile is no longer of this call.
		const still = batch.filter((waiter) => waiter.batch === batch && line.queue.has(waiter));
		ended(line, { parts, batch: still, wasAlone: batch.length === 1 }, ending);
		onEnded?.(ending);
	});
}

interface Called {
	readonly parts: readonly LeasePart[];
	/** Whom it was made for and who still waits. */
	readonly batch: readonly Waiter[];
	/** It was made for a single one. */
	readonly wasAlone: boolean;
}

function ended(line: Line, called: Called, ending: LeaseEnding): void {
	const { parts, batch } = called;
	serveAll(line, batch);
	for (const waiter of batch) {
		waiter.batch = undefined;
		if (ending === "failed" && line.queue.has(waiter)) {
			giveUp(line, waiter);
		} else if (ending === "refused" && line.queue.has(waiter)) {
			refuseIfTooMuch(line, waiter, called);
		}
	}
	for (const part of parts) {
		serve(line, part);
	}
	const told = ending === "refused" ? new Set(parts) : undefined;
	for (const part of parts) {
		// Where nobody fits into what was told, whoever came since asks for himself.
		if (!pump(line, part, told) && told !== undefined) {
			pump(line, part);
		}
	}
}

/** Those at the head of all their lines, as far as they fit. */
function serve(line: Line, start: LeasePart): void {
	const { queue } = line;
	const parts = [start];
	for (const part of parts) {
		let head = queue.head(part);
		while (head !== undefined && line.canTake(head.amount, head.parts) && queue.leads(head)) {
			admit(line, head);
			parts.push(...head.parts.filter((other) => other !== part));
			head = queue.head(part);
		}
	}
}

function serveAll(line: Line, batch: readonly Waiter[]): void {
	for (const waiter of batch) {
		if (line.queue.has(waiter) && line.canTake(waiter.amount, waiter.parts)) {
			admit(line, waiter);
		}
	}
}

function admit(line: Line, waiter: Waiter): void {
	line.queue.leave(waiter);
	waiter.resolve(line.take(waiter.request, waiter.parts));
}

/** A sum that did not fit refuses nobody who fits by himself. */
function refuseIfTooMuch(line: Line, waiter: Waiter, { parts, wasAlone }: Called): void {
	const { amount, request } = waiter;
	const asked = waiter.parts.filter((part) => parts.includes(part));
	const short = asked.find((part) => roomTold(part) < amount) ?? (wasAlone ? asked[0] : undefined);
	const budget = request.budgets.find(({ subject }) => subject === short?.subject);
	if (short === undefined || budget === undefined) {
		return;
	}
	line.queue.leave(waiter);
	const { subject, limitNano } = budget;
	// What was asked for alone and refused does not fit, whatever else was said.
	const room = roomTold(short);
	const availableNano = clamped(room < amount ? room : amount - 1n);
	waiter.resolve({ refusal: { subject, limitNano, availableNano, resetAtMs: line.resetAtMs() } });
}

function expired(line: Line, waiters: readonly Waiter[]): void {
	for (const waiter of waiters) {
		giveUp(line, waiter);
	}
	line.roll();
	for (const part of waiters.flatMap((waiter) => waiter.parts)) {
		serve(line, part);
		pump(line, part);
	}
}

function giveUp(line: Line, waiter: Waiter): void {
	line.queue.leave(waiter);
	const short = waiter.parts.find((part) => unusedOf(part) < waiter.amount) ?? waiter.parts[0];
	waiter.resolve({ unavailable: { subject: short?.subject ?? "" } });
}
