import { createApp } from "./app.ts";
import { loadConfig } from "./config/load.ts";
import { type ConfigProblem, formatProblem } from "./config/problem.ts";
import { readConfiguration } from "./config/read-configuration.ts";
import { resolveSnapshot } from "./config/resolve.ts";
import { createConfigSource, type ReloadableConfigSource, type ReloadOutcome } from "./config/source.ts";
import type { Environment } from "./config/substitute.ts";
import type { Snapshot } from "./config/types.ts";
import { type Deps, openDeps } from "./deps.ts";
import { IDLE_CONNECTION_SECONDS } from "./http/data-plane.ts";
import { systemTimers, within } from "./instances/timers.ts";
import { keptMasterKey } from "./keys/kept-master-key.ts";
import { KEY_DEFAULTS } from "./keys/key-defaults.ts";
import { systemClock } from "./lib/clock.ts";
import { createCatalogue } from "./metering/prices.ts";
import { lazyMockProvider } from "./mock/lazy.ts";
import type { Logger } from "./telemetry/logger.ts";
import type { Surroundings } from "./transport/pinned-address.ts";

export interface StartOptions {
	/** undefined = `config.yaml` here, else the built-in default. */
	readonly configPath: string | undefined;
	readonly host: string | undefined;
	/** 0 takes a free one. */
	readonly port: number | undefined;
	readonly dataDirectory: string;
	readonly environment: Environment;
	readonly logger: Logger;
	/** For tests, whose Internet is on loopback; no file and no variable can set it. undefined = the real one. */
	readonly surroundings?: Surroundings | undefined;
}

/** A gateway that is listening. */
export interface RunningGateway {
	readonly url: string;
	readonly masterKey: string;
	readonly masterKeyFile: string;
	readonly masterKeyWasGenerated: boolean;
	/** The secret of the virtual key that a first start mints, else undefined. */
	readonly firstKey: string | undefined;
	snapshot(): Snapshot;
	reload(): Promise<ReloadOutcome>;
	/** Drains within `graceful_shutdown_timeout`, settles everything, closes. */
	stop(): Promise<void>;
	/** Cuts what is in flight, settles it, closes. */
	stopNow(): Promise<void>;
}

/** The configuration cannot be used; nothing was started. */
export class BadConfiguration extends Error {
	override readonly name = "BadConfiguration";
	readonly problems: readonly ConfigProblem[];
	constructor(problems: readonly ConfigProblem[]) {
		super(problems.map(formatProblem).join("\n"));
		this.problems = problems;
	}
}

/** What was cut at the end of the drain time gets this long to settle (milliseconds). */
const CUT_SETTLE_MS = 2_000;
/** Bun tells how many answers are on their way, but not when the last has gone. */
const UNSENT_LOOK_MS = 10;

/** Configuration → parts → app → listening. @throws BadConfiguration, StoreRefused, or the error of the listening socket. */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
	const { logger, dataDirectory } = options;
	const mock = lazyMockProvider();
	const read = await readConfiguration({ ...options, mockUrl: mock.url });
	if (!read.loaded.ok) {
		throw new BadConfiguration(read.loaded.problems);
	}
	const { settings } = read.loaded;
	const masterKey =
		settings.masterKey === undefined
			? keptMasterKey(dataDirectory)
			: { text: settings.masterKey, generated: false, file: "" };
	const catalogue = createCatalogue();
	const config = createConfigSource({
		file: read.file,
		initial: { text: read.text, settings },
		load: (text) => loadConfig({ ...read.context, text, fileName: read.fileName }),
		resolve: (next, version) =>
			resolveSnapshot(next, {
				version,
				masterKey: next.masterKey ?? masterKey.text,
				catalogue,
				nowMs: systemClock.now(),
			}),
		onReload: (snapshot, notices) => reloaded(snapshot, notices, deps),
		onProblems: (problems) => refusedReload(problems, deps),
	});
	hideSecrets(config.current(), logger);
	const deps: Deps = await openDeps(config, dataDirectory, logger, options.surroundings);
	const server = listen(deps, options, config);
	const firstKey = settings.masterKey === undefined ? await mintFirstKey(deps) : undefined;
	announce(server.url, config.current(), settings.notices, logger);
	config.watch();
	return {
		url: server.url,
		masterKey: masterKey.text,
		masterKeyFile: masterKey.file,
		masterKeyWasGenerated: masterKey.generated,
		firstKey,
		snapshot: () => config.current(),
		reload: () => config.reload(),
		...stopping(deps, server, config, mock.stop),
	};
}

interface Listening {
	readonly url: string;
	/** From now on every new request is answered 503. */
	stopAccepting(): void;
	/** Answers that are made but not yet taken by their clients. */
	unsent(): number;
	close(): Promise<void>;
}

function listen(deps: Deps, options: StartOptions, config: ReloadableConfigSource): Listening {
	const settings = config.current().server;
	let draining = false;
	const app = createApp(deps, () => draining);
	const server = Bun.serve({
		hostname: options.host ?? settings.host,
		port: options.port ?? settings.port,
		idleTimeout: IDLE_CONNECTION_SECONDS,
		// The bounds of the configuration are kept while reading, and answered in our own shape; Bun's answer has no body.
		maxRequestBodySize: Number.MAX_SAFE_INTEGER,
		fetch: app.fetch,
	});
	app.server = server;
	return {
		url: server.url.origin,
		stopAccepting() {
			// It goes on listening, so that whoever asks is told, and a load balancer sees it leave: /health/ready is 503.
			draining = true;
		},
		unsent: () => server.pendingRequests,
		close: () => server.stop(true),
	};
}

function stopping(
	deps: Deps,
	server: Listening,
	config: ReloadableConfigSource,
	stopMock: () => Promise<void>,
): Pick<RunningGateway, "stop" | "stopNow"> {
	const { live, logger } = deps.gateway.runtime;
	let closed: Promise<void> | undefined;

	async function close(): Promise<void> {
		config.close();
		live.cutAll();
		await within(CUT_SETTLE_MS, live.idle(), systemTimers);
		await server.close();
		await deps.gateway.accounts.ledger.flush();
		await deps.keys.close();
		deps.stopPruning();
		deps.metrics.stop();
		await deps.company.close();
		await deps.store.close();
		await stopMock();
		logger.info("stopped", {});
		logger.flush();
	}
	return {
		async stop() {
			server.stopAccepting();
			await within(
				config.current().server.gracefulShutdownTimeoutMs,
				live.idle().then(() => allSent(server)),
				systemTimers,
			);
			closed ??= close();
			await closed;
		},
		stopNow() {
			server.stopAccepting();
			closed ??= close();
			return closed;
		},
	};
}

async function allSent(server: Listening): Promise<void> {
	while (server.unsent() > 0) {
		await Bun.sleep(UNSENT_LOOK_MS);
	}
}

/** A first try should need no second step: a gateway that nobody has set up yet comes with one key. */
async function mintFirstKey(deps: Deps): Promise<string | undefined> {
	const existing = await deps.keys.list({ after: undefined, limit: 1, team: undefined, name: undefined });
	if (existing.keys.length > 0) {
		return undefined;
	}
	const { secret } = await deps.keys.create({ ...KEY_DEFAULTS, name: "first key" });
	return secret;
}

function announce(url: string, snapshot: Snapshot, notices: readonly string[], logger: Logger): void {
	for (const notice of notices) {
		logger.info("notice", { notice });
	}
	for (const section of snapshot.inactive) {
		logger.warn("not_active", { section, notice: "parsed, but this version does not act on it" });
	}
	logger.info("listening", { url, aliases: snapshot.aliases.size, deployments: snapshot.deployments.size });
	logger.flush();
}

function reloaded(snapshot: Snapshot, notices: readonly string[], deps: Deps): void {
	hideSecrets(snapshot, deps.logger);
	deps.metrics.reloaded("applied");
	deps.gateway.routing.health.retain(new Set(snapshot.deployments.keys()));
	for (const notice of notices) {
		deps.logger.info("notice", { notice });
	}
	deps.logger.info("config_reloaded", {
		version: snapshot.version,
		aliases: snapshot.aliases.size,
		deployments: snapshot.deployments.size,
	});
}

function refusedReload(problems: readonly ConfigProblem[], { logger, metrics }: Deps): void {
	metrics.reloaded("refused");
	for (const problem of problems) {
		logger.error("config_refused", {
			problem: formatProblem(problem),
			notice: "the running configuration stays in force",
		});
	}
}

function hideSecrets(snapshot: Snapshot, logger: Logger): void {
	const { masterKey, database, redisUrl, deployments } = snapshot;
	const urls = [database.kind === "postgres" ? database.url : undefined, redisUrl];
	const secrets = [
		masterKey,
		...urls.flatMap((url) => (url === undefined ? [] : passwordsIn(url))),
		...[...deployments.values()].flatMap(({ apiKey, aws }) => [apiKey, aws?.secretAccessKey]),
	];
	for (const secret of secrets) {
		if (secret !== undefined) {
			logger.redact(secret);
		}
	}
}

/** As it is written in the URL, and as it is meant. */
function passwordsIn(url: string): readonly string[] {
	const written = URL.parse(url)?.password ?? "";
	try {
		return [written, decodeURIComponent(written)];
	} catch {
		// A stray per cent sign stands for itself.
		return [written];
	}
}
