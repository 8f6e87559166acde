import type { OperationId } from "../dialects/types.ts";
import type { NanoUsd } from "../lib/money.ts";
import type { Usage } from "../lib/usage.ts";
import type { Budget, BudgetRefusal } from "../limits/types.ts";

/** The identity of one provider attempt: one ledger row. */
export interface AttemptOpening {
	readonly requestId: string;
	/** 0 for the first, then one more for each failover. */
	readonly attempt: number;
	readonly keyId: string;
	readonly team: string | undefined;
	readonly alias: string;
	readonly deploymentId: string;
	readonly provider: string;
	readonly model: string;
	readonly operation: OperationId;
	readonly streamed: boolean;
	/** Worst case of this attempt; 0 for an unpriced model. */
	readonly reservedNano: NanoUsd;
	/** undefined = no price is known: counted under `unpriced_requests`. */
	readonly priceVersion: string | undefined;
	readonly budgets: readonly Budget[];
	/** How the request was routed (routing/decision-text.ts): of its first attempt. */
	readonly decision?: string | undefined;
}

/** Where the token numbers of a row come from. */
export type UsageSource =
	/** The provider's own count. */
	| "provider"
	/** The answer was complete but held no usage. */
	| "estimated"
	/** Cut before the end: provider's count so far, or the tokens seen. */
	| "partial"
	/** Nothing was produced. */
	| "none"
	/** Found open after a crash: charged at the reservation. */
	| "crash_estimate";

export type AttemptOutcome = "ok" | "refused" | "upstream_failed" | "client_gone" | "cut" | "crashed";

export interface AttemptClosing {
	readonly outcome: AttemptOutcome;
	/** HTTP status of the provider; undefined when it gave none. */
	readonly upstreamStatus: number | undefined;
	/** Short class of the failure (`connect_refused`, `ttft_timeout`, `rate_limited`…); undefined when ok. */
	readonly errorClass: string | undefined;
	readonly usage: Usage;
	readonly usageSource: UsageSource;
	readonly costNano: NanoUsd;
	/** Time to first token (streams) or to the answer's end (the rest), milliseconds. */
	readonly ttftMs: number | undefined;
	readonly durationMs: number;
	/** The id of a stored object (`resp_…`) that this attempt made, so that its owner can be told later. */
	readonly objectId: string | undefined;
}

/** An attempt that has been dispatched and not yet settled. */
export interface OpenAttempt {
	readonly opening: AttemptOpening;
	readonly openedAtMs: number;
}

export type OpenOutcome = { readonly attempt: OpenAttempt } | { readonly refusal: BudgetRefusal };

/** Who made a stored object, and where it lives. */
export interface ObjectOwner {
	readonly keyId: string;
	readonly team: string | undefined;
	readonly deploymentId: string;
	readonly requestId: string;
}

/**
 * The ledger: reserve → dispatch → settle, for each attempt, in integer nano-USD.
 * `open` takes the reservation in memory, before anything is awaited, and queues the row; `settle` resolves once the row is on disk.
 */
export interface Ledger {
	/**
	 * A promise only where another machine has to be asked for budget.
	 * @throws GatewayError 503 kind `ledger_unavailable` while rows cannot be written, `budget_unavailable` while nobody can
	 * say what is left of a budget.
	 */
	open(opening: AttemptOpening): OpenOutcome | Promise<OpenOutcome>;
	/** Exactly once for each open attempt. Never rejects: a row that cannot be written waits in a bounded journal. */
	settle(attempt: OpenAttempt, closing: AttemptClosing): Promise<void>;
	/** Remembers the maker of an object before its attempt is settled (a stream that is still running). */
	claimObject(objectId: string, attempt: OpenAttempt): void;
	ownerOf(objectId: string): Promise<ObjectOwner | undefined>;
	/** False while the disk refuses rows. */
	healthy(): boolean;
	/** Attempts dispatched and not yet settled. */
	openCount(): number;
	/** Resolves when everything queued is on disk. */
	flush(): Promise<void>;
}
