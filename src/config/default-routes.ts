import type { Provider } from "../providers/types.ts";
import { secretSchema } from "../schemas/text.ts";
import type { ConfigContext } from "./context.ts";
import type { Environment } from "./substitute.ts";

/** An entry of `model_list` as a file would have it. */
interface DefaultRoute {
	readonly model_alias: string;
	readonly deployments: readonly { readonly provider: string; readonly model: string; readonly api_key_env?: string }[];
}

/**
 * What is served when nobody says what: alias `mock`, and the current models of every provider whose key is in the
 * environment, under their own names.
 */
export function defaultRoutes({ providers, environment }: ConfigContext): {
	readonly routes: readonly DefaultRoute[];
	readonly notices: readonly string[];
} {
	const routes = new Map<string, DefaultRoute>();
	const notices: string[] = [];
	if (providers.has("mock")) {
		routes.set("mock", { model_alias: "mock", deployments: [{ provider: "mock", model: "echo" }] });
	}
	for (const provider of providers.values()) {
		const variable = keyVariable(provider, environment);
		if (variable === undefined) {
			continue;
		}
		if (!secretSchema.safeParse(environment[variable]).success) {
			notices.push(`${variable} is ignored: it must be printable ASCII without spaces`);
			continue;
		}
		for (const model of provider.currentModels) {
			const name = routes.has(model) ? `${provider.id}/${model}` : model;
			const deployment = { provider: provider.id, model, api_key_env: variable };
			routes.set(name, { model_alias: name, deployments: [deployment] });
		}
	}
	return { routes: [...routes.values()], notices };
}

/** The variable of a provider that can be served without any further setting; undefined when it is not set. */
function keyVariable(provider: Provider, environment: Environment): string | undefined {
	const variable = provider.apiKeyEnv;
	const usable =
		provider.baseUrl({ region: undefined, location: undefined }) !== undefined &&
		variable !== undefined &&
		(environment[variable] ?? "") !== "";
	return usable ? variable : undefined;
}
