import type { Snapshot } from "../../src/config/types.ts";
import { bridges, createIngresses, readerOf } from "../../src/dialects/registry.ts";
import { createHandle } from "../../src/gateway/handle.ts";
import { createLiveRequests } from "../../src/gateway/live.ts";
import { createSealBook } from "../../src/gateway/seal-book.ts";
import type { GatewayDeps } from "../../src/gateway/types.ts";
import { unauthorized } from "../../src/lib/errors.ts";
import { createAuthFailures } from "../../src/limits/auth-failures.ts";
import { createBudgetBook, type MemoryBudgetBook } from "../../src/limits/budget.ts";
import { createMemoryLimiter } from "../../src/limits/memory.ts";
import { createLedger } from "../../src/metering/ledger.ts";
import type { Ledger } from "../../src/metering/ledger-types.ts";
import { promptTokensUpperBound } from "../../src/metering/tokens.ts";
import { createHealthBook } from "../../src/routing/health.ts";
import { createOrderer } from "../../src/routing/order.ts";
import { createRetryBudget } from "../../src/routing/retry-budget.ts";
import { scorePrompt } from "../../src/routing/score.ts";
import { createStickiness } from "../../src/routing/stickiness.ts";
import type { HealthBook, RouteScore, Scorer } from "../../src/routing/types.ts";
import type { Logger } from "../../src/telemetry/logger.ts";
import { createAuthorize } from "../../src/transport/authorize.ts";
import { createAnswerRules } from "./routing-answer-rules.ts";
import { type Books, createBooks } from "./routing-books.ts";
import { createChance } from "./routing-chance.ts";
import { watchLimiter } from "./routing-limit-rules.ts";
import { createNetwork, type Network } from "./routing-network.ts";
import type { Scenario } from "./routing-scenario.ts";
import { createStandingRules, type StandingRules } from "./routing-standing-rules.ts";
import type { Asked, Fail } from "./routing-state.ts";
import { createSimulatedTime, type SimulatedTime } from "./routing-time.ts";

/** Everything of a gateway's data plane but its sockets, its disk and its time; and those who watch it. */
export interface World {
	readonly scenario: Scenario;
	readonly time: SimulatedTime;
	readonly handle: ReturnType<typeof createHandle>;
	readonly deps: GatewayDeps;
	readonly network: Network;
	readonly health: HealthBook;
	readonly ledger: Ledger;
	readonly budgets: MemoryBudgetBook;
	readonly books: Books;
	readonly standing: StandingRules;
	readonly answers: ReturnType<typeof createAnswerRules>;
	readonly limits: ReturnType<typeof watchLimiter>;
	readonly asked: Map<string, Asked>;
	isEnabled(deploymentId: string): boolean;
	/** The id of the request that was begun last. */
	lastRequestId(): string;
}

const WALL_START_MS = Date.UTC(2026, 10, 15, 12);
const ingressOf = createIngresses({ promptTokensUpperBound });
/** Prompts are all the same here, and scoring one asks neither time nor chance: it is done once. */
const score = once(scorePrompt);
const NO_ANSWER = { requestEnded: () => undefined, attemptSettled: () => undefined };
/** Chat requests do not come near it. */
const NOT_HERE = {} as GatewayDeps["kept"];

export function createWorld(scenario: Scenario, fail: Fail, note: (line: () => string) => void): World {
	const time = createSimulatedTime(WALL_START_MS);
	const { clock, deadlines } = time;
	const chance = createChance(scenario.seed, 1);
	const asked = new Map<string, Asked>();
	const health = createHealthBook({ clock, random: chance.fork(1).real });
	const isEnabled = createRotation(scenario, time);
	const budgets = createBudgetBook({ clock, spent: new Map() });
	const standing = createStandingRules({ scenario, time, health, isEnabled, fail });
	const books = createBooks({
		...{ scenario, time, fail },
		askedOf: (requestId) => known(asked, requestId),
		onOpened(one, row) {
			note(() => `request ${one.number} → ${row.opening.deploymentId}`);
			standing.opened(one, row);
		},
		onSettled(one, row) {
			const { outcome, errorClass = "" } = row.closing ?? {};
			note(() => `request ${one.number} ← ${row.opening.deploymentId}: ${outcome} ${errorClass}`);
			standing.settled(row);
		},
	});
	const network = createNetwork(scenario.deployments, {
		...{ time, chance: chance.fork(2), commitMs: scenario.commitMs },
		onCall: books.called,
	});
	const bug = (facts: object) => fail("the gateway has no bugs", { ...facts });
	const ledger = createLedger({
		...{ budgets, clock, writer: books.writer },
		reader: { ownerOf: () => Promise.resolve(undefined) },
		reportBug: (error) => bug({ error: error.message }),
	});
	const limits = watchLimiter(createMemoryLimiter({ clock }), time, fail);
	const live = watchedLive(createLiveRequests(clock));
	const deps: GatewayDeps = {
		config: { current: () => snapshot },
		authentication: {
			keys: { verify: (token) => scenario.keys.find(({ id }) => id === token) ?? refuseKey() },
			failures: createAuthFailures(clock),
			isMasterKey: () => false,
		},
		accounts: {
			...{ limiter: limits.limiter, budgets, ledger },
			teams: { limitsOf: () => scenario.team },
			keepUnserved: () => undefined,
		},
		routing: {
			...{ score, health, isEnabled },
			orderer: createOrderer({ pace: health.pace }),
			retries: createRetryBudget({ clock }),
			stickiness: createStickiness({ clock, pace: health.pace }),
			seals: createSealBook(),
		},
		dialects: { ingressOf, readerOf, bridges },
		kept: NOT_HERE,
		runtime: {
			...{ clock, deadlines, live: live.requests, observer: NO_ANSWER },
			send: network.send,
			reachable: network.reachable,
			authorize: createAuthorize({ clock, deadlines, send: network.send }),
			fetchMedia: () => Promise.reject(new Error("there are no media here")),
			logger: loggerOf(bug),
			alarm: () => undefined,
			random: chance.fork(3).real,
		},
	};
	const snapshot = snapshotOf(scenario);
	return {
		...{ scenario, time, deps, network, health, ledger, budgets, books, standing, limits, asked, isEnabled },
		handle: createHandle(deps),
		answers: createAnswerRules({
			...{ scenario, time, network, standing, isEnabled, fail },
			concurrent: live.requests.count,
		}),
		lastRequestId: live.last,
	};
}

function once(scorer: Scorer): Scorer {
	let known: RouteScore | undefined;
	return (view, thresholds) => {
		// A copy: signals are worked out whenever they are asked for.
		known ??= { ...scorer(view, thresholds) };
		return known;
	};
}

function known(asked: ReadonlyMap<string, Asked>, requestId: string): Asked {
	const one = asked.get(requestId);
	if (one === undefined) {
		throw new Error(`a row of a request that nobody made: ${requestId}`);
	}
	return one;
}

function refuseKey(): never {
	throw unauthorized("no such key");
}

/** Tells which id a request was given. */
function watchedLive(requests: GatewayDeps["runtime"]["live"]) {
	let last = "";
	return {
		last: () => last,
		requests: {
			...requests,
			open(requestId: string, signal: AbortSignal) {
				last = requestId;
				return requests.open(requestId, signal);
			},
		},
	};
}

function createRotation({ deployments }: Scenario, time: SimulatedTime): (deploymentId: string) => boolean {
	const out = new Map(deployments.map(({ deployment, disabled }) => [deployment.id, disabled]));
	return (deploymentId) => {
		const span = out.get(deploymentId);
		const nowMs = time.clock.monotonic();
		return span === undefined || nowMs < span.fromMs || nowMs >= span.toMs;
	};
}

function snapshotOf({ alias, fallback, deployments }: Scenario): Snapshot {
	const aliases = fallback === undefined ? [alias] : [alias, fallback];
	const snapshot: Partial<Snapshot> = {
		server: {
			host: "",
			port: 0,
			readTimeoutMs: 30_000,
			writeTimeoutMs: 30_000,
			streamIdleTimeoutMs: 6_000,
			gracefulShutdownTimeoutMs: 0,
			bodyBytesMax: 1_000_000,
			uploadBytesMax: 1_000_000,
			fetchMedia: false,
			metrics: "off",
		},
		aliases: new Map(aliases.map((one) => [one.name, one])),
		deployments: new Map(deployments.map(({ deployment }) => [deployment.id, deployment])),
		teamBudgets: new Map(),
	};
	// Who reads anything else of it finds nothing.
	return snapshot as Snapshot;
}

function loggerOf(bug: (facts: object) => void): Logger {
	const silent = () => undefined;
	return {
		debug: silent,
		info: silent,
		warn: silent,
		error: (event, fields) => bug({ event, ...fields }),
		redact: silent,
		flush: silent,
	};
}
