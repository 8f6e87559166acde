import { deepFreeze, frozenMap } from "../lib/deep-freeze.ts";
import { derivedId } from "../lib/ids.ts";
import type { Catalogue } from "../metering/prices.ts";
import { FREE_PRICE } from "./price-override.ts";
import type { AliasSettings, DeploymentSettings, Settings } from "./settings.ts";
import type { Alias, Deployment, Snapshot } from "./types.ts";

export interface ResolveContext {
	/** 1 for the first snapshot, one more for each that follows. */
	readonly version: number;
	/** The one of the settings, else the one that was generated. */
	readonly masterKey: string;
	readonly catalogue: Catalogue;
	/** Prices change on dates: which one counts. Unix milliseconds. */
	readonly nowMs: number;
}

/** The snapshot that requests are served from: ids, prices and limits of every deployment; frozen all the way down. */
export function resolveSnapshot(settings: Settings, context: ResolveContext): Snapshot {
	const aliases = settings.aliases.map((alias) => resolveAlias(alias, context));
	const deployments = aliases.flatMap((alias) => alias.deployments);
	return deepFreeze({
		version: context.version,
		server: settings.server,
		database: settings.database,
		storage: settings.storage,
		redisUrl: settings.redisUrl,
		responses: settings.responses,
		masterKey: context.masterKey,
		aliases: frozenMap(aliases.map((alias) => [alias.name, alias])),
		deployments: frozenMap(deployments.map((deployment) => [deployment.id, deployment])),
		teamBudgets: frozenMap(settings.teamBudgets),
		inactive: settings.inactive,
	});
}

function resolveAlias(alias: AliasSettings, context: ResolveContext): Alias {
	const twins = new Map<string, number>();
	return {
		...alias,
		deployments: alias.deployments.map((deployment) => {
			const { provider, model, configuredBaseUrl } = deployment;
			const identity = [alias.name, provider.id, model, configuredBaseUrl];
			// Counted among equals, so that adding another deployment above does not rename this one.
			const ordinal = twins.get(JSON.stringify(identity)) ?? 0;
			twins.set(JSON.stringify(identity), ordinal + 1);
			const id = derivedId("dep", [...identity, String(ordinal)]);
			return resolveDeployment(deployment, { id, alias: alias.name }, context);
		}),
	};
}

function resolveDeployment(
	settings: DeploymentSettings,
	identity: { readonly id: string; readonly alias: string },
	{ catalogue, nowMs }: ResolveContext,
): Deployment {
	const { configuredBaseUrl: _partOfTheId, priceOverride, ...rest } = settings;
	const { provider, model } = rest;
	const query = provider.priceCatalogue === undefined ? undefined : { catalogue: provider.priceCatalogue, model };
	const facts = query && catalogue.factsOf(query);
	const publicPrice = query && catalogue.priceOf({ ...query, atMs: nowMs });
	return {
		...rest,
		...identity,
		maxContextTokens: rest.maxContextTokens ?? facts?.contextTokens,
		supports: rest.supports ?? facts?.supports,
		maxOutputTokens: rest.maxOutputTokens ?? facts?.maxOutputTokens,
		price: priceOverride ?? publicPrice ?? provider.builtInPrice ?? (provider.free ? FREE_PRICE : undefined),
	};
}
