import { describe, expect, test } from "bun:test";
import { priceOverride } from "../../../src/config/price-override.ts";
import { reportSnapshot, unpricedWarnings } from "../../../src/config/report.ts";
import { resolveSnapshot } from "../../../src/config/resolve.ts";
import type { Catalogue } from "../../../src/metering/prices.ts";
import { ENVIRONMENT, MASTER_KEY, NO_CATALOGUE, ownerExample, settingsOf, withDeployment } from "./config-fixtures.ts";

const CATALOGUE_PRICE = {
	...priceOverride({ input_per_million: 2_500_000_000, output_per_million: 10_000_000_000 }),
	version: "c",
};
const CATALOGUE: Catalogue = {
	priceOf: ({ catalogue, model, atMs }) =>
		catalogue === "openai" && model === "gpt-4o" && atMs === 5 ? CATALOGUE_PRICE : undefined,
	factsOf: ({ catalogue, model }) =>
		catalogue === "openai" && model === "gpt-4o" ? { contextTokens: 128_000, maxOutputTokens: 16_384 } : undefined,
};

function snapshotOf(text: string, catalogue: Catalogue = CATALOGUE) {
	return resolveSnapshot(settingsOf(text), { version: 1, masterKey: MASTER_KEY, catalogue, nowMs: 5 });
}

function firstOf(...lines: readonly string[]) {
	return snapshotOf(withDeployment(...lines)).aliases.get("a")?.deployments[0];
}

describe("prices and facts", () => {
	const gpt = ["provider: openai", "model: gpt-4o", "api_key: k"];

	test("come from the catalogue", () => {
		expect(firstOf(...gpt)).toMatchObject({
			price: { version: "c" },
			maxContextTokens: 128_000,
			maxOutputTokens: 16_384,
		});
	});

	test("of the file go first", () => {
		const price = "price: { input_per_million: 1, output_per_million: 2 }";
		expect(firstOf(...gpt, price, "max_context_tokens: 7", "max_output_tokens: 3")).toMatchObject({
			price: { version: "config", base: { inputPerMillion: 1_000_000_000, outputPerMillion: 2_000_000_000 } },
			maxContextTokens: 7,
			maxOutputTokens: 3,
		});
	});

	test("an unknown model has no price, which is not the same as free", () => {
		expect(firstOf("provider: openai", "model: gpt-99", "api_key: k")?.price).toBeUndefined();
		expect(firstOf("provider: ollama", "model: llama3")?.price).toMatchObject({
			version: "free",
			base: { inputPerMillion: 0, outputPerMillion: 0 },
		});
	});
});

describe("deployment ids", () => {
	const deployments = (...lines: readonly string[]) => [
		...snapshotOf(`model_list: [{ model_alias: a, deployments: [${lines.join(", ")}] }]`).deployments.values(),
	];
	const A = "{ provider: mock, model: x }";
	const B = "{ provider: mock, model: y }";

	test("are unique, also for twins", () => {
		const ids = deployments(A, A, B).map(({ id }) => id);
		expect(new Set(ids).size).toBe(3);
		expect(ids.every((id) => /^dep_[0-9A-Z]{26}$/.test(id))).toBe(true);
	});

	test("stay when others are added, weights change or the file is read again", () => {
		const [first] = deployments(A);
		const later = deployments(B, "{ provider: mock, model: x, weight: 3, tier: simple }");
		expect(later[1]?.id).toBe(first?.id);
	});

	test("change with the alias's own address", () => {
		const [first] = deployments(A);
		const [moved] = deployments("{ provider: mock, model: x, base_url: 'http://127.0.0.1:9/v1' }");
		expect(moved?.id).not.toBe(first?.id);
	});
});

test("a snapshot is frozen all the way down", async () => {
	const snapshot = snapshotOf(await ownerExample());
	const deployment = snapshot.aliases.get("smart")?.deployments[0];
	for (const part of [
		snapshot,
		snapshot.server,
		snapshot.aliases.get("smart"),
		deployment,
		deployment?.headers,
		deployment?.price,
	]) {
		expect(Object.isFrozen(part)).toBe(true);
	}
	// The type is read-only; what is tried is what code that ignores types could do.
	expect(() => (snapshot.aliases as Map<string, unknown>).set("x", {})).toThrow(TypeError);
	expect(() => (snapshot.deployments as Map<string, unknown>).clear()).toThrow(TypeError);
	expect(snapshot.aliases.get("smart")?.deployments.every(({ id }) => snapshot.deployments.has(id))).toBe(true);
});

describe("the report of check", () => {
	test("shows aliases, deployments, prices, warnings, inactive parts and notices, and no secret", async () => {
		const settings = settingsOf(
			`${await ownerExample()}callbacks: [{ url: https://hooks.example.com/x, secret: callback-canary-12345 }]\n`,
		);
		const snapshot = resolveSnapshot(settings, { version: 1, masterKey: MASTER_KEY, catalogue: CATALOGUE, nowMs: 5 });
		const text = reportSnapshot({ fileName: "config.yaml", snapshot, notices: settings.notices });
		const ids = [...snapshot.deployments.keys()];
		expect(text.split("\n")).toEqual([
			"config.yaml is valid: 2 aliases, 4 deployments.",
			"",
			"Aliases:",
			"  gpt-4o (classifier, 2 retries)",
			`    ${ids[0]}  openai/gpt-4o  https://api.openai.example.com/v1  weight 1  $2.50 in / $10.00 out per million tokens (c)`,
			"  smart (classifier, 2 retries)",
			`    ${ids[1]}  openai/gpt-4o  https://api.openai.example.com/v1  weight 1  $2.50 in / $10.00 out per million tokens (c)`,
			`    ${ids[2]}  anthropic/claude-sonnet-4-20250514  https://api.anthropic.example.com/v1  weight 1  UNPRICED`,
			`    ${ids[3]}  gemini/gemini-2.0-flash  https://api.gemini.example.com/v1  weight 1  UNPRICED`,
			"",
			"Warnings:",
			`  deployment ${ids[2]} (smart: anthropic/claude-sonnet-4-20250514) is UNPRICED: set price, or keys with a budget cannot use it`,
			`  deployment ${ids[3]} (smart: gemini/gemini-2.0-flash) is UNPRICED: set price, or keys with a budget cannot use it`,
			"  alias smart: strategy classifier, but no deployment has a tier: weights alone decide",
			"",
			"Not active in this version:",
			"  cache",
			"  cache.semantic",
			"  callbacks",
			"",
			"Notices:",
			...settings.notices.map((notice) => `  ${notice}`),
			"",
		]);
		for (const secret of [...Object.values(ENVIRONMENT), "callback-canary-12345"]) {
			expect(text).not.toContain(secret);
		}
	});

	test("names tier, priority, fallbacks and prices by the piece", () => {
		const text = [
			withDeployment(
				"provider: mock",
				"model: x",
				"tier: simple",
				"priority: 2",
				"price: { per_image: 0.04, per_second: 0.0001 }",
			),
			"    fallbacks: [b]\n",
			"  - { model_alias: b, deployments: [{ provider: ollama, model: y }] }\n",
		].join("");
		const snapshot = snapshotOf(text, NO_CATALOGUE);
		const report = reportSnapshot({ fileName: "f", snapshot, notices: [] });
		expect(report).toContain("a (round_robin, 2 retries, then b)");
		expect(report).toContain(
			"tier simple  priority 2  $0.00 in / $0.00 out per million tokens, $0.04 an image, $0.0001 a second (config)",
		);
		expect(report).not.toContain("Warnings");
		expect(unpricedWarnings(snapshot)).toEqual([]);
	});
});
