import type { Clock } from "../lib/clock.ts";
import type { NanoUsd } from "../lib/money.ts";
import { createHold } from "./budget-hold.ts";
import { clamped, exactly } from "./exact-nano.ts";
import { type Month, monthOf, nextMonthStartMs } from "./month.ts";
import type { Budget, BudgetBook, BudgetHold, BudgetLevels, BudgetRefusal, BudgetRequest } from "./types.ts";

/** Sums of a subject in one month. In bigint: single figures are safe integers, their sums need not be. */
interface Account {
	spent: bigint;
	reserved: bigint;
}

/** The budgets of a single process: its answers are immediate, and exact. */
export interface MemoryBudgetBook extends BudgetBook {
	reserve(request: BudgetRequest): { readonly hold: BudgetHold } | { readonly refusal: BudgetRefusal };
	levels(subject: string): BudgetLevels;
}

export interface BudgetBookDeps {
	readonly clock: Clock;
	/** What was already spent in the present month, by subject, as the ledger has it on disk. */
	readonly spent: ReadonlyMap<string, NanoUsd>;
}

/**
 * Spend and reservations in memory, by subject and calendar month (UTC). The month rolls when it is next looked at,
 * and only ever forward: a clock that steps back never reopens an old month. A hold belongs to the month it was made in.
 * Holds one account for each key and team used in the present month.
 */
export function createBudgetBook({ clock, spent }: BudgetBookDeps): MemoryBudgetBook {
	let month: Month = monthOf(clock.now());
	let resetAtMs = nextMonthStartMs(month);
	let accounts = new Map<string, Account>();
	for (const [subject, nano] of spent) {
		accounts.set(subject, { spent: exactly(nano, "spent"), reserved: 0n });
	}

	function roll(): void {
		const now = clock.now();
		if (now >= resetAtMs) {
			month = monthOf(now);
			resetAtMs = nextMonthStartMs(month);
			// Holds of the old month keep their old accounts and settle there, where no new request looks.
			accounts = new Map();
		}
	}

	function left(budget: Budget): bigint {
		const account = accounts.get(budget.subject);
		const limit = BigInt(budget.limitNano);
		return account ? limit - account.spent - account.reserved : limit;
	}

	function accountOf(subject: string): Account {
		let account = accounts.get(subject);
		if (!account) {
			account = { spent: 0n, reserved: 0n };
			accounts.set(subject, account);
		}
		return account;
	}

	function reserve(request: BudgetRequest): ReturnType<MemoryBudgetBook["reserve"]> {
		roll();
		const amount = exactly(request.amountNano, "amountNano");
		for (const budget of request.budgets) {
			const available = left(budget);
			// What costs nothing fits into a budget that is overdrawn, too.
			if (amount > available && amount > 0n) {
				const { subject, limitNano } = budget;
				return { refusal: { subject, limitNano, availableNano: clamped(available), resetAtMs } };
			}
		}
		const held = new Set<Account>();
		for (const budget of request.budgets) {
			held.add(accountOf(budget.subject));
		}
		for (const subject of request.counted) {
			held.add(accountOf(subject));
		}
		for (const account of held) {
			account.reserved += amount;
		}
		const hold = createHold(request.amountNano, (cost) => {
			for (const account of held) {
				account.reserved -= amount;
				account.spent += cost;
			}
		});
		return { hold };
	}

	return {
		reserve,
		available(budgets): NanoUsd | undefined {
			roll();
			let least: bigint | undefined;
			for (const budget of budgets) {
				const available = left(budget);
				least = least === undefined || available < least ? available : least;
			}
			return least === undefined ? undefined : clamped(least);
		},
		levels(subject): BudgetLevels {
			roll();
			const account = accounts.get(subject);
			return {
				spentNano: clamped(account?.spent ?? 0n),
				reservedNano: clamped(account?.reserved ?? 0n),
				resetAtMs,
			};
		},
		resetAtMs() {
			roll();
			return resetAtMs;
		},
	};
}
