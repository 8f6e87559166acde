import { describe, expect, test } from "bun:test";
import { loadDefaultConfig } from "../../../src/config/defaults.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import type { Environment } from "../../../src/config/substitute.ts";
import { MASTER_KEY, PROVIDERS } from "./config-fixtures.ts";

function defaults(environment: Environment) {
	return loadDefaultConfig({ environment, providers: PROVIDERS, dataDirectory: "/data" });
}

function served(environment: Environment): readonly string[] {
	const result = defaults(environment);
	return result.ok
		? result.settings.aliases.flatMap(({ name, deployments }) =>
				deployments.map(({ provider, model }) => `${name} = ${provider.id}/${model}`),
			)
		: result.problems.map(formatProblem);
}

describe("without a file", () => {
	test("and without an environment, alias mock is served and nothing is missing", () => {
		const result = defaults({});
		expect(result).toMatchObject({
			ok: true,
			settings: {
				masterKey: undefined,
				database: { kind: "sqlite", path: "/data/gateway-llm.db" },
				redisUrl: undefined,
				server: { host: "127.0.0.1", port: 8080 },
				aliases: [{ name: "mock", strategy: "round_robin", deployments: [{ model: "echo" }] }],
				notices: [],
			},
		});
	});

	test("providers whose key is in the environment serve their current models, the later of equals by its full name", () => {
		expect(served({ OPENAI_API_KEY: "sk-x", ANTHROPIC_API_KEY: "", GEMINI_API_KEY: "g" })).toEqual([
			"mock = mock/echo",
			"gpt-4o = openai/gpt-4o",
			"gpt-4o-mini = openai/gpt-4o-mini",
			"gemini/gpt-4o = gemini/gpt-4o",
		]);
	});

	test("a provider without an address of its own is left out", () => {
		expect(served({ AZURE_OPENAI_API_KEY: "x" })).toEqual(["mock = mock/echo"]);
	});

	test("a key that cannot be sent is ignored by name, not fatal", () => {
		const result = defaults({ OPENAI_API_KEY: "sk x\n" });
		expect(result).toMatchObject({
			ok: true,
			settings: { notices: ["OPENAI_API_KEY is ignored: it must be printable ASCII without spaces"] },
		});
	});

	test("the master key comes from the environment, and a weak one refuses", () => {
		expect(defaults({ GATEWAY_LLM_MASTER_KEY: MASTER_KEY })).toMatchObject({
			ok: true,
			settings: { masterKey: MASTER_KEY },
		});
		expect(served({ GATEWAY_LLM_MASTER_KEY: "sk-1234" })).toEqual([
			"(built-in default):1:1: auth.master_key: the value of environment variable GATEWAY_LLM_MASTER_KEY must be at least 16 characters long; `openssl rand -hex 32` makes a good one",
		]);
	});
});
