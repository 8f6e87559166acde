import { version } from "../package.json" with { type: "json" };
import type { ReloadableConfigSource } from "./config/source.ts";
import { bridges, createIngresses, readerOf } from "./dialects/registry.ts";
import { createAlarm } from "./gateway/alarm.ts";
import { createKeptConversations } from "./gateway/kept-conversations.ts";
import { createKeptResponses } from "./gateway/kept-responses.ts";
import { createLiveRequests, type LiveRequests } from "./gateway/live.ts";
import { startPruning } from "./gateway/prune-kept.ts";
import { createSealBook } from "./gateway/seal-book.ts";
import type { GatewayDeps } from "./gateway/types.ts";
import { type Company, joinInstances, openRedis } from "./join-instances.ts";
import { createKeyDirectory, type RunningKeyDirectory } from "./keys/directory.ts";
import { matchesSecret } from "./keys/matches-secret.ts";
import { type Clock, systemClock } from "./lib/clock.ts";
import { createDeadlines } from "./lib/deadlines.ts";
import { createAuthFailures } from "./limits/auth-failures.ts";
import { createTeamDirectory } from "./limits/team-directory.ts";
import type { TeamDirectory } from "./limits/team-types.ts";
import { createLedger } from "./metering/ledger.ts";
import type { Ledger } from "./metering/ledger-types.ts";
import { promptTokensUpperBound } from "./metering/tokens.ts";
import { openStore } from "./open-store.ts";
import { createHealthBook } from "./routing/health.ts";
import { createOrderer } from "./routing/order.ts";
import { createRetryBudget } from "./routing/retry-budget.ts";
import { createRotation, type Rotation } from "./routing/rotation.ts";
import { scorePrompt } from "./routing/score.ts";
import { createStickiness } from "./routing/stickiness.ts";
import type { HealthBook } from "./routing/types.ts";
import { startUpkeep } from "./store/start-upkeep.ts";
import type { Store } from "./store/types.ts";
import type { Logger } from "./telemetry/logger.ts";
import { createMetrics, type Metrics } from "./telemetry/metrics.ts";
import type { StateSources } from "./telemetry/metrics-sources.ts";
import { createAuthorize } from "./transport/authorize.ts";
import { createFetchMedia, MEDIA_BOUNDS, SURROUNDINGS } from "./transport/fetch-media.ts";
import type { Surroundings } from "./transport/pinned-address.ts";
import { createReachable } from "./transport/reachable.ts";
import { createSend } from "./transport/upstream.ts";

/** Everything a running gateway is made of. */
export interface Deps {
	readonly gateway: GatewayDeps;
	readonly keys: RunningKeyDirectory;
	readonly teams: TeamDirectory;
	readonly store: Store;
	readonly rotation: Rotation;
	readonly logger: Logger;
	readonly metrics: Metrics;
	/** What else can be told of the gateway's state: by `/health/ready` and by `/metrics`. */
	readonly sources: StateSources;
	/** Before the store is closed. */
	readonly stopPruning: () => void;
	readonly company: Pick<Company, "close">;
}

/** `last_used_at` of a key is on disk this late at most. */
const LAST_USED_FLUSH_MS = 5_000;

/**
 * The composition root: the only place that opens databases and decides which implementation stands behind an
 * interface. Recovers what a crash left open before anything is served.
 */
export async function openDeps(
	config: ReloadableConfigSource,
	dataDirectory: string,
	logger: Logger,
	surroundings: Surroundings = SURROUNDINGS,
): Promise<Deps> {
	const clock = systemClock;
	const snapshot = config.current();
	const store = await openStore(snapshot.database, dataDirectory, logger);
	const redis = openRedis(snapshot, logger);
	const onChanged = () => redis?.nudges.send();
	const keys = await createKeyDirectory({ store, clock, flushMs: LAST_USED_FLUSH_MS, onChanged });
	const teams = await createTeamDirectory({ store: store.teams, config, clock, onChanged });
	const rotation = createRotation({ states: store.deploymentStates, clock, onChanged });
	await rotation.load();
	const company = await joinInstances({ snapshot, store, redis, keys, teams, rotation, logger });
	const { limiter, budgets, elsewhere } = company;
	const reportBug = (error: Error) => logger.error("bug", { error: error.message, stack: error.stack });
	const ledger = createLedger({ budgets, writer: store.writer, reader: store.attempts, clock, reportBug });
	const live = createLiveRequests(clock);
	keys.onRevoked((keyId) => live.cutKey(keyId));
	const deadlines = createDeadlines(clock);
	const send = createSend({
		clock,
		writeRows() {
			// While no disk takes rows they wait in memory, and calls do not wait for them.
			const written = store.writer.healthy() ? store.writer.flush() : undefined;
			// At once where the database is embedded; a shared one takes a round trip, or the time until the outbox steps in.
			return store.shared === undefined ? undefined : written;
		},
	});
	const health = createHealthBook({ clock });
	const keeping = {
		responses: store.responses,
		conversations: store.conversations,
		clock,
		retentionMs: () => config.current().responses.retentionMs,
		logger,
	};
	const { queuedRows: ledgerQueuedRows, outboxRows } = store.backlog;
	const sources: StateSources = { ...company.sources, ledgerQueuedRows, outboxRows };
	const metrics = metricsOver({ config, health, ledger, live, rotation, sources });
	const gateway: GatewayDeps = {
		config,
		authentication: {
			keys,
			failures: createAuthFailures(clock),
			isMasterKey: (token) => matchesSecret(token, config.current().masterKey),
			elsewhere,
		},
		accounts: { limiter, budgets, ledger, teams, keepUnserved: store.unserved.keep },
		routing: routingOver({ clock, health, rotation }),
		dialects: { ingressOf: createIngresses({ promptTokensUpperBound }), readerOf, bridges },
		kept: { responses: createKeptResponses(keeping), conversations: createKeptConversations(keeping) },
		runtime: {
			clock,
			deadlines,
			send,
			authorize: createAuthorize({ clock, deadlines, send }),
			reachable: createReachable({ clock }),
			fetchMedia: createFetchMedia({ deadlines, surroundings, bounds: MEDIA_BOUNDS }),
			live,
			logger,
			alarm: createAlarm({ logger, clock }),
			observer: metrics.observer,
			random: Math.random,
		},
	};
	const stopPruning = startAllPruning(keeping, store, config);
	return { gateway, keys, teams, store, rotation, logger, metrics, sources, stopPruning, company };
}

function routingOver({
	clock,
	health,
	rotation,
}: {
	readonly clock: Clock;
	readonly health: HealthBook;
	readonly rotation: Rotation;
}): GatewayDeps["routing"] {
	return {
		score: scorePrompt,
		orderer: createOrderer({ pace: health.pace }),
		health,
		retries: createRetryBudget({ clock }),
		stickiness: createStickiness({ clock, pace: health.pace }),
		seals: createSealBook(),
		isEnabled: rotation.isEnabled,
	};
}

function metricsOver({
	config,
	health,
	ledger,
	live,
	rotation,
	sources,
}: {
	readonly config: ReloadableConfigSource;
	readonly health: HealthBook;
	readonly ledger: Ledger;
	readonly live: LiveRequests;
	readonly rotation: Rotation;
	readonly sources: StateSources;
}): Metrics {
	return createMetrics({
		...{ config, health, sources, clock: systemClock },
		isEnabled: rotation.isEnabled,
		requestsInFlight: live.count,
		attemptsOpen: ledger.openCount,
		ledgerHealthy: ledger.healthy,
		build: { version, runtime: `bun ${Bun.version}` },
	});
}

/** What is over its time or too much goes while the gateway runs. */
function startAllPruning(
	keeping: Parameters<typeof startPruning>[0],
	{ housekeeping }: Store,
	config: ReloadableConfigSource,
): () => void {
	const { clock, logger } = keeping;
	const stops = [
		startPruning(keeping),
		startUpkeep({ housekeeping, clock, logger, settings: () => config.current().storage }),
	];
	return () => {
		for (const stop of stops) {
			stop();
		}
	};
}
