import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { formatUsd } from "../../../src/lib/money.ts";
import { NO_USAGE, type Usage } from "../../../src/lib/usage.ts";
import { costOf } from "../../../src/metering/cost.ts";
import { covers } from "../../../src/metering/price-match.ts";
import { readPriceSheet } from "../../../src/metering/price-sheet.ts";
import { createCatalogue } from "../../../src/metering/prices.ts";
import type { PriceSheet } from "../../../src/metering/types.ts";

const catalogue = createCatalogue();
const NOW = Date.UTC(2026, 10, 22, 12);

function sheet(provider: string, model: string, atMs = NOW): PriceSheet {
	const found = catalogue.priceOf({ catalogue: provider, model, atMs });
	if (!found) {
		throw new Error(`${provider}/${model} has no price`);
	}
	return found;
}

function cost(provider: string, model: string, usage: Partial<Usage>, atMs = NOW): string {
	return formatUsd(costOf({ ...NO_USAGE, ...usage }, sheet(provider, model, atMs)));
}

describe("costs worked out by hand", () => {
	test.each([
		["openai", "gpt-4o-mini", { input: 60, output: 150 }, "0.000099"],
		["openai", "gpt-4o-mini-2024-07-18", { input: 60, output: 150 }, "0.000099"],
		["openai", "gpt-4o-mini-20240718", { input: 60, output: 150 }, "0.000099"],
		["openai", "GPT-4o-mini", { input: 60, output: 150 }, "0.000099"],
		["azure", "gpt-4o-mini", { input: 60, output: 150 }, "0.000099"],
		// 1,000,000 × 0.075
		["openai", "gpt-4o-mini", { cacheRead: 1_000_000 }, "0.075000"],
		// 200,000 × 3 + 1,000 × 15, one token more: 200,001 × 6 + 1,000 × 22.5
		["anthropic", "claude-sonnet-4-5", { input: 200_000, output: 1_000 }, "0.615000"],
		["anthropic", "claude-sonnet-4-5-20250929", { input: 200_001, output: 1_000 }, "1.222506"],
		// 10 × 3 + 20 × 0.3 + 30 × 3.75
		["anthropic", "claude-sonnet-4-5", { input: 10, cacheRead: 20, cacheWrite: 30 }, "0.0001485"],
		// 200,000 × 1.25 + 10 × 10, above: 300,000 × 2.5 + 10 × 15
		["google", "gemini-2.5-pro", { input: 200_000, output: 10 }, "0.250100"],
		["google", "gemini-2.5-pro", { input: 300_000, reasoning: 10 }, "0.750150"],
		["google", "gemini-2.5-flash", { audioInput: 1_000 }, "0.001000"],
		["openai", "text-embedding-3-small", { input: 1_000 }, "0.000020"],
		// "<272K at the standard rate": 272,000 is the first token of the dearer tier.
		["openai", "gpt-5.4", { input: 271_999 }, "0.6799975"],
		["openai", "gpt-5.4", { input: 272_000 }, "1.360000"],
		// 0.36 dollars an hour
		["openai", "whisper-1", { seconds: 60 }, "0.006000"],
		["openai", "gpt-4o-transcribe", { audioInput: 1_000, output: 100 }, "0.007000"],
		["openai", "gpt-audio", { input: 10, audioInput: 10, output: 10, audioOutput: 10 }, "0.001085"],
		["openai", "gpt-4o-audio-preview", { audioInput: 1_000, audioOutput: 1_000 }, "0.120000"],
		["openai", "gpt-4o-audio-preview-2024-10-01", { audioOutput: 1_000 }, "0.200000"],
		// 13 × 5 + 272 × 40
		["openai", "gpt-image-1", { input: 13, imageOutput: 272 }, "0.010945"],
		["openai", "dall-e-2", { images: 2 }, "0.040000"],
		["openai", "tts-1", { characters: 4_095 }, "0.061425"],
		["openai", "tts-1-hd", { characters: 1_000 }, "0.030000"],
		["openai", "omni-moderation-latest", { input: 5_000 }, "0.000000"],
		// 12 dollars a thousand requests
		["perplexity", "sonar", { input: 1_000, output: 1_000 }, "0.014000"],
		["perplexity", "sonar-deep-research", { reasoning: 1_000 }, "0.003000"],
		["groq", "whisper-large-v3-turbo", { seconds: 3_600 }, "0.0400032"],
		["aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", { input: 1_000 }, "0.003300"],
	] as const)("%s %s, %o: $%s", (provider, model, usage, usd) => {
		expect(cost(provider, model, usage)).toBe(usd);
	});
});

describe("models without a price", () => {
	test.each([
		["openai", "gpt-99"],
		["openai", "gpt-4o-mini-super"],
		["openai", ""],
		["nobody", "gpt-4o-mini"],
		// The package resolves these provider names by substring; a typo must not find a price.
		["my-openai-proxy", "gpt-4o-mini"],
		// Sold for 0.04 to 0.12 dollars an image: usage does not tell which.
		["openai", "dall-e-3"],
		// In the catalogue without any price, which is not the same as free.
		["google", "gemma-3-27b-it"],
		["cerebras", "qwen-3-coder-480b"],
		// Priced by the page.
		["mistral", "mistral-ocr-latest"],
		// Billed by the image as well, of which an answer says nothing.
		["aws", "amazon.titan-embed-image-v1"],
		["cohere", "command-a-vision-07-2025"],
		// A later version than the one that `starts_with` was written for.
		["anthropic", "claude-sonnet-5-5"],
		["anthropic", "claude-sonnet-5.5"],
	])("%s %s", (provider, model) => {
		expect(catalogue.priceOf({ catalogue: provider, model, atMs: NOW })).toBeUndefined();
	});
});

describe("matching clauses", () => {
	test.each([
		[{ starts_with: "claude-sonnet-5" }, "claude-sonnet-5", true],
		[{ starts_with: "claude-sonnet-5" }, "claude-sonnet-5-20260630", true],
		[{ starts_with: "claude-sonnet-5" }, "claude-sonnet-5-latest", true],
		[{ starts_with: "claude-sonnet-5" }, "claude-sonnet-5-1", false],
		[{ starts_with: "gemini-2.5-pro" }, "gemini-2.5-pro-preview-05-06", true],
		[{ starts_with: "gemini-3.1-pro-preview" }, "gemini-3.1-pro-preview-12-20", true],
		[{ starts_with: "gpt-3.5-turbo-instruct" }, "gpt-3.5-turbo-instruct-0914", true],
		[{ contains: "gemini-1.5-flash" }, "models/gemini-1.5-flash-002", true],
		[{ contains: "Nova-Lite" }, "us.amazon.nova-lite-v1:0", true],
		[{ ends_with: "opus-5" }, "global.anthropic.claude-opus-5", true],
		[{ equals: "GPT-4o" }, "gpt-4o", true],
		[{ regex: "^gpt-6-sol-\\d{4}-\\d{2}-\\d{2}$" }, "gpt-6-sol-2026-09-01", true],
		[{ and: [{ starts_with: "gpt" }, { ends_with: "-x" }] }, "gpt-y", false],
		[{ or: [{ equals: "a" }, { equals: "b" }] }, "b", true],
	] as const)("%o covers %s: %p", (match, name, expected) => {
		// `as const` makes the lists readonly, the package's type does not.
		expect(covers(match as Parameters<typeof covers>[0], name)).toBe(expected);
	});
});

describe("prices that change", () => {
	test("a price with a start date holds from midnight UTC of that day", () => {
		const day = Date.UTC(2025, 5, 10);
		expect(cost("openai", "o3", { input: 1_000 }, day - 1)).toBe("0.010000");
		expect(cost("openai", "o3", { input: 1_000 }, day)).toBe("0.002000");
	});

	test.each([
		["00:29:59", "0.000135"],
		["00:30:00", "0.000270"],
		["16:29:59", "0.000270"],
		["16:30:00", "0.000135"],
	])("deepseek-chat at %s UTC", (time, usd) => {
		expect(cost("deepseek", "deepseek-chat", { input: 1_000 }, Date.parse(`2026-11-22T${time}Z`))).toBe(usd);
	});
});

describe("sheets", () => {
	test("the version is the one of the installed package", () => {
		const path = new URL("../../../node_modules/@pydantic/genai-prices/package.json", import.meta.url);
		// The package's own manifest.
		const { version } = JSON.parse(readFileSync(path, "utf8")) as { version: string };
		expect(sheet("openai", "gpt-4o-mini").version).toBe(`genai-prices@${version}`);
		expect(sheet("openai", "omni-moderation-latest").version).toBe("free");
		expect(sheet("openai", "tts-1").version).toBe("gateway-supplement@2026-11");
		expect(sheet("openai", "gpt-4o-audio-preview").version).toBe(`genai-prices@${version}+gateway-supplement@2026-11`);
	});

	test("what is not priced apart falls back, it is not zero", () => {
		expect(sheet("openai", "text-embedding-3-small").base).toMatchObject({
			inputPerMillion: 20_000_000,
			cachedInputPerMillion: undefined,
			audioInputPerMillion: undefined,
			perImage: undefined,
		});
		// The catalogue gives one price for both directions of old completion models.
		expect(sheet("azure", "davinci-002").base.outputPerMillion).toBe(2_000_000_000);
	});

	test("prices are exact to the nano-dollar", () => {
		const read = readPriceSheet({ input_mtok: 0.1 + 0.2, output_mtok: 0.003625 }, "test");
		expect(read?.base).toMatchObject({ inputPerMillion: 300_000_001, outputPerMillion: 3_625_000 });
		expect(readPriceSheet({ input_document_kpages: 1 }, "test")).toBeUndefined();
	});

	test("the same model is the same sheet, however often it is asked for", () => {
		expect(sheet("openai", "gpt-4o")).toBe(sheet("openai", "gpt-4o"));
		for (let index = 0; index < 5_000; index += 1) {
			catalogue.priceOf({ catalogue: "openai", model: `nope-${index}`, atMs: NOW });
		}
		expect(sheet("openai", "gpt-4o").base.inputPerMillion).toBe(2_500_000_000);
	});
});

describe("facts", () => {
	test.each([
		["openai", "gpt-4o-mini", 128_000, 16_384],
		["openai", "gpt-4o-2024-05-13", 128_000, 4_096],
		["openai", "gpt-5-mini-2025-08-07", 400_000, 128_000],
		["openai", "o3", 200_000, 100_000],
		["anthropic", "claude-sonnet-4-20250514", 200_000, 64_000],
		["anthropic", "claude-opus-4-1-20250805", 200_000, 32_000],
		["anthropic", "claude-opus-4-6", 1_000_000, 128_000],
		["aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", 200_000, 64_000],
		["google", "gemini-2.5-flash", 1_048_576, 65_536],
		["google", "gemini-2.0-flash", 1_000_000, 8_192],
		["groq", "llama-3.3-70b-versatile", undefined, undefined],
	] as const)("%s %s: context %p, output %p", (provider, model, contextTokens, maxOutputTokens) => {
		expect(catalogue.factsOf({ catalogue: provider, model })).toMatchObject({ contextTokens, maxOutputTokens });
	});

	test("of an unknown model nothing is known", () => {
		expect(catalogue.factsOf({ catalogue: "openai", model: "gpt-99" })).toBeUndefined();
		expect(catalogue.factsOf({ catalogue: "anthropic", model: "claude-opus-6" })).toBeUndefined();
	});
});
