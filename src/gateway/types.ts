import type { Alias, ConfigSource, Deployment } from "../config/types.ts";
import type { Seal } from "../dialects/seal.ts";
import type { Translator } from "../dialects/translation.ts";
import type { AnswerReader, Envelope, Ingress, OperationId } from "../dialects/types.ts";
import type { KeyRecord } from "../keys/types.ts";
import type { Clock } from "../lib/clock.ts";
import type { Deadlines } from "../lib/deadlines.ts";
import type { JsonScan } from "../lib/json.ts";
import type { JsonObject } from "../lib/json-types.ts";
import type { NanoUsd } from "../lib/money.ts";
import type { Multipart } from "../lib/multipart.ts";
import type { TeamDirectory } from "../limits/team-types.ts";
import type { Budget, BudgetBook, Limiter, LimitTicket } from "../limits/types.ts";
import type { Ledger } from "../metering/ledger-types.ts";
import type { RetryBudget } from "../routing/retry-budget.ts";
import type {
	ExclusionReason,
	HealthBook,
	Orderer,
	RouteScore,
	Scorer,
	Session,
	Stickiness,
} from "../routing/types.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Authorize } from "../transport/authorize.ts";
import type { FetchMedia } from "../transport/fetch-media.ts";
import type { Reachable } from "../transport/reachable.ts";
import type { SendUpstream } from "../transport/upstream.ts";
import type { Alarm } from "./alarm.ts";
import type { Authentication } from "./authenticate.ts";
import type { KeptConversations } from "./kept-conversations.ts";
import type { Recalled } from "./kept-history.ts";
import type { KeptResponses } from "./kept-responses.ts";
import type { LiveRequests, RequestScope } from "./live.ts";
import type { Observer } from "./observer.ts";
import type { RequestMedia } from "./request-media.ts";
import type { SealBook } from "./seal-book.ts";
import type { KeepUnserved } from "./unserved.ts";

/** What the data plane stands on. Built once in deps.ts. */
export interface GatewayDeps {
	readonly config: ConfigSource;
	readonly authentication: Authentication;
	readonly accounts: {
		readonly limiter: Limiter;
		readonly budgets: BudgetBook;
		readonly ledger: Ledger;
		readonly teams: Pick<TeamDirectory, "limitsOf">;
		readonly keepUnserved: KeepUnserved;
	};
	readonly routing: {
		readonly score: Scorer;
		readonly orderer: Orderer;
		readonly health: HealthBook;
		readonly retries: RetryBudget;
		readonly stickiness: Stickiness;
		readonly seals: SealBook;
		/** False for a deployment an administrator took out of rotation. */
		readonly isEnabled: (deploymentId: string) => boolean;
	};
	readonly dialects: {
		readonly ingressOf: Readonly<Record<OperationId, Ingress>>;
		readonly readerOf: Readonly<Record<OperationId, AnswerReader>>;
		/** Operations that can be said by way of chat, for providers that do not have them. */
		readonly bridges: Readonly<Partial<Record<OperationId, Translator>>>;
	};
	/** What the gateway remembers of the Responses API. */
	readonly kept: { readonly responses: KeptResponses; readonly conversations: KeptConversations };
	readonly runtime: {
		readonly clock: Clock;
		readonly deadlines: Deadlines;
		readonly send: SendUpstream;
		readonly authorize: Authorize;
		readonly reachable: Reachable;
		readonly fetchMedia: FetchMedia;
		readonly live: LiveRequests;
		readonly logger: Logger;
		readonly alarm: Alarm;
		/** Counts what has been done. */
		readonly observer: Observer;
		/** 0 inclusive to 1 exclusive. */
		readonly random: () => number;
	};
}

/** A request body with what is needed to edit it in place. */
export type ParsedBody =
	| { readonly kind: "json"; readonly text: string; readonly json: JsonObject; readonly scan: JsonScan }
	| { readonly kind: "multipart"; readonly form: Multipart };

/** Stage 1: who asks, and what for. */
export interface Received {
	readonly scope: RequestScope;
	readonly principal: KeyRecord;
	readonly ingress: Ingress;
	readonly body: ParsedBody;
	readonly envelope: Envelope;
	/** Headers of the client's request; only an allow-list of them travels on. */
	readonly clientHeaders: Headers;
	/** What the gateway has put in front of the client's request; undefined = nothing. */
	readonly recollection: Recollection | undefined;
}

/** A request that builds upon what the gateway keeps. `body` and `envelope` are of the whole. */
export interface Recollection {
	/** As the client sent it. */
	readonly asked: JsonObject;
	readonly recalled: Recalled;
}

/** Stage 2: the key may do this, and its limits have room. */
export interface Admitted extends Received {
	readonly alias: Alias;
	readonly ticket: LimitTicket;
	/** The key's and its team's, as they were at admission. */
	readonly budgets: readonly Budget[];
	/** The least that is left of them at the moment of the call; undefined = there are none. */
	readonly budgetRemainingNano: () => NanoUsd | undefined;
}

/** Why a deployment was passed over. */
export interface Exclusion {
	readonly deployment: Deployment;
	readonly reason: ExclusionReason;
}

/** Stage 3: where it may go, best first. Never empty. */
export interface Planned extends Admitted {
	readonly score: RouteScore;
	readonly targets: readonly Deployment[];
	readonly attemptsMax: number;
	/** The conversation it belongs to; undefined = it stands alone. */
	readonly session: Session | undefined;
	/** What of it only the provider that made it can read; undefined = nothing. */
	readonly state: readonly Seal[] | undefined;
	/** How all this came about, as it is kept (see routing/decision-text.ts). */
	readonly decision: string;
	readonly withMedia: RequestMedia;
}

/** Short, stable names of what can go wrong with an attempt: for the log, the ledger, and the `code` of an error event. */
export type FailureClass =
	| "connect_refused"
	| "dns"
	| "tls"
	| "reset"
	| "network"
	| "connect_timeout"
	| "ttft_timeout"
	| "idle_timeout"
	| "total_timeout"
	| "redirect"
	| "rate_limited"
	| "quota"
	| "provider_auth"
	| "upstream_5xx"
	| "upstream_timeout_status"
	| "invalid_response"
	| "error_event"
	| "botched_generation"
	| "empty_stream"
	| "broken_stream";

/** An attempt that did not become an answer. Another deployment may be tried. */
export interface AttemptFailure {
	readonly class: FailureClass;
	/** The provider's status, if it answered at all. */
	readonly status: number | undefined;
	/** What the provider asked for, clamped. */
	readonly retryAfterMs: number | undefined;
	/** For the log: the provider's own words or the transport's. Redacted there, never sent to a client. */
	readonly detail: string;
	/** The connection had been used before, and may have been given up by the other side: it says nothing of the provider. */
	readonly stale?: true | undefined;
}
