import type { Alias, Deployment, Strategy, Thresholds, Tier } from "../../config/types.ts";
import type { Usage } from "../../lib/usage.ts";
import type { AttemptOutcome, UsageSource } from "../../metering/ledger-types.ts";
import type { Decision, ExclusionReason, SessionOutcome } from "../types.ts";

/** One settled attempt, as far as a report on routing asks. */
export interface RoutedAttempt {
	readonly deploymentId: string;
	readonly provider: string;
	readonly model: string;
	readonly outcome: AttemptOutcome;
	readonly usage: Usage;
	readonly usageSource: UsageSource;
	readonly costNano: number;
	/** False: no price was known, and its cost of 0 says nothing. */
	readonly priced: boolean;
}

/** What the ledger tells of one request and a period. */
export interface RoutedRequest {
	readonly alias: string;
	/** It was let in, and no provider was asked: it has no attempts. */
	readonly unserved: boolean;
	/** Its first attempt was opened in the period and is settled: the request is counted in it. */
	readonly begun: boolean;
	/** undefined: nobody has noted it. */
	readonly decision: Decision | undefined;
	/** Settled attempts that were opened in the period: their money belongs to it. In their order. */
	readonly attempts: readonly RoutedAttempt[];
	/** Deployments that failed at it, whenever that was, and did not answer it after all. */
	readonly failedAt: ReadonlySet<string>;
	/** The last attempt of all; undefined while it is in flight. */
	readonly last: RoutedAttempt | undefined;
}

export interface RoutedQuery {
	/** Inclusive, Unix milliseconds. */
	readonly fromMs: number;
	/** Exclusive. */
	readonly toMs: number;
	/** undefined: all. */
	readonly alias: string | undefined;
}

/** Reads the ledger as routing sees it. */
export interface RoutedRequestReader {
	/**
	 * Requests of a period, some at a time, each once; those that began before it too, for the attempts that were opened in it.
	 * Unsettled attempts are left out. At the end those that no provider was asked for. Other work goes on meanwhile.
	 */
	routedRequests(query: RoutedQuery): AsyncGenerator<readonly RoutedRequest[]>;
	/** UTC days of a period (YYYY-MM-DD) of which rows were deleted: what is told of them is less than what was. */
	prunedDays(query: Pick<RoutedQuery, "fromMs" | "toMs">): Promise<readonly string[]>;
}

/** The configuration that requests are looked at with. */
export interface RoutedBy {
	readonly aliases: ReadonlyMap<string, Alias>;
	readonly deployments: ReadonlyMap<string, Deployment>;
}

/** Requests whose money could be compared. Decimal dollars, exact to the nano-dollar. */
export interface Comparison {
	/** What they cost. */
	readonly actual_cost_usd: string;
	/** What they would have cost. */
	readonly other_cost_usd: string;
	/** The first less the second: negative where it would have been dearer. */
	readonly saving_usd: string;
}

/** Requests whose money could not be compared, by why. */
export interface NotCompared {
	/** No answer, or none that used anything. */
	readonly unanswered: number;
	/** No price is known, of what served them or of what would have. */
	readonly unpriced: number;
	/** What would have served them is no longer configured. */
	readonly gone: number;
}

export interface ShadowReport extends Comparison {
	readonly strategy: Strategy;
	/** Requests for which it was asked. */
	readonly asked: number;
	/** It would have begun at the same deployment. */
	readonly agreed: number;
	readonly changed: number;
	/** Of those asked, the ones whose money is compared. */
	readonly compared: number;
	readonly not_compared: NotCompared;
}

export interface AliasReport {
	readonly model_alias: string;
	readonly requests: number;
	/** Ended without an answer of a provider. */
	readonly failed_requests: number;
	/** Let in, but nobody could be asked: not among `requests`, since they have no attempts. */
	readonly unserved_requests: number;
	/** Attempts beyond the first. */
	readonly failovers: number;
	/** Attempts that failed upstream. */
	readonly errors: number;
	readonly cost_usd: string;
	/** By the bucket of the prompt; null: from before decisions were kept. */
	readonly by_bucket: readonly {
		readonly bucket: Tier | null;
		readonly requests: number;
		readonly errors: number;
		readonly cost_usd: string;
	}[];
	readonly by_deployment: readonly {
		readonly deployment_id: string;
		readonly provider: string;
		readonly model: string;
		/** As it is configured now. */
		readonly tier: Tier | null;
		/** Requests that it served. */
		readonly requests: number;
		/** Of the requests of this alias that somebody served, 0 to 1. */
		readonly share: number;
		readonly errors: number;
		/** Of all attempts at it, failed ones too. */
		readonly cost_usd: string;
	}[];
	/** Requests by their score in tenths: 0.0 up to 0.1 first. Requests without text are not among them. */
	readonly scores: readonly number[];
	readonly without_text: number;
	/** Requests for which a deployment was passed over, by why; unserved ones too. */
	readonly exclusions: readonly {
		readonly reason: ExclusionReason;
		readonly requests: number;
		/** Deployments passed over, each time it happened. */
		readonly deployments: number;
	}[];
	/** Requests of a conversation, by what that meant. */
	readonly sessions: readonly { readonly outcome: SessionOutcome; readonly requests: number }[];
	readonly shadow: readonly ShadowReport[];
}

/** What is tried out instead of what is configured. */
export interface ReplayTerms {
	/** Of an alias; medium not above complex. */
	readonly thresholds: (alias: Alias) => Thresholds;
	/** Takes requests that another strategy has placed as if the classifier had. */
	readonly classifyAll: boolean;
}

export interface TierChange extends Comparison {
	/** null: a deployment without a tier. */
	readonly from: Tier | null;
	readonly to: Tier | null;
	readonly requests: number;
}

export interface AliasReplay extends Comparison {
	readonly model_alias: string;
	readonly thresholds: Thresholds;
	/** Requests whose money is compared. */
	readonly compared: number;
	/** Of these, the ones that another tier would have served. */
	readonly changed: number;
	readonly changes: readonly TierChange[];
	readonly not_compared: NotCompared & {
		/** From before decisions were kept. */
		readonly undecided: number;
		readonly without_text: number;
		/** Another strategy has placed them: thresholds are nothing to them. */
		readonly other_strategy: number;
	};
}

export interface Replay extends Comparison {
	readonly compared: number;
	readonly changed: number;
	readonly aliases: readonly AliasReplay[];
	/** What these figures do not know. */
	readonly caveats: readonly string[];
}
