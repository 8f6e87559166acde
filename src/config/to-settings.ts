import { isAbsolute, resolve } from "node:path";
import { sqlitePath } from "../schemas/database.ts";
import type { LocatedRoute } from "./routes.ts";
import type { ConfigFile } from "./schema.ts";
import type { AliasSettings, DeploymentSettings, Settings } from "./settings.ts";
import type { DatabaseSettings, RoutingSettings, ServerSettings, TeamBudget } from "./types.ts";

/** The database of a gateway that was told nothing about one, inside the data directory. */
const DATABASE_FILE = "gateway-llm.db";

/** Gives a file without problems its final types. */
export function toSettings(parts: {
	readonly file: ConfigFile;
	readonly routes: readonly (LocatedRoute & { readonly settings: readonly DeploymentSettings[] })[];
	readonly masterKey: string | undefined;
	readonly dataDirectory: string;
}): Omit<Settings, "notices"> {
	const { file, routes } = parts;
	return {
		server: toServer(file.server),
		database: toDatabase(file.database, parts.dataDirectory),
		storage: { retentionMs: file.storage.retention, bytesMax: file.storage.max_size },
		redisUrl: file.redis.url,
		responses: { retentionMs: file.responses.retention },
		masterKey: parts.masterKey,
		aliases: routes.map(
			(route): AliasSettings => ({
				name: route.model_alias,
				deployments: route.settings,
				fallbacks: route.fallbacks,
				...toRouting({ ...file.router, ...definedOf(route.router ?? {}) }),
			}),
		),
		teamBudgets: new Map(Object.entries(file.team_budgets ?? {}).map(([team, budget]) => [team, toBudget(budget)])),
		inactive: inactiveParts(file),
	};
}

function toRouting(router: ConfigFile["router"]): RoutingSettings {
	return {
		strategy: router.strategy,
		retries: router.retries,
		retryAfterMs: router.retry_after_ms,
		thresholds: router.thresholds,
		stickyForMs: router.sticky_for,
		shadow: router.shadow,
	};
}

/** Without the keys that are there and say nothing. */
function definedOf<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
	return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
		[K in keyof T]: Exclude<T[K], undefined>;
	};
}

function toServer(server: ConfigFile["server"]): ServerSettings {
	return {
		host: server.host,
		port: server.port,
		readTimeoutMs: server.read_timeout,
		writeTimeoutMs: server.write_timeout,
		streamIdleTimeoutMs: server.stream_idle_timeout,
		gracefulShutdownTimeoutMs: server.graceful_shutdown_timeout,
		bodyBytesMax: server.max_body_bytes,
		uploadBytesMax: server.max_upload_bytes,
		fetchMedia: server.fetch_media,
		metrics: server.metrics,
	};
}

function toDatabase(database: ConfigFile["database"], dataDirectory: string): DatabaseSettings {
	const path = database.url === undefined ? DATABASE_FILE : sqlitePath(database.url);
	if (path === undefined) {
		return {
			kind: "postgres",
			url: database.url ?? "",
			connectionsMax: database.max_connections,
			staleKeys: database.stale_keys,
		};
	}
	return { kind: "sqlite", path: isAbsolute(path) ? resolve(path) : resolve(dataDirectory, path) };
}

function toBudget(budget: NonNullable<ConfigFile["team_budgets"]>[string]): TeamBudget {
	return {
		monthlyBudgetNano: budget.monthly_budget_usd,
		rpm: budget.rpm,
		tpm: budget.tpm,
		maxParallelRequests: budget.max_parallel_requests,
	};
}

/** What the file asks for and this version does not do: to be said, never to be passed over. */
function inactiveParts(file: ConfigFile): readonly string[] {
	const parts: string[] = [];
	if (file.cache?.enabled === true) {
		parts.push("cache");
	}
	if (file.cache?.semantic.enabled === true) {
		parts.push("cache.semantic");
	}
	if ((file.callbacks ?? []).length > 0) {
		parts.push("callbacks");
	}
	return parts;
}
