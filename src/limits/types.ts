import type { NanoUsd } from "../lib/money.ts";

/** Something that has limits: a virtual key or a team. */
export interface LimitSubject {
	/** `key:vk_…` or `team:NAME`. */
	readonly id: string;
	/** Requests a minute; undefined = unlimited. */
	readonly rpm: number | undefined;
	/** Tokens a minute, prompt and completion together. */
	readonly tpm: number | undefined;
	readonly parallel: number | undefined;
}

export interface LimitRefusal {
	readonly subject: string;
	readonly kind: "tpm" | "rpm" | "parallel";
	readonly limit: number;
	/** Exact time until this very request would fit; undefined = it never will (larger than the whole limit). */
	readonly retryAfterMs: number | undefined;
}

/** Held by a request from admission until its last byte. Both calls are idempotent. */
export interface LimitTicket {
	/** Replaces the token estimate by the real total. May leave the bucket in debt. */
	correctTokens(total: number): void;
	/** Gives the parallel slot back. */
	release(): void;
}

export type LimitDecision = { readonly ticket: LimitTicket } | { readonly refusal: LimitRefusal };

/** Usage of a subject's windows, for those who ask about it. */
export interface LimitLevels {
	/** Requests and tokens taken from the bucket and not yet refilled. */
	readonly rpmUsed: number;
	readonly tpmUsed: number;
	/** Exact time until the bucket is full again if nothing more is taken; 0 = full, or there is no limit. */
	readonly rpmFullAfterMs: number;
	readonly tpmFullAfterMs: number;
	readonly parallelUsed: number;
}

/** Decides rpm, tpm and parallel for all subjects of a request at once: all or nothing, in that order tpm, rpm, parallel. */
export interface Limiter {
	/** A promise only where another machine has to be asked. In process the answer is immediate. */
	take(subjects: readonly LimitSubject[], promptTokens: number): LimitDecision | Promise<LimitDecision>;
	/** Over all instances, where they can be asked. */
	levels(subject: LimitSubject): LimitLevels | Promise<LimitLevels>;
	/** Drops the state of a subject that no longer exists. */
	forget(subjectId: string): void;
}

export interface Budget {
	/** `key:vk_…` or `team:NAME`. */
	readonly subject: string;
	/** For one calendar month, UTC. */
	readonly limitNano: NanoUsd;
}

export interface BudgetRefusal {
	readonly subject: string;
	readonly limitNano: NanoUsd;
	readonly availableNano: NanoUsd;
	/** First instant of the next month, Unix milliseconds. */
	readonly resetAtMs: number;
}

export interface BudgetLevels {
	readonly spentNano: NanoUsd;
	readonly reservedNano: NanoUsd;
	readonly resetAtMs: number;
}

/** Part of one or more budgets, set aside for one attempt. */
export interface BudgetHold {
	readonly amountNano: NanoUsd;
	/** Replaces the reservation by the real cost, in the month of the reservation. Once; further calls do nothing. */
	settle(costNano: NanoUsd): void;
}

export type BudgetOutcome =
	| { readonly hold: BudgetHold }
	| { readonly refusal: BudgetRefusal }
	/** Nobody knows whether it fits: what this instance holds is used up, and whoever could grant more does not answer. */
	| { readonly unavailable: { readonly subject: string } };

/** An amount that is to be set aside. */
export interface BudgetRequest {
	/** All or nothing over these. */
	readonly budgets: readonly Budget[];
	/** Subjects whose spend is counted, with or without a budget. */
	readonly counted: readonly string[];
	readonly amountNano: NanoUsd;
}

/** Spend and reservations of this month by subject. */
export interface BudgetBook {
	/**
	 * Check and reserve in one step. Immediate in process: no request can come in between. A promise only where what this
	 * instance holds does not suffice and another machine has to be asked.
	 */
	reserve(request: BudgetRequest): BudgetOutcome | Promise<BudgetOutcome>;
	/** The least that is left over the given budgets, as far as is known here; undefined when there are none. */
	available(budgets: readonly Budget[]): NanoUsd | undefined;
	/** Over all instances. */
	levels(subject: string): BudgetLevels | Promise<BudgetLevels>;
	/** First instant of the next month, Unix milliseconds. */
	resetAtMs(): number;
}
