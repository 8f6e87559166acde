import { systemTimers, type Timers } from "../instances/timers.ts";
import type { Clock } from "../lib/clock.ts";
import type { NanoUsd } from "../lib/money.ts";
import type { BudgetAuthority } from "./authority-types.ts";
import { clamped, exactly } from "./exact-nano.ts";
import { createLeaseCalls } from "./lease-calls.ts";
import { takeHold } from "./lease-holds.ts";
import { createLeaseLine } from "./lease-line.ts";
import { availableOf, type LeasePart, unusedOf } from "./lease-part.ts";
import { createLeaseParts, type LeaseParts } from "./lease-parts.ts";
import { createLeaseUpkeep } from "./lease-upkeep.ts";
import type { Budget, BudgetBook, BudgetHold, BudgetLevels, BudgetOutcome, BudgetRequest } from "./types.ts";

export interface LeasedBudgetBookDeps {
	readonly authority: BudgetAuthority;
	readonly clock: Clock;
	readonly timers?: Timers | undefined;
	/** Told once for each change: whether the authority answers. */
	readonly onState?: ((answers: boolean) => void) | undefined;
	/**
	 * False while the others may by now have taken this instance for dead, and what it holds for free: then nothing is
	 * reserved without asking. Always true when it is not given.
	 */
	readonly isAlive?: (() => boolean) | undefined;
}

/** The budgets of an instance that shares them with others. */
export interface LeasedBudgetBook extends BudgetBook {
	/**
	 * Others have taken what this instance held, and counted what it had settled. Everything is asked for anew, what is
	 * still reserved included.
	 */
	wasTakenForDead(): void;
	/** Nobody waits any more, and what is unused is given back. Resolves when the authority knows, or does not answer. */
	close(): Promise<void>;
	/** What is kept in memory, for those who watch it: subjects in full and in short, and those with something to give back. */
	sizes(): { readonly parts: number; readonly kept: number; readonly watched: number };
}

/**
 * A budget book that holds a part of each budget and decides by it, in memory. Only a request for which the part does not
 * suffice waits for the authority. Months are those of `createBudgetBook`: they roll when they are next looked at, only
 * forward, and a hold belongs to the month it was made in.
 */
export function createLeasedBudgetBook(deps: LeasedBudgetBookDeps): LeasedBudgetBook {
	const { authority, clock, timers = systemTimers, onState = () => {}, isAlive = () => true } = deps;
	const parts = createLeaseParts(clock);
	const calls = createLeaseCalls({ authority, clock, timers, parts, onState });
	const line = createLeaseLine({ clock, timers, calls, partsOf, canTake, take, roll, resetAtMs: parts.resetAtMs });
	const upkeep = createLeaseUpkeep({ clock, timers, parts, calls, line, roll });

	function roll(): void {
		if (parts.roll()) {
			line.moveOn();
		}
	}

	function partsOf(request: BudgetRequest): readonly LeasePart[] {
		return request.budgets.map(partOf);
	}

	function partOf({ subject, limitNano }: Budget): LeasePart {
		const part = parts.of(subject);
		const limit = BigInt(limitNano);
		if (limit < part.limit) {
			// What was granted under the larger limit may be too much under this one: the authority is to say.
			parts.voidUnused(part);
			part.limit = limit;
			calls.abandon(part);
		}
		part.limit = limit;
		return part;
	}

	function reserve(request: BudgetRequest): BudgetOutcome | Promise<BudgetOutcome> {
		roll();
		const amount = exactly(request.amountNano, "amountNano");
		const budgeted = partsOf(request);
		// While nobody answers, whoever waits waits in vain: the others go ahead with what there is.
		const mayGoAhead = (part: LeasePart) => line.isEmpty(part) || calls.isAway();
		return canTake(amount, budgeted) && budgeted.every(mayGoAhead)
			? take(request, budgeted)
			: line.wait(request, amount, budgeted);
	}

	function canTake(amount: bigint, budgeted: readonly LeasePart[]): boolean {
		return budgeted.every((part) => unusedOf(part) >= amount) && (amount === 0n || budgeted.length === 0 || isAlive());
	}

	function take(request: BudgetRequest, budgeted: readonly LeasePart[]): { readonly hold: BudgetHold } {
		const hold = takeHold(request, budgeted, { clock, parts }, settled);
		for (const part of budgeted) {
			upkeep.reserved(part);
		}
		return { hold };
	}

	function settled(held: ReadonlySet<LeasePart>): void {
		roll();
		for (const part of held) {
			parts.watch(part);
			line.serve(part);
		}
	}

	return {
		reserve,
		available(budgets): NanoUsd | undefined {
			roll();
			return leastAvailable(budgets, parts, clock.monotonic());
		},
		async levels(subject): Promise<BudgetLevels> {
			roll();
			const resetAtMs = parts.resetAtMs();
			const standing = await authority.standing(subject, parts.month()).catch(() => knownHere(parts.find(subject)));
			return { ...standing, resetAtMs };
		},
		resetAtMs() {
			roll();
			return parts.resetAtMs();
		},
		wasTakenForDead() {
			parts.beginAnew();
			calls.abandonAll();
		},
		close() {
			line.close();
			return upkeep.close();
		},
		sizes: () => ({ ...parts.sizes(), watched: parts.watched().size }),
	};
}

function leastAvailable(budgets: readonly Budget[], parts: LeaseParts, nowMs: number): NanoUsd | undefined {
	let least: bigint | undefined;
	for (const { subject, limitNano } of budgets) {
		const limit = BigInt(limitNano);
		const part = parts.find(subject);
		const available = part === undefined ? limit : availableOf(part, limit, nowMs);
		least = least === undefined || available < least ? available : least;
	}
	return least === undefined ? undefined : clamped(least);
}

function knownHere(part: LeasePart | undefined): Omit<BudgetLevels, "resetAtMs"> {
	const { settled = 0n, reserved = 0n, told } = part ?? {};
	const spent = told === undefined || told.spentNano < settled ? settled : told.spentNano;
	return { spentNano: clamped(spent), reservedNano: clamped(reserved) };
}
