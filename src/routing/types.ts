import type { Alias, Deployment, Strategy, Tier } from "../config/types.ts";
import type { NanoUsd } from "../lib/money.ts";
import type { PromptView } from "../lib/prompt-view.ts";

export interface RouteScore {
	/** 0 to 1. */
	readonly score: number;
	readonly bucket: Tier;
	/** What moved the score, largest first; sums to it. Worked out when it is read, which takes longer than the score. */
	readonly signals: readonly { readonly name: string; readonly contribution: number }[];
}

/** Scores how hard a prompt is. Pure, offline, deterministic, linear in the text, microseconds. */
export type Scorer = (view: PromptView) => RouteScore;

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

/** Told of each attempt; asked before the next. All in memory. */
export interface HealthBook {
	started(deploymentId: string): void;
	/** The attempt produced an answer (a 4xx of the client's own making counts as one). */
	succeeded(deploymentId: string, ttftMs: number | undefined): void;
	failed(deploymentId: string, failure: { readonly class: string; readonly cooldownMs: number | undefined }): void;
	/** Neither: the client left, or the attempt was cut by us. */
	abandoned(deploymentId: string): void;
	/** Whether a request may be sent there now. Does not change anything. */
	available(deploymentId: string): boolean;
	view(deploymentId: string): HealthView;
	/** Keeps only these deployments (after a reload). */
	retain(deploymentIds: ReadonlySet<string>): void;
}

/** Orders the candidates of one alias for one request: first = first attempt. Never drops one. */
export interface Orderer {
	order(request: {
		readonly alias: Alias;
		readonly strategy: Strategy;
		readonly candidates: readonly Deployment[];
		readonly bucket: Tier;
		/** What this request may be expected to cost there, nano-USD; undefined = its price is not known. */
		readonly expectedCost: (deployment: Deployment) => NanoUsd | undefined;
	}): readonly Deployment[];
}
