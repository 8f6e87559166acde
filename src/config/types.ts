import type { OperationId } from "../dialects/types.ts";
import type { Ability, PriceSheet } from "../metering/types.ts";
import type { AwsKeys, Provider, ServiceAccount } from "../providers/types.ts";

/** The running configuration: immutable, swapped as a whole on reload. Durations are milliseconds. */
export interface Snapshot {
	/** 1 for the first, growing with each accepted reload. */
	readonly version: number;
	readonly server: ServerSettings;
	readonly database: DatabaseSettings;
	readonly storage: StorageSettings;
	/** undefined: in-process counters. */
	readonly redisUrl: string | undefined;
	readonly responses: ResponsesSettings;
	readonly masterKey: string;
	readonly aliases: ReadonlyMap<string, Alias>;
	/** Every deployment of every alias, by id. */
	readonly deployments: ReadonlyMap<string, Deployment>;
	/** By team name: what the file allows a team, above the limits of its keys. */
	readonly teamBudgets: ReadonlyMap<string, TeamBudget>;
	/** Parsed sections that this version does not act on yet, by dotted name: said at start and by `check`. */
	readonly inactive: readonly string[];
}

export interface ServerSettings {
	readonly host: string;
	readonly port: number;
	/** Longest silence while a request body is read. */
	readonly readTimeoutMs: number;
	/** Longest time a client may take no byte of an answer that waits for it. */
	readonly writeTimeoutMs: number;
	/** Longest silence between two events of an upstream stream. */
	readonly streamIdleTimeoutMs: number;
	readonly gracefulShutdownTimeoutMs: number;
	/** Largest JSON body, bytes. */
	readonly bodyBytesMax: number;
	/** Largest multipart body, bytes. */
	readonly uploadBytesMax: number;
	/** Media named by address are fetched for providers that fetch nothing. */
	readonly fetchMedia: boolean;
	/** Who may read `/metrics`: whoever has the master key, everybody, nobody. */
	readonly metrics: "keyed" | "open" | "off";
}

/** What bounds the database. */
export interface StorageSettings {
	/** How long rows of single attempts are kept. */
	readonly retentionMs: number;
	/** Bytes of the database file above which more goes than `retentionMs` says. */
	readonly bytesMax: number;
}

/** What the gateway keeps of the Responses API. */
export interface ResponsesSettings {
	/** How long a response is kept, and a conversation after its last change; 0 = not at all. */
	readonly retentionMs: number;
}

/** Limits of a whole team; undefined = the file says nothing. */
export interface TeamBudget {
	readonly monthlyBudgetNano: number | undefined;
	readonly rpm: number | undefined;
	readonly tpm: number | undefined;
	readonly maxParallelRequests: number | undefined;
}

export type DatabaseSettings =
	| { readonly kind: "sqlite"; readonly path: string }
	| {
			readonly kind: "postgres";
			readonly url: string;
			readonly connectionsMax: number;
			/** For keys that may have been revoked elsewhere while the database was out of reach. */
			readonly staleKeys: "allow" | "deny";
	  };

export type Strategy = "round_robin" | "least_latency" | "least_busy" | "cheapest" | "classifier";
export type Tier = "simple" | "medium" | "complex";

/** Lowest scores of the two harder buckets of prompts, 0 to 1, in this order. */
export interface Thresholds {
	readonly medium: number;
	readonly complex: number;
}

/** What routing is like for an alias. */
export interface RoutingSettings {
	readonly strategy: Strategy;
	/** Extra attempts after the first. */
	readonly retries: number;
	/** Pause before the same deployment is tried again. */
	readonly retryAfterMs: number;
	readonly thresholds: Thresholds;
	/** How long a conversation stays with the deployment that served it last; 0 = not at all. */
	readonly stickyForMs: number;
	/** A strategy that is asked as well, for this share of requests, and not followed; undefined = none. */
	readonly shadow: { readonly percent: number; readonly strategy: Strategy } | undefined;
}

export interface Alias extends RoutingSettings {
	readonly name: string;
	readonly deployments: readonly Deployment[];
	readonly fallbacks: readonly string[];
}

export interface Deployment {
	/** `dep_…`, derived from alias, provider, model, base URL and ordinal: stable across restarts. */
	readonly id: string;
	readonly alias: string;
	readonly provider: Provider;
	/** The provider's name of the model. */
	readonly model: string;
	readonly apiKey: string | undefined;
	/** No trailing slash. */
	readonly baseUrl: string;
	readonly apiVersion: string | undefined;
	readonly region: string | undefined;
	readonly project: string | undefined;
	readonly location: string | undefined;
	/** In place of `apiKey`, where the provider signs with AWS keys. */
	readonly aws: AwsKeys | undefined;
	/** In place of `apiKey`, where the provider takes tokens of a Google service account. */
	readonly serviceAccount: ServiceAccount | undefined;
	readonly weight: number;
	readonly tier: Tier | undefined;
	/** Lower goes first; deployments of equal priority share by weight. */
	readonly priority: number;
	/** Whole request. */
	readonly timeoutMs: number;
	/** Until the provider is reached. */
	readonly connectTimeoutMs: number;
	/**
	 * Until the first token (streams) or the response head (the rest). undefined = not configured: streams then get 30 s
	 * while another deployment could take over, whole answers are bounded by `timeoutMs` alone.
	 */
	readonly ttftTimeoutMs: number | undefined;
	/** Narrower than what its provider offers; undefined = all of it. */
	readonly operations: readonly OperationId[] | undefined;
	/** What of `Ability` the model has, where that is less than all; undefined = as far as anybody knows, all. */
	readonly supports: readonly Ability[] | undefined;
	readonly maxContextTokens: number | undefined;
	/** Output cap of the model: from configuration, else the catalogue, else undefined. */
	readonly maxOutputTokens: number | undefined;
	/** Sent with each request of this deployment. */
	readonly headers: Readonly<Record<string, string>>;
	/** The price in force: the file's, else the catalogue's, else undefined (= unpriced, never free). */
	readonly price: PriceSheet | undefined;
}

/** Where the running configuration is read from. */
export interface ConfigSource {
	current(): Snapshot;
}
