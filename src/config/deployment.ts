import { nearest } from "../lib/nearest.ts";
import type { Provider } from "../providers/types.ts";
import { secretSchema } from "../schemas/text.ts";
import { type CloudAccount, readAccount } from "./account.ts";
import { readBaseUrl } from "./base-url.ts";
import { priceOverride } from "./price-override.ts";
import type { Report } from "./problem.ts";
import type { LocatedDeployment } from "./routes.ts";
import type { DeploymentSettings } from "./settings.ts";
import type { Environment } from "./substitute.ts";

export interface DeploymentContext {
	readonly environment: Environment;
	readonly providers: ReadonlyMap<string, Provider>;
	readonly report: Report;
}

/** Finds the provider, the key and the address of a deployment. Reports what is missing or must not be. */
export function readDeployment(
	{ path, file }: LocatedDeployment,
	context: DeploymentContext,
): DeploymentSettings | undefined {
	const provider = context.providers.get(file.provider);
	if (provider === undefined) {
		const message = `unknown provider ${JSON.stringify(file.provider)}`;
		const meant = nearest(file.provider, context.providers.keys());
		const known = [...context.providers.keys()].join(", ");
		context.report({
			path: [...path, "provider"],
			message: meant === undefined ? `${message}; known are ${known}` : message,
			nearest: meant,
		});
		return undefined;
	}
	const apiKey = readApiKey({ path, file }, provider, context);
	const account = readAccount({ path, file }, provider, apiKey !== undefined, context);
	const address = readAddress({ path, file }, provider, account, context);
	return {
		provider,
		model: file.model,
		apiKey,
		baseUrl: address?.baseUrl ?? "",
		configuredBaseUrl: address?.configuredBaseUrl ?? "",
		apiVersion: file.api_version,
		...account,
		weight: file.weight,
		tier: file.tier,
		priority: file.priority,
		timeoutMs: file.timeout,
		connectTimeoutMs: file.connect_timeout,
		ttftTimeoutMs: file.ttft_timeout,
		operations: file.operations,
		supports: file.supports,
		maxContextTokens: file.max_context_tokens,
		maxOutputTokens: file.max_output_tokens,
		headers: { ...file.headers },
		priceOverride: file.price === undefined ? undefined : priceOverride(file.price),
	};
}

function readApiKey(
	{ path, file }: LocatedDeployment,
	provider: Provider,
	{ environment, report }: DeploymentContext,
): string | undefined {
	if (file.api_key !== undefined && file.api_key_env !== undefined) {
		report({ path: [...path, "api_key"], message: "cannot be combined with api_key_env; keep one of them" });
		return undefined;
	}
	if (file.api_key_env === undefined) {
		if (file.api_key === undefined && provider.keyRequired && provider.account === undefined) {
			const usual = provider.apiKeyEnv === undefined ? "" : `: set api_key_env, usually to ${provider.apiKeyEnv}`;
			report({ path, message: `provider ${JSON.stringify(provider.id)} needs a key${usual}` });
		}
		return file.api_key;
	}
	const keyPath = [...path, "api_key_env"];
	const apiKey = environment[file.api_key_env];
	if (apiKey === undefined || apiKey === "") {
		const message = `environment variable ${file.api_key_env} is not set`;
		report({ path: keyPath, message, variable: file.api_key_env });
	} else if (!secretSchema.safeParse(apiKey).success) {
		const message = `the value of environment variable ${file.api_key_env} must be printable ASCII without spaces`;
		report({ path: keyPath, message });
	}
	return apiKey;
}

function readAddress(
	{ path, file }: LocatedDeployment,
	provider: Provider,
	place: CloudAccount,
	{ report }: DeploymentContext,
): { readonly baseUrl: string; readonly configuredBaseUrl: string } | undefined {
	if (file.base_url !== undefined && file.resource !== undefined) {
		report({ path: [...path, "resource"], message: "cannot be combined with base_url; keep one of them" });
		return undefined;
	}
	const text = file.base_url ?? file.resource;
	if (text === undefined) {
		const usual = provider.baseUrl(place);
		if (usual === undefined && provider.account === undefined) {
			report({ path, message: `provider ${JSON.stringify(provider.id)} has no usual address: set base_url` });
		}
		return usual === undefined ? undefined : { baseUrl: usual, configuredBaseUrl: "" };
	}
	const read = readBaseUrl(text, { privateAllowed: file.allow_private || provider.local });
	if ("problem" in read) {
		report({ path: [...path, file.base_url === undefined ? "resource" : "base_url"], message: read.problem });
		return undefined;
	}
	return { baseUrl: read.url, configuredBaseUrl: read.url };
}
