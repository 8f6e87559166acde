import { type LoadResult, loadConfig } from "../../../src/config/load.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import type { Settings } from "../../../src/config/settings.ts";
import type { Environment } from "../../../src/config/substitute.ts";
import type { Catalogue } from "../../../src/metering/prices.ts";
import { defineProvider } from "../../../src/providers/define.ts";
import type { Provider } from "../../../src/providers/types.ts";

export const MASTER_KEY = "mk-4f9Zq27LxV0aTbR8";

/** A small registry of the kinds of provider there are: with key, without address, local, paid, free. */
export const PROVIDERS: ReadonlyMap<string, Provider> = new Map(
	[
		provider("openai", { currentModels: ["gpt-4o", "gpt-4o-mini"], priceCatalogue: "openai" }),
		provider("anthropic", { currentModels: ["claude-sonnet"] }),
		provider("gemini", { currentModels: ["gpt-4o"] }),
		defineProvider({ id: "azure", title: "Azure", apiKeyEnv: "AZURE_OPENAI_API_KEY", operations: ["chat"] }),
		defineProvider({ id: "openai_compatible", title: "Compatible", keyRequired: false, operations: "all" }),
		defineProvider({
			id: "ollama",
			title: "Ollama",
			baseUrl: "http://127.0.0.1:11434/v1",
			local: true,
			operations: "all",
			free: true,
		}),
		defineProvider({ id: "mock", title: "Mock", baseUrl: "http://127.0.0.1:4000/v1", local: true, operations: "all" }),
	].map((entry) => [entry.id, entry]),
);

function provider(id: string, more: { readonly currentModels: readonly string[]; readonly priceCatalogue?: string }) {
	return defineProvider({
		id,
		title: id,
		baseUrl: `https://api.${id}.example.com/v1`,
		apiKeyEnv: `${id.toUpperCase()}_API_KEY`,
		operations: "all",
		...more,
	});
}

export const ENVIRONMENT: Environment = {
	OPENAI_API_KEY: "sk-openai-canary",
	ANTHROPIC_API_KEY: "sk-anthropic-canary",
	GEMINI_API_KEY: "gemini-canary",
	GATEWAY_LLM_MASTER_KEY: MASTER_KEY,
};

export const NO_CATALOGUE: Catalogue = { priceOf: () => undefined, factsOf: () => undefined };

export function load(text: string, environment: Environment = ENVIRONMENT): LoadResult {
	return loadConfig({ text, fileName: "config.yaml", environment, providers: PROVIDERS, dataDirectory: "/data" });
}

/** The settings of a text that must be right. */
export function settingsOf(text: string, environment?: Environment): Settings {
	const result = load(text, environment);
	if (!result.ok) {
		throw new Error(result.problems.map(formatProblem).join("\n"));
	}
	return result.settings;
}

/** The problems of a text, as people see them. */
export function problemsOf(text: string, environment?: Environment): readonly string[] {
	const result = load(text, environment);
	return result.ok ? [] : result.problems.map(formatProblem);
}

/** A file with one alias `a`, whose single deployment has these lines. */
export function withDeployment(...lines: readonly string[]): string {
	return ["model_list:", "  - model_alias: a", "    deployments:", `      - ${lines.join("\n        ")}`, ""].join(
		"\n",
	);
}

/** A right file with one alias, to put other sections before. */
export const MODEL_LIST = withDeployment("provider: mock", "model: echo");

export async function ownerExample(): Promise<string> {
	return Bun.file(new URL("../../fixtures/owner-config.yaml", import.meta.url)).text();
}
