import type { NanoUsd } from "../lib/money.ts";
import type { BudgetClaim, BudgetLease, BudgetShare } from "../limits/authority-types.ts";

/** What is known of a subject in a month, read while nobody else decides about it. */
export interface BudgetAccounts {
	readonly claim: BudgetClaim;
	/** Of the instance that claims; 0 where it has none. */
	readonly entitledNano: bigint;
	readonly spentNano: bigint;
	/** Of its last lease that counted; -1 where there was none. */
	readonly sequence: number;
	/** Of all others: the entitlements, or what was spent where that is more; of those that are gone what they spent. */
	readonly othersNano: bigint;
	readonly othersSpentNano: bigint;
}

export interface LeaseQuestion {
	readonly accounts: readonly BudgetAccounts[];
	readonly sequence: number;
	/** How many there are to share with. */
	readonly instances: number;
}

export interface LeaseDecision extends BudgetLease {
	/** By place: a claim that a newer one has overtaken changes nothing. */
	readonly counts: readonly boolean[];
}

/** What an instance is given ahead of need, at most: of what is left, this part of its even share. */
const AHEAD_PART = 10n;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Who gets what. Afterwards, for each subject whose limit the claim knows rightly: nothing was granted, or what all
 * instances are entitled to, or have spent, is at most the limit.
 */
export function decideLease({ accounts, sequence, instances }: LeaseQuestion): LeaseDecision {
	const counts = accounts.map((account) => account.sequence < sequence);
	const bases = accounts.map(({ entitledNano, claim }, place) => {
		const meant = BigInt(claim.entitledNano);
		return counts[place] === true && meant < entitledNano ? meant : entitledNano;
	});
	const isOverdrawn = accounts.map((account, place) => {
		const need = BigInt(account.claim.needNano);
		return need > 0n && left(account, (bases[place] ?? 0n) + need) < 0n;
	});
	const granted = counts.every(Boolean) && !isOverdrawn.includes(true);
	const parts = AHEAD_PART * BigInt(Math.max(1, instances));
	const shares = accounts.map((account, place): BudgetShare => {
		const base = bases[place] ?? 0n;
		const entitled = granted ? withAhead(account, base + BigInt(account.claim.needNano), parts) : base;
		return {
			subject: account.claim.subject,
			month: account.claim.month,
			entitledNano: bounded(entitled),
			freeNano: bounded(left(account, entitled)),
			spentNano: bounded(account.spentNano + account.othersSpentNano),
		};
	});
	return { granted, counts, shares };
}

function withAhead(account: BudgetAccounts, entitled: bigint, parts: bigint): bigint {
	const share = left(account, entitled) / parts;
	const wanted = BigInt(account.claim.aheadNano);
	const ahead = wanted < share ? wanted : share;
	return ahead > 0n ? entitled + ahead : entitled;
}

/** Of the limit when the claiming instance is entitled to so much; below 0 where it is overdrawn. */
function left({ claim, spentNano, othersNano }: BudgetAccounts, entitled: bigint): bigint {
	return BigInt(claim.limitNano) - othersNano - (entitled > spentNano ? entitled : spentNano);
}

function bounded(nano: bigint): NanoUsd {
	if (nano <= 0n) {
		return 0;
	}
	return Number(nano < SAFE_MAX ? nano : SAFE_MAX);
}
