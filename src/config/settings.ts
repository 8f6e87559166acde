import type { PriceSheet } from "../metering/types.ts";
import type {
	DatabaseSettings,
	Deployment,
	ResponsesSettings,
	RoutingSettings,
	ServerSettings,
	StorageSettings,
	TeamBudget,
} from "./types.ts";

/** What the file and the environment say, checked and typed; nothing in it was looked up in a catalogue yet. */
export interface Settings {
	readonly server: ServerSettings;
	readonly database: DatabaseSettings;
	readonly storage: StorageSettings;
	readonly redisUrl: string | undefined;
	readonly responses: ResponsesSettings;
	/** undefined: nobody has chosen one; the caller generates and keeps it. */
	readonly masterKey: string | undefined;
	readonly aliases: readonly AliasSettings[];
	/** By team name. */
	readonly teamBudgets: ReadonlyMap<string, TeamBudget>;
	/** Parsed parts that this version does not act on, by dotted name. */
	readonly inactive: readonly string[];
	/** Worth saying once at start: defaults that stand in for unset variables. */
	readonly notices: readonly string[];
}

export interface AliasSettings extends RoutingSettings {
	readonly name: string;
	readonly deployments: readonly DeploymentSettings[];
	readonly fallbacks: readonly string[];
}

export interface DeploymentSettings extends Omit<Deployment, "id" | "alias" | "price"> {
	/** `base_url` as the file has it, "" where the provider's own address is used: part of the deployment's identity. */
	readonly configuredBaseUrl: string;
	/** Only what the file says. */
	readonly priceOverride: PriceSheet | undefined;
}
