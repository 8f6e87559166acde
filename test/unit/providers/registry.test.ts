import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { calcPrice, findProvider } from "@pydantic/genai-prices";
import { OPERATIONS, type OperationId } from "../../../src/dialects/types.ts";
import { providers } from "../../../src/providers/registry.ts";
import type { Provider } from "../../../src/providers/types.ts";

const SOURCES = join(import.meta.dir, "../../../src/providers");

function provider(id: string): Provider {
	const found = providers.get(id);
	if (found === undefined) {
		throw new Error(`no provider ${id}`);
	}
	return found;
}

function urlOf(id: string, operation: OperationId, baseUrl?: string): string | undefined {
	const { baseUrl: usual, speech, url } = provider(id);
	const place = { region: "eu-west-1", project: "acme", location: "global" };
	const endpoint = {
		...place,
		baseUrl: baseUrl ?? usual(place) ?? "http://127.0.0.1:9/v1",
		model: "some/model",
		apiVersion: undefined,
	};
	const spoken = speech(operation, endpoint.model);
	return spoken === undefined ? undefined : url(endpoint, spoken.path(endpoint, false));
}

/** What each provider's own documentation says: where chat is, what else there is, and which variable holds the key. */
const DOCUMENTED: Record<
	string,
	{ chat: string; others: readonly OperationId[]; key: string | undefined; keyRequired: boolean }
> = {
	openai: {
		chat: "https://api.openai.com/v1/chat/completions",
		others: OPERATIONS.filter((operation) => operation !== "chat"),
		key: "OPENAI_API_KEY",
		keyRequired: true,
	},
	groq: {
		chat: "https://api.groq.com/openai/v1/chat/completions",
		others: ["responses", "audio.transcriptions", "audio.translations", "audio.speech"],
		key: "GROQ_API_KEY",
		keyRequired: true,
	},
	mistral: {
		chat: "https://api.mistral.ai/v1/chat/completions",
		others: ["embeddings", "moderations", "audio.transcriptions"],
		key: "MISTRAL_API_KEY",
		keyRequired: true,
	},
	xai: {
		chat: "https://api.x.ai/v1/chat/completions",
		others: ["responses", "images.generations"],
		key: "XAI_API_KEY",
		keyRequired: true,
	},
	deepseek: {
		chat: "https://api.deepseek.com/chat/completions",
		others: ["completions"],
		key: "DEEPSEEK_API_KEY",
		keyRequired: true,
	},
	together: {
		chat: "https://api.together.ai/v1/chat/completions",
		others: [
			"completions",
			"embeddings",
			"images.generations",
			"audio.transcriptions",
			"audio.translations",
			"audio.speech",
		],
		key: "TOGETHER_API_KEY",
		keyRequired: true,
	},
	fireworks: {
		chat: "https://api.fireworks.ai/inference/v1/chat/completions",
		others: ["responses", "completions", "embeddings"],
		key: "FIREWORKS_API_KEY",
		keyRequired: true,
	},
	openrouter: {
		chat: "https://openrouter.ai/api/v1/chat/completions",
		others: ["responses", "completions", "embeddings", "audio.speech"],
		key: "OPENROUTER_API_KEY",
		keyRequired: true,
	},
	perplexity: {
		chat: "https://api.perplexity.ai/chat/completions",
		others: [],
		key: "PERPLEXITY_API_KEY",
		keyRequired: true,
	},
	cerebras: {
		chat: "https://api.cerebras.ai/v1/chat/completions",
		others: ["completions"],
		key: "CEREBRAS_API_KEY",
		keyRequired: true,
	},
	ollama: {
		chat: "http://127.0.0.1:11434/v1/chat/completions",
		others: ["responses", "completions", "embeddings", "images.generations", "audio.transcriptions", "audio.speech"],
		key: undefined,
		keyRequired: false,
	},
	vllm: {
		chat: "http://127.0.0.1:8000/v1/chat/completions",
		others: ["responses", "completions", "embeddings", "audio.transcriptions", "audio.translations"],
		key: "VLLM_API_KEY",
		keyRequired: false,
	},
	lm_studio: {
		chat: "http://127.0.0.1:1234/v1/chat/completions",
		others: ["responses", "completions", "embeddings"],
		key: undefined,
		keyRequired: false,
	},
	openai_compatible: {
		chat: "http://127.0.0.1:9/v1/chat/completions",
		others: OPERATIONS.filter((operation) => operation !== "chat"),
		key: undefined,
		keyRequired: false,
	},
	mock: {
		chat: "http://127.0.0.1:9/v1/chat/completions",
		others: OPERATIONS.filter((operation) => operation !== "chat"),
		key: undefined,
		keyRequired: false,
	},
};

/** Those with words of their own, at their own addresses: whole, streamed, and each further operation for a model of its kind. */
const NATIVE: Record<string, readonly (readonly [OperationId, model: string, whole: string, streamed: string])[]> = {
	anthropic: [
		["chat", "claude-opus-5", "https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1/messages"],
	],
	gemini: [
		[
			"chat",
			"gemini-2.5-pro",
			"https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent",
			"https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
		],
		[
			"embeddings",
			"models/gemini-embedding-001",
			"https://generativelanguage.googleapis.com/v1beta/models/gemini-embedding-001:batchEmbedContents",
			"https://generativelanguage.googleapis.com/v1beta/models/gemini-embedding-001:batchEmbedContents",
		],
		[
			"images.generations",
			"imagen-4.0-generate-001",
			"https://generativelanguage.googleapis.com/v1beta/models/imagen-4.0-generate-001:predict",
			"https://generativelanguage.googleapis.com/v1beta/models/imagen-4.0-generate-001:predict",
		],
	],
	vertex: [
		[
			"chat",
			"gemini-2.5-pro",
			"https://aiplatform.googleapis.com/v1beta1/projects/acme/locations/global/publishers/google/models/gemini-2.5-pro:generateContent",
			"https://aiplatform.googleapis.com/v1beta1/projects/acme/locations/global/publishers/google/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
		],
		[
			"chat",
			"claude-sonnet-4-5@20250929",
			"https://aiplatform.googleapis.com/v1beta1/projects/acme/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
			"https://aiplatform.googleapis.com/v1beta1/projects/acme/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict",
		],
		...(
			[
				["text-embedding-005", "predict"],
				["gemini-embedding-001", "predict"],
				["gemini-embedding-2-preview", "embedContent"],
			] as const
		).map(([model, method]) => {
			const url = `https://aiplatform.googleapis.com/v1beta1/projects/acme/locations/global/publishers/google/models/${model}:${method}`;
			return ["embeddings", model, url, url] as const;
		}),
	],
	bedrock: [
		[
			"chat",
			"us.anthropic.claude-sonnet-4-5-20250929-v1:0",
			"https://bedrock-runtime.eu-west-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
			"https://bedrock-runtime.eu-west-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
		],
		[
			"embeddings",
			"amazon.titan-embed-text-v2:0",
			"https://bedrock-runtime.eu-west-1.amazonaws.com/model/amazon.titan-embed-text-v2%3A0/invoke",
			"https://bedrock-runtime.eu-west-1.amazonaws.com/model/amazon.titan-embed-text-v2%3A0/invoke",
		],
	],
	cohere: [
		["chat", "command-a-03-2025", "https://api.cohere.com/v2/chat", "https://api.cohere.com/v2/chat"],
		["embeddings", "embed-v4.0", "https://api.cohere.com/v2/embed", "https://api.cohere.com/v2/embed"],
	],
};

/** Paths below the base URL that are not OpenAI's own. */
const OWN_PATHS: Record<string, string> = { "deepseek completions": "/beta/completions" };

describe("the registry", () => {
	test("every provider is tested here and listed under its own id", () => {
		expect([...providers.keys()].sort()).toEqual([...Object.keys(DOCUMENTED), ...Object.keys(NATIVE), "azure"].sort());
		for (const [id, value] of providers) {
			expect(value.id).toBe(id);
		}
	});

	test.each(Object.entries(DOCUMENTED))(
		"%s is reached where its documentation says, for what it offers",
		(id, documented) => {
			expect(urlOf(id, "chat")).toBe(documented.chat);
			const base = documented.chat.slice(0, -"/chat/completions".length);
			for (const operation of OPERATIONS.filter((candidate) => candidate !== "chat")) {
				const path = OWN_PATHS[`${id} ${operation}`] ?? `/${operation.replace(".", "/")}`;
				expect(urlOf(id, operation)).toBe(documented.others.includes(operation) ? `${base}${path}` : undefined);
			}
		},
	);

	test.each(Object.entries(DOCUMENTED))(
		"%s takes its key as a bearer token, from the conventional variable",
		(id, documented) => {
			const { apiKeyEnv, auth, keyRequired } = provider(id);
			expect(apiKeyEnv).toBe(documented.key);
			expect(keyRequired).toBe(documented.keyRequired);
			expect(auth("k-1")).toEqual({ authorization: "Bearer k-1" });
			expect(auth(undefined)).toEqual({});
		},
	);

	test.each(Object.entries(NATIVE).flatMap(([id, cases]) => cases.map((entry) => [id, ...entry] as const)))(
		"%s does %s of %s in its own words, where its documentation says",
		(id, operation, model, whole, streamed) => {
			const place = { region: "eu-west-1", project: "acme", location: "global", apiVersion: undefined, model };
			const { speech, url, baseUrl } = provider(id);
			const spoken = speech(operation, model);
			const endpoint = { ...place, baseUrl: baseUrl(place) ?? "" };
			expect(spoken?.translator).toBeDefined();
			expect(url(endpoint, spoken?.path(endpoint, false) ?? "")).toBe(whole);
			expect(url(endpoint, spoken?.path(endpoint, true) ?? "")).toBe(streamed);
		},
	);

	test("a base URL of one's own may name the version or leave it out", () => {
		const place = { region: undefined, project: undefined, location: undefined, apiVersion: undefined, model: "m" };
		for (const base of ["https://proxy.test", "https://proxy.test/v1"]) {
			expect(provider("anthropic").url({ ...place, baseUrl: base }, "/messages")).toBe(
				"https://proxy.test/v1/messages",
			);
		}
		expect(provider("gemini").url({ ...place, baseUrl: "https://proxy.test/v1beta" }, "/x")).toBe(
			"https://proxy.test/v1beta/x",
		);
	});

	test("a model's name cannot leave its place in a path", () => {
		const place = { region: "r", project: "p", location: "global", apiVersion: undefined, baseUrl: "https://x.test" };
		for (const id of ["gemini", "vertex", "bedrock"]) {
			const endpoint = { ...place, model: "../../evil?x=1#y" };
			const address = new URL(
				provider(id).url(endpoint, provider(id).speech("chat", endpoint.model)?.path(endpoint, false) ?? ""),
			);
			expect([id, address.pathname.split("/").includes(".."), address.hash, address.searchParams.has("x")]).toEqual([
				id,
				false,
				"",
				false,
			]);
		}
	});

	test("a base URL is the prefix to which the path is added, with or without /v1", () => {
		expect(urlOf("openai_compatible", "chat", "https://llm.example.org/v1")).toBe(
			"https://llm.example.org/v1/chat/completions",
		);
		expect(urlOf("openai_compatible", "chat", "https://llm.example.org/deep/path")).toBe(
			"https://llm.example.org/deep/path/chat/completions",
		);
	});
});

describe("declared peculiarities", () => {
	test("the bound on output tokens has the name each provider reads", () => {
		const modern = [...providers.values()].filter(({ quirks }) => quirks.maxTokensField === "max_completion_tokens");
		expect(modern.map(({ id }) => id)).toEqual(["openai", "azure", "cerebras"]);
	});

	test("stream usage is not asked of those that send it unasked", () => {
		const unasked = [...providers.values()].filter(({ quirks }) => quirks.streamUsage === "always");
		expect(unasked.map(({ id }) => id)).toEqual(["mistral", "fireworks", "perplexity"]);
	});

	test("stored responses are offered by those that keep them", () => {
		const keeping = [...providers.values()].filter(({ storedResponses }) => storedResponses);
		expect(keeping.map(({ id }) => id)).toEqual(["openai", "azure", "mock"]);
	});

	test("local servers are free and the mock has a price of its own", () => {
		const free = [...providers.values()].filter((candidate) => candidate.free);
		expect(free.map(({ id, local }) => [id, local])).toEqual([
			["ollama", true],
			["vllm", true],
			["lm_studio", true],
		]);
		expect(provider("mock").builtInPrice).toMatchObject({
			version: "mock",
			base: { inputPerMillion: 150_000_000, outputPerMillion: 600_000_000 },
			tiers: [],
		});
	});
});

describe("prices", () => {
	const catalogued = [...providers.values()].filter(({ priceCatalogue }) => priceCatalogue !== undefined);

	test.each(catalogued.map((value) => [value.id, value] as const))(
		"%s is in the catalogue by exactly that id",
		(_, value) => {
			expect(findProvider({ providerId: value.priceCatalogue ?? "" })?.id).toBe(value.priceCatalogue ?? "");
		},
	);

	test.each(
		catalogued.flatMap(({ priceCatalogue, currentModels }) =>
			currentModels.map((model) => [priceCatalogue ?? "", model] as const),
		),
	)("%s %s, served without configuration, has a price", (providerId, model) => {
		const price = calcPrice({ input_tokens: 1_000_000, output_tokens: 1_000_000 }, model, { providerId });
		expect(price?.total_price ?? 0).toBeGreaterThan(0);
	});
});

test("a provider is one file of at most thirty lines", () => {
	const machinery = new Set(["define.ts", "registry.ts", "types.ts"]);
	const long = readdirSync(SOURCES)
		.filter((name) => !machinery.has(name))
		.map((name) => [name, readFileSync(join(SOURCES, name), "utf8").trimEnd().split("\n").length] as const)
		.filter(([, lines]) => lines > 30);
	expect(long).toEqual([]);
});
