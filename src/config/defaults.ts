import type { Provider } from "../providers/types.ts";
import { secretSchema } from "../schemas/text.ts";
import { type ConfigContext, interpret } from "./interpret.ts";
import { failed, type LoadResult } from "./load.ts";
import { type Finding, formatPath } from "./problem.ts";
import type { Environment } from "./substitute.ts";

/** What problems and reports call the configuration of a gateway without a file. */
export const DEFAULT_CONFIG_NAME = "(built-in default)";

interface DefaultRoute {
	readonly model_alias: string;
	readonly deployments: readonly { readonly provider: string; readonly model: string; readonly api_key_env?: string }[];
}

/**
 * The configuration of a gateway that was given no file: alias `mock`, and the current models of every provider whose
 * key is in the environment, under their own names. Fails only on a bad GATEWAY_LLM_MASTER_KEY.
 */
export function loadDefaultConfig(context: ConfigContext): LoadResult {
	const { routes, notices } = defaultRoutes(context);
	const findings: Finding[] = [];
	const settings = interpret({ value: { model_list: routes }, unset: [], typed: new Map() }, context, (finding) =>
		findings.push(finding),
	);
	const [first] = findings;
	if (settings === undefined || first !== undefined) {
		const subject = formatPath(first?.path ?? []);
		return failed(DEFAULT_CONFIG_NAME, subject === "" ? (first?.message ?? "") : `${subject}: ${first?.message ?? ""}`);
	}
	return { ok: true, settings: { ...settings, notices: [...notices, ...settings.notices] } };
}

function defaultRoutes({ providers, environment }: ConfigContext): {
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
	const usable = provider.baseUrl !== undefined && variable !== undefined && (environment[variable] ?? "") !== "";
	return usable ? variable : undefined;
}
