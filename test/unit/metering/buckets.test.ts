import { describe, expect, test } from "bun:test";
import { writeChatUsage } from "../../../src/dialects/chat-hub/usage.ts";
import { readerOf } from "../../../src/dialects/registry.ts";
import type { JsonObject } from "../../../src/lib/json-types.ts";
import { costOf } from "../../../src/metering/cost.ts";
import { createCatalogue } from "../../../src/metering/prices.ts";
import { billByHand, type Line, MILLION, THOUSAND } from "../../support/cost-formula.ts";

/*
 * From the usage of an answer to the bill, with the prices written down by hand a second time, from the providers' pages.
 */
const catalogue = createCatalogue();
const NOW = Date.UTC(2026, 10, 22, 12);

function sheet(provider: string, model: string) {
	const found = catalogue.priceOf({ catalogue: provider, model, atMs: NOW });
	if (found === undefined) {
		throw new Error(`${provider}/${model} has no price`);
	}
	return found;
}

function billed(provider: string, model: string, answer: JsonObject, reader = readerOf.chat): number {
	const usage = reader.usage(answer);
	if (usage === undefined) {
		throw new Error("the answer holds no usage");
	}
	return costOf(usage, sheet(provider, model));
}

const SONNET: JsonObject = writeChatUsage({
	prompt: 100_000,
	completion: 500,
	cacheRead: 60_000,
	cacheWrite: 20_000,
	cacheWriteHour: 15_000,
	searches: 2,
});
const LONG_SONNET: JsonObject = writeChatUsage({
	prompt: 200_001,
	completion: 500,
	cacheRead: 100_000,
	cacheWrite: 50_000,
	cacheWriteHour: 40_000,
});

describe("chat answers cost what the provider's page says", () => {
	test.each<[string, string, string, JsonObject, readonly Line[]]>([
		[
			"5-minute and 1-hour writes, reads and searches",
			"anthropic",
			"claude-sonnet-4-5-20250929",
			SONNET,
			[
				[5_000, 3, MILLION],
				[60_000, 0.3, MILLION],
				[20_000, 3.75, MILLION],
				[15_000, 6, MILLION],
				[500, 15, MILLION],
				[2, 10, THOUSAND],
			],
		],
		[
			"the same above 200,000 prompt tokens, however they were read",
			"anthropic",
			"claude-sonnet-4-5",
			LONG_SONNET,
			[
				[10_001, 6, MILLION],
				[100_000, 0.6, MILLION],
				[50_000, 7.5, MILLION],
				[40_000, 12, MILLION],
				[500, 22.5, MILLION],
			],
		],
		[
			"on Vertex AI, where the catalogue has no hour: twice the input, in both tiers",
			"google",
			"claude-sonnet-4-5@20250929",
			LONG_SONNET,
			[
				[10_001, 6, MILLION],
				[100_000, 0.6, MILLION],
				[50_000, 7.5, MILLION],
				[40_000, 12, MILLION],
				[500, 22.5, MILLION],
			],
		],
		[
			"Claude's search on Vertex AI",
			"google",
			"claude-haiku-4-5@20251001",
			writeChatUsage({ prompt: 1_000, completion: 10, searches: 3 }),
			[
				[1_000, 1, MILLION],
				[10, 5, MILLION],
				[3, 10, THOUSAND],
			],
		],
		[
			"a region of Bedrock, ten percent dearer",
			"aws",
			"us.anthropic.claude-sonnet-4-5-20250929-v1:0",
			writeChatUsage({ prompt: 10_000, completion: 100, cacheRead: 1_000, cacheWrite: 2_000, cacheWriteHour: 3_000 }),
			[
				[4_000, 3.3, MILLION],
				[1_000, 0.33, MILLION],
				[2_000, 4.125, MILLION],
				[3_000, 6.6, MILLION],
				[100, 16.5, MILLION],
			],
		],
		[
			"all regions of Bedrock",
			"aws",
			"global.anthropic.claude-sonnet-4-5-20250929-v1:0",
			writeChatUsage({ prompt: 10_000, completion: 100, cacheWriteHour: 3_000 }),
			[
				[7_000, 3, MILLION],
				[3_000, 6, MILLION],
				[100, 15, MILLION],
			],
		],
		[
			"a model on Bedrock by its ARN",
			"aws",
			"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
			writeChatUsage({ prompt: 1_000, completion: 1_000 }),
			[
				[1_000, 1.1, MILLION],
				[1_000, 5.5, MILLION],
			],
		],
		[
			"the bare name on Bedrock, in the region",
			"aws",
			"anthropic.claude-sonnet-4-5-20250929-v1:0",
			writeChatUsage({ prompt: 1_000, completion: 1_000 }),
			[
				[1_000, 3.3, MILLION],
				[1_000, 16.5, MILLION],
			],
		],
		[
			"thinking, cached tokens, up to 200,000",
			"google",
			"gemini-2.5-pro",
			writeChatUsage({ prompt: 200_000, completion: 3_000, cacheRead: 50_000, reasoning: 2_000 }),
			[
				[150_000, 1.25, MILLION],
				[50_000, 0.125, MILLION],
				[3_000, 10, MILLION],
			],
		],
		[
			"thinking, cached tokens, above 200,000",
			"google",
			"models/gemini-2.5-pro",
			writeChatUsage({ prompt: 200_001, completion: 3_000, cacheRead: 50_000, reasoning: 2_000 }),
			[
				[150_001, 2.5, MILLION],
				[50_000, 0.25, MILLION],
				[3_000, 15, MILLION],
			],
		],
		[
			"audio heard, and images that cost what words cost",
			"google",
			"gemini-2.5-flash",
			writeChatUsage({ prompt: 1_000, completion: 100, audioInput: 300, imageInput: 258 }),
			[
				[700, 0.3, MILLION],
				[300, 1, MILLION],
				[100, 2.5, MILLION],
			],
		],
		[
			"audio heard and spoken",
			"openai",
			"gpt-audio",
			writeChatUsage({ prompt: 110, completion: 120, audioInput: 100, audioOutput: 90 }),
			[
				[10, 2.5, MILLION],
				[100, 32, MILLION],
				[30, 10, MILLION],
				[90, 64, MILLION],
			],
		],
		[
			"a picture between words and thoughts",
			"google",
			"gemini-2.5-flash-image",
			writeChatUsage({ prompt: 10, completion: 1_420, imageOutput: 1_290, reasoning: 100 }),
			[
				[10, 0.3, MILLION],
				[1_290, 30, MILLION],
				[130, 2.5, MILLION],
			],
		],
		[
			"grounding with Google Search, by the query",
			"google",
			"gemini-3-pro-preview",
			writeChatUsage({ prompt: 1_000, completion: 100, searches: 2 }),
			[
				[1_000, 2, MILLION],
				[100, 12, MILLION],
				[2, 14, THOUSAND],
			],
		],
		[
			"grounding with Google Search, by the prompt",
			"google",
			"gemini-2.5-flash",
			writeChatUsage({ prompt: 1_000, completion: 100, searches: 1 }),
			[
				[1_000, 0.3, MILLION],
				[100, 2.5, MILLION],
				[1, 35, THOUSAND],
			],
		],
		[
			"Cohere",
			"cohere",
			"command-a-03-2025",
			writeChatUsage({ prompt: 1_000, completion: 100 }),
			[
				[1_000, 2.5, MILLION],
				[100, 10, MILLION],
			],
		],
		[
			"Perplexity's searches, its reasoning at a rate of its own",
			"perplexity",
			"sonar-deep-research",
			{
				prompt_tokens: 100,
				completion_tokens: 1_000,
				reasoning_tokens: 5_000,
				total_tokens: 6_100,
				num_search_queries: 18,
			},
			[
				[100, 2, MILLION],
				[1_000, 8, MILLION],
				[5_000, 3, MILLION],
				[18, 5, THOUSAND],
			],
		],
	])("%s: %s %s", (_name, provider, model, usage, lines) => {
		expect(billed(provider, model, { usage })).toBe(billByHand(...lines));
	});
});

describe("other answers cost what the provider's page says", () => {
	const images = readerOf["images.generations"];
	const drawn = { input_tokens: 50, input_tokens_details: { text_tokens: 10, image_tokens: 40 } };

	test("a picture after a picture", () => {
		const usage = { ...drawn, output_tokens: 272, total_tokens: 322 };
		expect(billed("openai", "gpt-image-1", { data: [{}], usage }, images)).toBe(
			billByHand([10, 5, MILLION], [40, 10, MILLION], [272, 40, MILLION]),
		);
	});

	test("a picture and the words of its plan", () => {
		const details = { text_tokens: 100, image_tokens: 1_000 };
		const usage = { ...drawn, output_tokens: 1_100, output_tokens_details: details, total_tokens: 1_150 };
		expect(billed("openai", "gpt-image-1.5", { data: [{}], usage }, images)).toBe(
			billByHand([10, 5, MILLION], [40, 8, MILLION], [100, 10, MILLION], [1_000, 32, MILLION]),
		);
	});

	test.each([
		["imagen-4.0-generate-001", 0.04],
		["imagen-4.0-fast-generate-001", 0.02],
		["imagen-4.0-ultra-generate-001", 0.06],
		["publishers/google/models/imagen-3.0-generate-002", 0.04],
	])("pictures by the piece: %s", (model, dollars) => {
		expect(billed("google", model, { data: [{}, {}, {}] }, images)).toBe(billByHand([3, dollars, 1]));
	});

	test("an answer with searches that OpenAI tells beside the usage", () => {
		const usage = { input_tokens: 1_000, output_tokens: 100, total_tokens: 1_100 };
		const answer = { usage, output: [], tool_usage: { web_search: { num_requests: 2 } } };
		expect(billed("openai", "gpt-4.1", answer, readerOf.responses)).toBe(
			billByHand([1_000, 2, MILLION], [100, 8, MILLION], [2, 10, THOUSAND]),
		);
	});

	test.each([
		["openai", "text-embedding-3-small", 0.02],
		["openai", "text-embedding-3-large", 0.13],
		["google", "gemini-embedding-001", 0.15],
		["google", "text-embedding-005", 0.1],
		["google", "text-multilingual-embedding-002", 0.1],
		["aws", "amazon.titan-embed-text-v1", 0.1],
		["aws", "amazon.titan-embed-text-v2:0", 0.02],
		["aws", "cohere.embed-multilingual-v3", 0.1],
		["aws", "cohere.embed-english-v3", 0.1],
		["aws", "us.cohere.embed-v4:0", 0.12],
		["cohere", "embed-v4.0", 0.12],
		["cohere", "embed-multilingual-v3.0", 0.1],
		["cohere", "embed-english-light-v3.0", 0.1],
		["mistral", "mistral-embed", 0.1],
		["mistral", "codestral-embed", 0.15],
	])("a batch of embeddings: %s %s", (provider, model, dollars) => {
		const batch = { data: [{}, {}, {}], usage: { prompt_tokens: 30_000, total_tokens: 30_000 } };
		expect(billed(provider, model, batch, readerOf.embeddings)).toBe(billByHand([30_000, dollars, MILLION]));
	});

	test("an image is embedded at a price of its own", () => {
		const usage = { prompt_tokens: 2_000, prompt_tokens_details: { image_tokens: 1_600 }, total_tokens: 2_000 };
		expect(billed("cohere", "embed-v4.0", { usage }, readerOf.embeddings)).toBe(
			billByHand([400, 0.12, MILLION], [1_600, 0.47, MILLION]),
		);
	});
});

describe("where the catalogue knows an hour's price, it wins", () => {
	test.each([
		["anthropic", "claude-3-haiku-20240307", 500_000_000],
		["anthropic", "claude-opus-5-5", 8_000_000_000],
		["aws", "us.anthropic.claude-opus-5-5", 8_800_000_000],
		["openrouter", "anthropic/claude-sonnet-4.5", 6_000_000_000],
		// No cache, so no price for one.
		["anthropic", "claude-2", undefined],
	] as const)("%s %s", (provider, model, nano) => {
		expect(sheet(provider, model).base.cacheWriteHourPerMillion).toBe(nano);
	});

	test("a sheet that the supplement had a part in says so", () => {
		expect(sheet("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0").version).toContain("+gateway-supplement@");
		expect(sheet("anthropic", "claude-sonnet-4-5").version).not.toContain("supplement");
	});
});
