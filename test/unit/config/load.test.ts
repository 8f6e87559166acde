import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { loadConfig } from "../../../src/config/load.ts";
import { formatProblem } from "../../../src/config/problem.ts";
import { providers } from "../../../src/providers/registry.ts";
import {
	ENVIRONMENT,
	load,
	MASTER_KEY,
	MODEL_LIST,
	ownerExample,
	PROVIDERS,
	problemsOf,
	settingsOf,
	withDeployment,
} from "./config-fixtures.ts";

describe("the owner's published example", () => {
	test("loads verbatim, with DATABASE_URL and REDIS_URL unset", async () => {
		const settings = settingsOf(await ownerExample());
		expect(settings.server).toEqual({
			host: "127.0.0.1",
			port: 8080,
			readTimeoutMs: 30_000,
			writeTimeoutMs: 120_000,
			streamIdleTimeoutMs: 60_000,
			gracefulShutdownTimeoutMs: 30_000,
			bodyBytesMax: 10_485_760,
			uploadBytesMax: 33_554_432,
			fetchMedia: true,
			metrics: "keyed",
		});
		expect(settings.masterKey).toBe(MASTER_KEY);
		expect(settings.database).toEqual({ kind: "sqlite", path: "/data/gateway-llm.db" });
		expect(settings.redisUrl).toBeUndefined();
		expect(
			settings.aliases.map(({ name, strategy, retries, retryAfterMs, deployments }) => ({
				name,
				strategy,
				retries,
				retryAfterMs,
				served: deployments.map(({ provider, model, apiKey }) => `${provider.id}/${model} ${apiKey}`),
			})),
		).toEqual([
			{
				name: "gpt-4o",
				strategy: "classifier",
				retries: 2,
				retryAfterMs: 200,
				served: ["openai/gpt-4o sk-openai-canary"],
			},
			{
				name: "smart",
				strategy: "classifier",
				retries: 2,
				retryAfterMs: 200,
				served: [
					"openai/gpt-4o sk-openai-canary",
					"anthropic/claude-sonnet-4-20250514 sk-anthropic-canary",
					"gemini/gemini-2.0-flash gemini-canary",
				],
			},
		]);
		expect(settings.inactive).toEqual(["cache", "cache.semantic"]);
		expect(settings.notices).toEqual([
			"DATABASE_URL is not set: keys and spend are kept in the embedded SQLite database /data/gateway-llm.db",
			"REDIS_URL is not set: limits are counted in this process and not shared with other instances",
		]);
	});

	test("takes DATABASE_URL and REDIS_URL when they are set, and says nothing", async () => {
		const settings = settingsOf(await ownerExample(), {
			...ENVIRONMENT,
			DATABASE_URL: "postgres://gateway:secret@db.example.com/gateway",
			REDIS_URL: "rediss://redis.example.com:6380",
		});
		expect(settings.database).toEqual({
			kind: "postgres",
			url: "postgres://gateway:secret@db.example.com/gateway",
			connectionsMax: 25,
			staleKeys: "allow",
		});
		expect(settings.redisUrl).toBe("rediss://redis.example.com:6380");
		expect(settings.notices).toEqual([]);
	});

	test("takes empty variables for unset ones there", async () => {
		const settings = settingsOf(await ownerExample(), { ...ENVIRONMENT, DATABASE_URL: "", REDIS_URL: "" });
		expect(settings.database.kind).toBe("sqlite");
		expect(settings.notices).toHaveLength(2);
	});

	test("names every unset variable with its place, all at once", async () => {
		expect(problemsOf(await ownerExample(), {})).toEqual([
			"config.yaml:12:15 auth.master_key: environment variable GATEWAY_LLM_MASTER_KEY is not set",
			"config.yaml:18:22 model_list[0].deployments[0].api_key_env: environment variable OPENAI_API_KEY is not set",
			"config.yaml:23:22 model_list[1].deployments[0].api_key_env: environment variable OPENAI_API_KEY is not set",
			"config.yaml:26:22 model_list[1].deployments[1].api_key_env: environment variable ANTHROPIC_API_KEY is not set",
			"config.yaml:29:22 model_list[1].deployments[2].api_key_env: environment variable GEMINI_API_KEY is not set",
		]);
	});
});

test("responses are kept for thirty days, unless the file says otherwise; that nothing is kept is said", () => {
	expect(settingsOf(MODEL_LIST).responses).toEqual({ retentionMs: 2_592_000_000 });
	const none = settingsOf(`responses: { retention: 0s }\n${MODEL_LIST}`);
	expect(none.responses).toEqual({ retentionMs: 0 });
	expect(none.notices).toEqual([expect.stringContaining("responses.retention is 0s")]);
	expect(problemsOf(`responses: { retention: 2w }\n${MODEL_LIST}`)).toEqual([
		expect.stringMatching(/^config\.yaml:1:\d+ responses\.retention: .*30d/),
	]);
});

test("rows are kept for ninety days in ten gibibytes, unless the file says otherwise; never less than running requests need", () => {
	expect(settingsOf(MODEL_LIST).storage).toEqual({ retentionMs: 90 * 86_400_000, bytesMax: 10 * 2 ** 30 });
	expect(settingsOf(`storage: { retention: 48h, max_size: 512MiB }\n${MODEL_LIST}`).storage).toEqual({
		retentionMs: 2 * 86_400_000,
		bytesMax: 512 * 2 ** 20,
	});
	for (const retention of ["0s", "47h", "3651d", "90", "3 months"]) {
		expect(problemsOf(`storage: { retention: ${retention} }\n${MODEL_LIST}`)).toEqual([
			expect.stringMatching(/^config\.yaml:1:\d+ storage\.retention: must be/),
		]);
	}
	for (const size of ["10", "10GB", "15MiB", "0GiB", "65TiB", "-1GiB", "1.5GiB"]) {
		expect(problemsOf(`storage: { max_size: ${size} }\n${MODEL_LIST}`)).toEqual([
			expect.stringMatching(/^config\.yaml:1:\d+ storage\.max_size: must be a size from 16MiB to 64TiB/),
		]);
	}
});

test("the repository's config.yaml starts with no environment at all", async () => {
	const text = await Bun.file(join(import.meta.dir, "../../../config.yaml")).text();
	const settings = settingsOf(text, {});
	expect(settings.aliases.map(({ name }) => name)).toEqual(["mock"]);
	expect(settings.server.port).toBe(8080);
	expect(settings.masterKey).toBeUndefined();
	expect(settings.inactive).toEqual([]);
});

test("the examples in the repository's config.yaml are right when uncommented", async () => {
	const text = await Bun.file(join(import.meta.dir, "../../../config.yaml")).text();
	const uncommented = text.replace(/^( *)# (?=( *)(- |[a-z_]+:))/gm, "$1");
	const mock = PROVIDERS.get("mock");
	const result = loadConfig({
		text: uncommented,
		fileName: "config.yaml",
		environment: { ...ENVIRONMENT, GROQ_API_KEY: "gsk-canary", AZURE_OPENAI_API_KEY: "azure-canary" },
		providers: new Map([...providers, ...(mock === undefined ? [] : [["mock", mock] as const])]),
		dataDirectory: "/data",
	});
	expect(result.ok ? result.settings.aliases.map(({ name }) => name) : result.problems.map(formatProblem)).toEqual([
		"mock",
		"gpt-4o",
		"smart",
		"azure-gpt-4o",
		"local",
	]);
});

describe("the environment", () => {
	test("gives numbers and booleans where the schema asks for them", () => {
		const text = `server:\n  port: \${PORT:-9090}\n  max_body_bytes: \${BYTES}\n${MODEL_LIST}`;
		const { server } = settingsOf(text, { BYTES: "2048" });
		expect([server.port, server.bodyBytesMax]).toEqual([9090, 2048]);
	});

	test("gives no number where the file quotes the value", () => {
		expect(problemsOf(`server:\n  port: "\${PORT:-9090}"\n${MODEL_LIST}`)).toEqual([
			"config.yaml:2:9 server.port: must be a number",
		]);
	});

	test("loses no digit of a key that looks like a number", () => {
		const text = withDeployment("provider: openai", "model: m", "api_key: ${KEY}");
		const [alias] = settingsOf(text, { KEY: "00012345678901234567890" }).aliases;
		expect(alias?.deployments[0]?.apiKey).toBe("00012345678901234567890");
	});

	test("reads prices exactly, with more digits than a double holds", () => {
		const text = withDeployment(
			"provider: openai",
			"model: m",
			"api_key: k",
			'price: { input_per_million: "${PRICE}", output_per_million: 0.1 }',
		);
		const [alias] = settingsOf(text, { PRICE: "1000000.000000001" }).aliases;
		expect(alias?.deployments[0]?.priceOverride?.base).toMatchObject({
			inputPerMillion: 1_000_000_000_000_001,
			outputPerMillion: 100_000_000,
		});
	});

	test("reads a price for each bucket", () => {
		const text = withDeployment(
			"provider: openai",
			"model: m",
			"api_key: k",
			"price: { input_per_million: 1, output_per_million: 2, cached_input_per_million: 3, cache_write_per_million: 4, cache_write_1h_per_million: 5, reasoning_per_million: 6, audio_input_per_million: 7, audio_output_per_million: 8, image_input_per_million: 9, image_output_per_million: 10, per_image: 11, per_second: 12, characters_per_million: 13, per_search: 14, per_request: 15 }",
		);
		const [alias] = settingsOf(text).aliases;
		expect(alias?.deployments[0]?.priceOverride?.base).toEqual({
			inputPerMillion: 1_000_000_000,
			outputPerMillion: 2_000_000_000,
			cachedInputPerMillion: 3_000_000_000,
			cacheWritePerMillion: 4_000_000_000,
			cacheWriteHourPerMillion: 5_000_000_000,
			reasoningPerMillion: 6_000_000_000,
			audioInputPerMillion: 7_000_000_000,
			audioOutputPerMillion: 8_000_000_000,
			imageInputPerMillion: 9_000_000_000,
			imageOutputPerMillion: 10_000_000_000,
			perImage: 11_000_000_000,
			perSecond: 12_000_000_000,
			charactersPerMillion: 13_000_000_000,
			perSearch: 14_000_000_000,
			perRequest: 15_000_000_000,
		});
	});

	test("does not make DATABASE_URL optional anywhere else, nor another variable optional there", () => {
		expect(problemsOf(`redis:\n  url: \${DATABASE_URL}\n${MODEL_LIST}`)).toEqual([
			"config.yaml:2:8 redis.url: environment variable DATABASE_URL is not set",
		]);
		expect(problemsOf(`database:\n  url: \${PG_URL}\n${MODEL_LIST}`)).toEqual([
			"config.yaml:2:8 database.url: environment variable PG_URL is not set",
		]);
	});

	test("supplies the master key when the file has none", () => {
		expect(settingsOf(MODEL_LIST).masterKey).toBe(MASTER_KEY);
		expect(settingsOf(MODEL_LIST, {}).masterKey).toBeUndefined();
		expect(problemsOf(MODEL_LIST, { GATEWAY_LLM_MASTER_KEY: "changeme" })).toEqual([
			"config.yaml:1:1 auth.master_key: the value of environment variable GATEWAY_LLM_MASTER_KEY must be at least 16 characters long; `openssl rand -hex 32` makes a good one",
		]);
	});
});

describe("paths of the database", () => {
	test.each([
		["sqlite:keys.db", "/data/keys.db"],
		["sqlite:/var/lib/gateway/keys.db", "/var/lib/gateway/keys.db"],
		["sqlite:///var/lib/gateway/keys.db", "/var/lib/gateway/keys.db"],
	])("%p is %p", (url, path) => {
		expect(settingsOf(`database: { url: "${url}" }\n${MODEL_LIST}`).database).toEqual({ kind: "sqlite", path });
	});
});

describe("sections", () => {
	test("an alias's own router keys replace the global ones, the rest stay", () => {
		const text = `router: { strategy: least_latency, retries: 4 }\n${MODEL_LIST}    router: { retries: 0 }\n`;
		expect(settingsOf(text).aliases[0]).toMatchObject({ strategy: "least_latency", retries: 0, retryAfterMs: 200 });
	});

	test("a section or key without a value counts as absent", () => {
		expect(
			settingsOf(`server:\nredis:\n  # url: x\nauth:\n  master_key:\n${MODEL_LIST}`, {}).masterKey,
		).toBeUndefined();
	});

	test("what is not active yet is named", () => {
		const text = [
			"cache: { enabled: true }",
			"callbacks: [{ url: https://hooks.example.com/x }]",
			"team_budgets: { research: { monthly_budget_usd: 500, rpm: 60 } }",
			withDeployment("provider: mock", "model: echo"),
		].join("\n");
		const settings = settingsOf(text);
		expect(settings.inactive).toEqual(["cache", "callbacks"]);
		expect(settings.teamBudgets.get("research")).toEqual({
			monthlyBudgetNano: 500_000_000_000,
			rpm: 60,
			tpm: undefined,
			maxParallelRequests: undefined,
		});
	});

	test("anchors and aliases of YAML work, and problems inside are found where they are written", () => {
		const text = `server: &s { port: 80 }\nx-unknown: *s\n${MODEL_LIST}`;
		expect(problemsOf(text)).toEqual(['config.yaml:2:1 x-unknown: unknown key "x-unknown"']);
	});

	test("every deployment key arrives", () => {
		const text = withDeployment(
			"provider: openai_compatible",
			"model: m",
			"api_key: secret",
			"base_url: https://llm.example.com/v1/",
			"api_version: 2024-10-21",
			"weight: 2.5",
			"tier: medium",
			"priority: 1",
			"timeout: 2m",
			"ttft_timeout: 250ms",
			"max_context_tokens: 1000",
			"max_output_tokens: 100",
			"price: { per_image: 0.04 }",
			"headers: { X-Team: research }",
		);
		const [deployment] = settingsOf(text).aliases[0]?.deployments ?? [];
		expect(deployment).toMatchObject({
			model: "m",
			apiKey: "secret",
			baseUrl: "https://llm.example.com/v1",
			configuredBaseUrl: "https://llm.example.com/v1",
			apiVersion: "2024-10-21",
			weight: 2.5,
			tier: "medium",
			priority: 1,
			timeoutMs: 120_000,
			ttftTimeoutMs: 250,
			maxContextTokens: 1000,
			maxOutputTokens: 100,
			headers: { "X-Team": "research" },
			priceOverride: { version: "config", base: { inputPerMillion: 0, perImage: 40_000_000 } },
		});
	});
});

test("a file beyond the size limit is refused unread", () => {
	const result = load("#".repeat(1_048_577));
	expect(result).toMatchObject({ ok: false, problems: [{ line: 1, message: "is larger than 1048576 characters" }] });
});
