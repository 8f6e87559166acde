/** A sum of a day on which rows and daily sums disagree. `key` undefined: the day as a whole. */
export interface SumFinding {
	readonly kind: "daily_sum";
	readonly day: string;
	readonly key?: string | undefined;
	readonly team?: string | undefined;
	readonly provider?: string | undefined;
	readonly model?: string | undefined;
	readonly figure: string;
	readonly rows: string;
	readonly daily_sum: string;
}

/** A row that is not what it should be by itself. */
export interface RowFinding {
	readonly kind: "cost" | "negative" | "settled_without_outcome" | "above_reservation" | "price_changed";
	readonly request_id: string;
	readonly attempt: number;
	readonly figure: string;
	readonly ledger: string;
	readonly expected: string;
}

/** A call that the ledger and the upstream do not tell alike; undefined = one of them does not know it. */
export interface UpstreamFinding {
	readonly kind: "not_in_ledger" | "not_at_upstream" | "usage" | "upstream_cost";
	readonly request_id: string;
	readonly attempt?: number | undefined;
	/** Where the ledger's count comes from. */
	readonly source?: string | undefined;
	readonly ledger: string | undefined;
	readonly upstream: string | undefined;
}

export type Finding = SumFinding | RowFinding | UpstreamFinding;

export interface Reconciliation {
	readonly database: string;
	readonly from: string | undefined;
	readonly to: string | undefined;
	readonly days: number;
	readonly attempts: number;
	/** In flight, or left by a crash and settled at the next start. */
	readonly unsettled: number;
	/** Rows that are deleted and known by their sums. */
	readonly pruned: number;
	readonly costs: { readonly recomputed: number; readonly unknown: Readonly<Record<string, number>> };
	readonly upstream: { readonly lines: number; readonly matched: number; readonly skipped: number } | undefined;
	/** Make the exit code 1. */
	readonly differences: readonly Finding[];
	/** Worth knowing; the books are right. */
	readonly notes: readonly Finding[];
}
