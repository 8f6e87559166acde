import type { Alias, Deployment, Strategy, Thresholds, Tier } from "../config/types.ts";
import type { NanoUsd } from "../lib/money.ts";
import type { PromptView } from "../lib/prompt-view.ts";

export interface RouteScore {
	/** 0 to 1. */
	readonly score: number;
	readonly bucket: Tier;
	/** What moved the score, largest first; sums to it. Worked out when it is read, which takes longer than the score. */
	readonly signals: readonly Signal[];
}

export interface Signal {
	readonly name: string;
	readonly contribution: number;
}

/** Scores how hard a prompt is. Pure, offline, deterministic, linear in the text, microseconds. */
export type Scorer = (view: PromptView, thresholds?: Thresholds) => RouteScore;

/** Why a deployment was passed over. */
export const EXCLUSIONS = [
	/** An administrator took it out of rotation. */
	"disabled",
	/** Another deployment made what the request builds upon. */
	"pinned",
	"operation",
	/** Its model cannot use tools, see images, hear audio, keep to a schema. */
	"tools",
	"images",
	"audio",
	"json_schema",
	/** The prompt is longer than its context window. */
	"context",
	/** Its price is not known, and the key has a budget. */
	"unpriced",
	/** The provider asked to be left alone. */
	"cooling",
	/** It has been failing. */
	"breaker_open",
] as const;
export type ExclusionReason = (typeof EXCLUSIONS)[number];

/** What names a conversation. `user_id`: its metadata. `prefix`: nothing does, it is known by how it begins. */
export const SESSION_SOURCES = ["prompt_cache_key", "user_id", "header", "prefix", "conversation", "state"] as const;
export type SessionSource = (typeof SESSION_SOURCES)[number];

/** The conversation a request belongs to. */
export interface Session {
	/** Unlike for every two keys or teams, aliases and conversations. */
	readonly id: string;
	readonly source: SessionSource;
}

/** Why a request of a conversation goes where it goes, or does not go where it was served last. */
export const SESSION_OUTCOMES = [
	/** It has not been served lately: it is placed by its name. */
	"placed",
	/** It stays where it was served last. */
	"held",
	/** That deployment cannot serve it now: excluded, or gone. */
	"lost",
	/** Another one stands before it by priority, is much less busy or much faster, or a stronger tier is called for. */
	"outranked",
	/** The whole prompt is cheaper elsewhere than its rest is there. */
	"cheaper_elsewhere",
] as const;
export type SessionOutcome = (typeof SESSION_OUTCOMES)[number];

export interface SessionNote {
	readonly source: SessionSource;
	readonly outcome: SessionOutcome;
	/** Where it was served last, while the provider's cache may still be warm. */
	readonly warmAt: string | undefined;
}

export interface StickyRequest {
	readonly session: Session;
	readonly alias: Alias;
	readonly strategy: Strategy;
	readonly bucket: Tier;
	/** As the strategy would have them. Not empty. */
	readonly ordered: readonly Deployment[];
	/** Upper bound of the tokens of the prompt. */
	readonly promptTokens: number;
	/** What this request may be expected to cost there, nano-USD, `cachedTokens` of its prompt being in the provider's cache. */
	readonly expectedCost: (deployment: Deployment, cachedTokens: number) => NanoUsd | undefined;
}

/** Keeps conversations where the provider's prompt cache is warm, while that pays. All in memory, bounded. */
export interface Stickiness {
	/** The same deployments; the one that the conversation stays at goes first. */
	order(request: StickyRequest): { readonly ordered: readonly Deployment[]; readonly note: SessionNote };
	/** A deployment has answered a request of the conversation, whose prompt had this many tokens at most. */
	served(session: Session, deploymentId: string, promptTokens: number): void;
}

/** How a request was routed: kept with it, so that it can be told later. Deployments by their ids. */
export interface Decision {
	readonly strategy: Strategy;
	readonly score: number;
	readonly bucket: Tier;
	readonly signals: readonly Signal[];
	/** Those it could go to, in the order of trial. */
	readonly candidates: readonly string[];
	readonly excluded: readonly { readonly deploymentId: string; readonly reason: ExclusionReason }[];
	readonly session: SessionNote | undefined;
	/** What another strategy would have chosen first, where one was asked. */
	readonly shadow: { readonly strategy: Strategy; readonly deploymentId: string } | undefined;
}

export type BreakerState = "closed" | "open" | "half_open";

/** What is known of a deployment's health, for routing and for `GET /admin/deployments`. */
export interface HealthView {
	readonly breaker: BreakerState;
	readonly inFlight: number;
	/** Last five minutes. */
	readonly requests: number;
	readonly errors: number;
	/** Last sixty seconds, milliseconds; undefined = nothing measured. */
	readonly ttftP50Ms: number | undefined;
	readonly lastError: { readonly class: string; readonly atMs: number } | undefined;
	/** Unix milliseconds at which an open breaker or a cooldown ends. */
	readonly availableAtMs: number | undefined;
}

/** One attempt, as far as its deployment's health is concerned. One of the last three ends it, and only once. */
export interface HealthRun {
	/** The first token has come. */
	answering(): void;
	/** The attempt produced an answer (a 4xx of the client's own making counts as one). */
	succeeded(ttftMs: number | undefined): void;
	failed(failure: { readonly class: string; readonly cooldownMs: number | undefined }): void;
	/** Neither: the client left, or the attempt was cut by us. */
	abandoned(): void;
}

/** Whether requests may be sent to a deployment. */
export type Standing =
	| "available"
	/** Its provider asked to be left alone, and the time is not over. */
	| "cooling"
	/** Its breaker is open, or half-open with a probe under way. */
	| "failing";

/** Told of each attempt; asked before the next. All in memory. */
export interface HealthBook {
	begin(deploymentId: string): HealthRun;
	/** As it will be in so many milliseconds (0 = now), if nothing happens in between. Changes nothing. */
	standing(deploymentId: string, inMs?: number): Standing;
	/** None of its last ten requests was answered. */
	alwaysFails(deploymentId: string): boolean;
	/** Where nobody else is left one request a second is let through to a deployment that is failing: true takes that turn. */
	lastResort(deploymentId: string): boolean;
	/** What strategies go by, cheaper than `view`. */
	pace(deploymentId: string): Pace;
	view(deploymentId: string): HealthView;
	/** Keeps only these deployments (after a reload). */
	retain(deploymentIds: ReadonlySet<string>): void;
}

/** How fast and how busy a deployment is: see HealthView. */
export type Pace = Pick<HealthView, "inFlight" | "ttftP50Ms">;

/** Orders the candidates of one alias for one request: first = first attempt. Never drops one. */
export interface Orderer {
	order(request: {
		readonly alias: Alias;
		readonly strategy: Strategy;
		readonly candidates: readonly Deployment[];
		readonly bucket: Tier;
		/** What this request may be expected to cost there, nano-USD; undefined = its price is not known. */
		readonly expectedCost: (deployment: Deployment) => NanoUsd | undefined;
		/** Requests of one conversation get one place where the strategy shares in turn; undefined = each has its turn. */
		readonly session: string | undefined;
	}): readonly Deployment[];
}
