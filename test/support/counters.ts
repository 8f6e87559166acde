import { RedisClient } from "bun";
import { systemClock } from "../../src/lib/clock.ts";
import { createSharedLimiter, type SharedLimiterDeps } from "../../src/limits/shared-limiter.ts";
import type { SharedCounters, SharedLimiter } from "../../src/limits/shared-types.ts";
import type { LimitDecision, LimitRefusal, LimitSubject, LimitTicket } from "../../src/limits/types.ts";
import { createRedisLink, type RedisLink } from "../../src/redis/link.ts";
import { until } from "./wait.ts";

/** Counters that are always there and wait as long as it takes. */
export function plainCounters(url: string): SharedCounters & { close(): void } {
	const client = new RedisClient(url);
	return {
		state: () => ({ name: "ok", reason: undefined, sinceMs: 0 }),
		watch: () => () => {},
		run: (script, keys, args) => client.send("EVAL", [script.text, `${keys.length}`, ...keys, ...args]),
		close: () => client.close(),
	};
}

/** One gateway's limits. */
export interface Instance {
	readonly limiter: SharedLimiter;
	readonly link: RedisLink;
	/** Ends it without a word, as a power cut would. */
	kill(): void;
}

export interface InstanceOptions extends Partial<Omit<SharedLimiterDeps, "counters">> {
	/** Longest wait for one command. Patient unless a test is about it: the machine may be busy. */
	readonly patienceMs?: number;
}

const PATIENCE_MS = 2_000;

export function startInstance(url: string, { patienceMs = PATIENCE_MS, ...deps }: InstanceOptions = {}): Instance {
	const link = createRedisLink({ url, clock: systemClock, deadlineMs: patienceMs });
	const limiter = createSharedLimiter({
		clock: systemClock,
		instanceId: `ins_${crypto.randomUUID()}`,
		instances: () => 1,
		deadlineMs: patienceMs,
		...deps,
		counters: link,
	});
	return { limiter, link, kill: () => link.close() };
}

/** Several that know of each other. */
export async function startInstances(url: string, count: number, options: InstanceOptions = {}) {
	const all = Array.from({ length: count }, () => startInstance(url, { instances: () => count, ...options }));
	await until("all count together", () => all.every(({ limiter }) => limiter.state().name === "ok"));
	return all;
}

export function subject(limits: Partial<LimitSubject> = {}): LimitSubject {
	return { id: `key:vk_${crypto.randomUUID()}`, rpm: undefined, tpm: undefined, parallel: undefined, ...limits };
}

export function ticketOf(decision: LimitDecision): LimitTicket {
	if ("ticket" in decision) {
		return decision.ticket;
	}
	throw new Error(`refused: ${JSON.stringify(decision.refusal)}`);
}

export function refusalOf(decision: LimitDecision): LimitRefusal {
	if ("refusal" in decision) {
		return decision.refusal;
	}
	throw new Error("admitted, and should not have been");
}

export const isAdmitted = (decision: LimitDecision): boolean => "ticket" in decision;
