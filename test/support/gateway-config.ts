import { SANITY_PRICE } from "./openai-answers.ts";

/** A deployment of a test: where it points, and any further keys of the configuration file. */
export interface DeploymentSpec {
	/** An upstream or a bare base address, to which `/v1` is added. */
	readonly upstream: { readonly url: string } | string;
	readonly provider?: string;
	readonly model?: string;
	/** null: the deployment has no key, but an account of another kind. */
	readonly api_key?: string | null;
	/** Dollars per million; null leaves the price to the catalogue. */
	readonly price?: Readonly<Record<string, number>> | null;
	readonly [key: string]: unknown;
}

export interface AliasSpec {
	readonly deployments: readonly DeploymentSpec[];
	readonly fallbacks?: readonly string[];
	readonly router?: Readonly<Record<string, unknown>>;
}

export interface ConfigSpec {
	readonly aliases: Readonly<Record<string, AliasSpec | DeploymentSpec>>;
	readonly server?: Readonly<Record<string, unknown>>;
	readonly router?: Readonly<Record<string, unknown>>;
	readonly masterKey?: string;
	/** Further top-level sections. */
	readonly more?: Readonly<Record<string, unknown>>;
}

/** The key that test deployments present to their upstream unless told otherwise. A canary: it must show up nowhere else. */
export const PROVIDER_KEY = "sk-provider-canary-Zq7XvN3mB8tR5wYk";
export const MASTER_KEY = "master-canary-pL4dS9fG2hJ6kQ1zX8cV";

/** A configuration file. JSON, which is YAML, so that nothing needs quoting. */
export function configText(spec: ConfigSpec): string {
	const modelList = Object.entries(spec.aliases).map(([alias, entry]) => {
		const { deployments, ...rest } = isAlias(entry) ? entry : { deployments: [entry] };
		return { model_alias: alias, deployments: deployments.map(deploymentSection), ...rest };
	});
	return JSON.stringify({
		server: { host: "127.0.0.1", port: 0, ...spec.server },
		auth: { master_key: spec.masterKey ?? MASTER_KEY },
		model_list: modelList,
		router: { strategy: "round_robin", retries: 2, retry_after_ms: 1, ...spec.router },
		...spec.more,
	});
}

function isAlias(entry: AliasSpec | DeploymentSpec): entry is AliasSpec {
	return "deployments" in entry;
}

function deploymentSection(spec: DeploymentSpec): Record<string, unknown> {
	const { upstream, provider, model, api_key: apiKey, price, ...rest } = spec;
	const base = typeof upstream === "string" ? upstream : upstream.url;
	return {
		provider: provider ?? "openai",
		model: model ?? "gpt-4o-mini",
		...(apiKey === null ? {} : { api_key: apiKey ?? PROVIDER_KEY }),
		base_url: `${base}/v1`,
		allow_private: true,
		...(price === null ? {} : { price: price ?? SANITY_PRICE }),
		...rest,
	};
}
