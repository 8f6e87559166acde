import type { ReloadableConfigSource } from "./config/source.ts";
import type { Snapshot } from "./config/types.ts";
import { bridges, createIngresses, readerOf } from "./dialects/registry.ts";
import { createKeptConversations } from "./gateway/kept-conversations.ts";
import { createKeptResponses } from "./gateway/kept-responses.ts";
import { createLiveRequests } from "./gateway/live.ts";
import { startPruning } from "./gateway/prune-kept.ts";
import type { GatewayDeps } from "./gateway/types.ts";
import { createKeyDirectory, type RunningKeyDirectory } from "./keys/directory.ts";
import { matchesSecret } from "./keys/matches-secret.ts";
import { systemClock } from "./lib/clock.ts";
import { createDeadlines } from "./lib/deadlines.ts";
import { formatUsd } from "./lib/money.ts";
import { createAuthFailures } from "./limits/auth-failures.ts";
import { createBudgetBook } from "./limits/budget.ts";
import { createMemoryLimiter } from "./limits/memory.ts";
import { monthOf, monthStartMs } from "./limits/month.ts";
import { createTeamDirectory } from "./limits/team-directory.ts";
import type { TeamDirectory } from "./limits/team-types.ts";
import { createLedger } from "./metering/ledger.ts";
import { promptTokensUpperBound } from "./metering/tokens.ts";
import { createHealthBook } from "./routing/health.ts";
import { createOrderer } from "./routing/order.ts";
import { createRetryBudget } from "./routing/retry-budget.ts";
import { createRotation, type Rotation } from "./routing/rotation.ts";
import { scorePrompt } from "./routing/score.ts";
import { createSqliteStore } from "./store/sqlite-store.ts";
import { startUpkeep } from "./store/start-upkeep.ts";
import type { Store, StoreProblem } from "./store/types.ts";
import type { Logger } from "./telemetry/logger.ts";
import { createAuthorize } from "./transport/authorize.ts";
import { createFetchMedia, MEDIA_BOUNDS, SURROUNDINGS } from "./transport/fetch-media.ts";
import type { Surroundings } from "./transport/pinned-address.ts";
import { createSend } from "./transport/upstream.ts";

/** Everything a running gateway is made of. */
export interface Deps {
	readonly gateway: GatewayDeps;
	readonly keys: RunningKeyDirectory;
	readonly teams: TeamDirectory;
	readonly store: Store;
	readonly rotation: Rotation;
	readonly logger: Logger;
	/** Before the store is closed. */
	readonly stopPruning: () => void;
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
	const store = await openStore(config.current(), dataDirectory, logger);
	await recover(store, logger);
	const keys = await createKeyDirectory({ store, clock, flushMs: LAST_USED_FLUSH_MS });
	const teams = await createTeamDirectory({ store: store.teams, config, clock });
	const budgets = createBudgetBook({
		clock,
		spent: await store.attempts.spentSince(monthStartMs(monthOf(clock.now()))),
	});
	const reportBug = (error: Error) => logger.error("bug", { error: error.message, stack: error.stack });
	const ledger = createLedger({ budgets, writer: store.writer, reader: store.attempts, clock, reportBug });
	const rotation = createRotation({ states: store.deploymentStates, clock });
	await rotation.load();
	const live = createLiveRequests(clock);
	keys.onRevoked((keyId) => live.cutKey(keyId));
	const deadlines = createDeadlines(clock);
	const send = createSend();
	const health = createHealthBook({ clock });
	const keeping = {
		responses: store.responses,
		conversations: store.conversations,
		clock,
		retentionMs: () => config.current().responses.retentionMs,
		logger,
	};
	const gateway: GatewayDeps = {
		config,
		authentication: {
			keys,
			failures: createAuthFailures(clock),
			isMasterKey: (token) => matchesSecret(token, config.current().masterKey),
		},
		accounts: { limiter: createMemoryLimiter({ clock }), budgets, ledger, teams },
		routing: {
			score: scorePrompt,
			orderer: createOrderer({ view: health.view }),
			health,
			retries: createRetryBudget({ clock }),
			isEnabled: rotation.isEnabled,
		},
		dialects: { ingressOf: createIngresses({ promptTokensUpperBound }), readerOf, bridges },
		kept: { responses: createKeptResponses(keeping), conversations: createKeptConversations(keeping) },
		runtime: {
			clock,
			deadlines,
			send,
			authorize: createAuthorize({ clock, deadlines, send }),
			fetchMedia: createFetchMedia({ deadlines, surroundings, bounds: MEDIA_BOUNDS }),
			live,
			logger,
			random: Math.random,
		},
	};
	return { gateway, keys, teams, store, rotation, logger, stopPruning: startAllPruning(keeping, store, config) };
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

async function openStore(snapshot: Snapshot, dataDirectory: string, logger: Logger): Promise<Store> {
	if (snapshot.database.kind === "postgres") {
		throw new Error("PostgreSQL is refused before anything is opened.");
	}
	return createSqliteStore({
		dataDirectory,
		path: snapshot.database.path,
		clock: systemClock,
		onProblem: (problem) => logProblem(problem, logger),
	});
}

function logProblem(problem: StoreProblem, logger: Logger): void {
	const { kind, ...facts } = problem;
	const fields = Object.fromEntries(
		Object.entries(facts).map(([name, value]) => [name, typeof value === "number" ? value : String(value)]),
	);
	logger[kind === "writes_recovered" ? "info" : "error"](`store_${kind}`, fields);
}

/** Attempts that were under way when the process died are charged at their reservation, once, and named in the log. */
async function recover(store: Store, logger: Logger): Promise<void> {
	for (const attempt of await store.attempts.recover(systemClock.now())) {
		logger.warn("recovered_attempt", {
			requestId: attempt.requestId,
			attempt: attempt.attempt,
			costUsd: formatUsd(attempt.costNano),
		});
	}
}
