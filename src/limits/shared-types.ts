import type { RedisScript } from "../redis/scripts.ts";
import type { Limiter } from "./types.ts";

/** Where the limits of all instances are counted. */
export interface SharedCounters {
	state(): { readonly name: "ok" | "down"; readonly reason: string | undefined; readonly sinceMs: number };
	/** Rejects at once while they are away, and soon when they do not answer. */
	run(script: RedisScript, keys: readonly string[], args: readonly string[]): Promise<unknown>;
	/** Called after each change of the state. Returns how to end that. */
	watch(onState: (state: { readonly name: "ok" | "down" }) => void): () => void;
}

export interface SharedLimiterState {
	/** `off`: there are no shared counters; each instance has its part of every limit, always. */
	readonly name: "off" | "ok" | "down";
	readonly reason: string | undefined;
	/** Instances that limits are divided by when they cannot be counted together, this one included. */
	readonly instances: number;
	/** Since when, monotonic milliseconds. */
	readonly sinceMs: number;
	readonly counts: SharedLimiterCounts;
}

/** Since the start. */
export interface SharedLimiterCounts {
	/** Scripts run, heartbeats included, and those among them that failed or were not answered in time. */
	readonly calls: number;
	readonly callsFailed: number;
	/** Requests that had to ask, and those among them that were decided here since nobody answered in time. */
	readonly waits: number;
	readonly waitsFailed: number;
	/** Requests decided here while the counters were away, or there are none. */
	readonly alone: number;
	readonly refusals: number;
}

export interface SharedLimiter extends Limiter {
	state(): SharedLimiterState;
	/** Gives back what is held. Resolves when that was told, or cannot be. Later requests are decided here. */
	close(): Promise<void>;
}

/** Limits are shared by at least one instance, whatever anybody says. */
export function wholeInstances(count: number): number {
	return Number.isFinite(count) ? Math.max(1, Math.floor(count)) : 1;
}
