import type { Snapshot } from "./config/types.ts";
import type { KeysElsewhere } from "./gateway/authenticate.ts";
import { createFollower, type FollowerDeps } from "./instances/follow-changes.ts";
import { createHeartbeat } from "./instances/heartbeat.ts";
import { createKeysElsewhere } from "./instances/keys-elsewhere.ts";
import { systemClock } from "./lib/clock.ts";
import { newId } from "./lib/ids.ts";
import { createBudgetBook } from "./limits/budget.ts";
import { createLeasedBudgetBook } from "./limits/leased-budget.ts";
import { createMemoryLimiter } from "./limits/memory.ts";
import { monthOf, monthStartMs } from "./limits/month.ts";
import { createSharedLimiter } from "./limits/shared-limiter.ts";
import type { BudgetBook, Limiter } from "./limits/types.ts";
import { createRedisLink, type RedisLink } from "./redis/link.ts";
import { createRedisNudges, type RedisNudges } from "./redis/nudges.ts";
import type { Store } from "./store/types.ts";
import type { Logger } from "./telemetry/logger.ts";
import type { StateSources } from "./telemetry/metrics-sources.ts";

/** The ways to Redis: one to count by, one to be told of changes by. */
export interface Redis {
	readonly link: RedisLink;
	readonly nudges: RedisNudges;
}

/** Never fails: a Redis that is away is told in the log, and joined when it comes. */
export function openRedis({ redisUrl: url }: Snapshot, logger: Logger): Redis | undefined {
	if (url === undefined) {
		return undefined;
	}
	const link = createRedisLink({
		url,
		clock: systemClock,
		onState({ name, reason }) {
			if (name === "ok") {
				logger.info("redis_ok", {});
			} else {
				logger.warn("redis_down", { reason });
			}
		},
	});
	return { link, nudges: createRedisNudges({ url, clock: systemClock }) };
}

/** The accounts of keys and teams, and the company this instance keeps. */
export interface Company {
	readonly limiter: Limiter;
	readonly budgets: BudgetBook;
	/** undefined: the keys are this process's alone. */
	readonly elsewhere: KeysElsewhere | undefined;
	readonly sources: StateSources;
	/** After everything is settled, before the store is closed. */
	close(): Promise<void>;
}

export interface CompanyDeps extends Pick<FollowerDeps, "keys" | "teams" | "rotation"> {
	readonly snapshot: Snapshot;
	readonly store: Store;
	readonly redis: Redis | undefined;
	readonly logger: Logger;
}

/** Alone with its database, or one of several that share it: decided by the store. */
export async function joinInstances(deps: CompanyDeps): Promise<Company> {
	const { store, redis, logger } = deps;
	const clock = systemClock;
	if (store.shared === undefined) {
		const spent = await store.attempts.spentSince(monthStartMs(monthOf(clock.now())));
		const alone = { sources: {}, limiter: createMemoryLimiter({ clock }), close: async () => {} };
		const limits = redis === undefined ? alone : limiterOf(redis, { instanceId: newId("ins"), instances: () => 1 });
		return { ...limits, budgets: createBudgetBook({ clock, spent }), elsewhere: undefined };
	}
	const { budgets: authority, membership, changes, instanceId } = store.shared;
	const heartbeat = createHeartbeat({
		membership,
		clock,
		logger,
		onTakenForDead: () => budgets.wasTakenForDead(),
	});
	const budgets = createLeasedBudgetBook({
		authority,
		clock,
		isAlive: heartbeat.isAlive,
		onState(answers) {
			logger[answers ? "info" : "warn"](answers ? "budgets_back" : "budgets_away", {});
		},
	});
	await heartbeat.beat();
	const follower = createFollower({ ...deps, feed: changes, nudges: redis?.nudges, clock });
	const limits = limiterOf(redis, { instanceId, instances: heartbeat.instances });
	const leases = countLeases(budgets);
	const { database } = deps.snapshot;
	return {
		limiter: limits.limiter,
		budgets: leases.budgets,
		elsewhere: createKeysElsewhere(follower, database.kind === "postgres" ? database.staleKeys : "allow"),
		sources: { ...limits.sources, ...leases.sources, instances: heartbeat.instances },
		async close() {
			await budgets.close();
			await follower.close();
			await limits.close();
			await heartbeat.close();
		},
	};
}

/** Counts the requests for which the database had to be asked, for the metrics. */
function countLeases(book: BudgetBook): { readonly budgets: BudgetBook; readonly sources: StateSources } {
	let waits = 0;
	let unavailable = 0;
	return {
		budgets: {
			...book,
			reserve(request) {
				const outcome = book.reserve(request);
				if (!(outcome instanceof Promise)) {
					return outcome;
				}
				waits += 1;
				return outcome.then((told) => {
					unavailable += "unavailable" in told ? 1 : 0;
					return told;
				});
			},
		},
		sources: { budgetLeaseWaits: () => waits, budgetLeaseUnavailable: () => unavailable },
	};
}

/** In one process alone everything is exact in memory; Redis or company make it a matter of all instances. */
function limiterOf(
	redis: Redis | undefined,
	{ instanceId, instances }: { readonly instanceId: string; readonly instances: () => number },
): { readonly limiter: Limiter; readonly sources: StateSources; close(): Promise<void> } {
	const limiter = createSharedLimiter({ counters: redis?.link, clock: systemClock, instanceId, instances });
	const name = () => limiter.state().name;
	return {
		limiter,
		sources:
			redis === undefined
				? {}
				: {
						redis: () => (name() === "ok" ? "ok" : "down"),
						redisWaits: () => limiter.state().counts.waits,
						redisFailures: () => limiter.state().counts.waitsFailed,
					},
		async close() {
			await limiter.close();
			redis?.nudges.close();
			redis?.link.close();
		},
	};
}
