import type { NanoUsd } from "../lib/money.ts";
import type { Month } from "./month.ts";

/**
 * Several instances share a budget by each holding a part of it. The part of an instance in a month is one figure that only
 * grows with what it was granted and shrinks with what it gives back: its *entitlement*, out of which it has paid what it
 * has settled, and out of which it reserves. What an instance spends never exceeds it, and the entitlements of all
 * instances together never exceed the limit.
 */
export interface BudgetClaim {
	/** `key:vk_…` or `team:NAME`. */
	readonly subject: string;
	readonly month: Month;
	/** The budget as this instance knows it. */
	readonly limitNano: NanoUsd;
	/**
	 * The entitlement that this instance means to have now, without what it asks for: what it does not need any more is
	 * given back by a smaller figure. Never more than it was told last.
	 */
	readonly entitledNano: NanoUsd;
	/** What it must have on top; 0 = it only gives back. */
	readonly needNano: NanoUsd;
	/** What it would like on top of that, ahead of need. The authority grants a small share of what is left at most. */
	readonly aheadNano: NanoUsd;
}

export interface BudgetShare {
	readonly subject: string;
	readonly month: Month;
	/** The entitlement of this instance from now on. */
	readonly entitledNano: NanoUsd;
	/** Limit less the entitlements of all instances (of those that are gone: less what they spent); never negative. */
	readonly freeNano: NanoUsd;
	/** Settled by all instances, as far as the database knows. */
	readonly spentNano: NanoUsd;
}

export interface BudgetLease {
	/** False: the needs do not all fit, and none was granted. What was given back is given back all the same. */
	readonly granted: boolean;
	/** One for each claim, in their order. */
	readonly shares: readonly BudgetShare[];
}

/** Who knows what all instances together may still spend: the shared database. */
export interface BudgetAuthority {
	/**
	 * One transaction, durable when the promise resolves. All needs or none. Of two calls of one instance about a subject
	 * only the one with the larger `sequence` counts, whatever the order in which they arrive: a call whose answer never
	 * came may thus be followed by another, and be taken not to have granted anything.
	 * Rejects when the database does not answer in time.
	 */
	lease(claims: readonly BudgetClaim[], sequence: number): Promise<BudgetLease>;
	/** Of all instances: settled, and reserved by attempts that the database knows to be under way. */
	standing(subject: string, month: Month): Promise<{ readonly spentNano: NanoUsd; readonly reservedNano: NanoUsd }>;
}
