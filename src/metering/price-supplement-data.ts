import type { Rates } from "./types.ts";

/**
 * What the price catalogue lacks for endpoints that the gateway serves, kept by hand. Each entry names the page
 * that decides. The speech prices were compared with it on 2026-11-22; the others are widely known figures that were not,
 * so look them up there before a release. Left out on purpose, and so unpriced until the deployment sets `price`:
 * - `dall-e-3` (0.04 to 0.12 dollars an image by size and quality, which usage does not tell),
 * - speech by `gpt-4o-mini-tts` (billed by audio tokens that its answer does not report),
 * - Cohere's `command-a-vision`, `command-a-reasoning`, `command-a-translate` (no public price),
 * - `amazon.titan-embed-image-v1`, `amazon.nova-2-multimodal-embeddings` (billed by image, second and page as well),
 * - pictures by Stability's models and Amazon's Nova Canvas on Bedrock (by size and quality),
 * - models of other makers on Vertex (`meta/llama-…-maas`, `mistral-large-2411`), aliases such as `gemini-flash-latest`,
 *   of which nobody can say what they stand for tomorrow.
 * Not in a price though it is billed: the search that every answer of OpenAI's `…-search-preview` models makes.
 */
export const SUPPLEMENT_VERSION = "gateway-supplement@2026-11";

/** In nano-dollars. */
const DOLLAR = 1_000_000_000;

interface Matched {
	/** Ids of the catalogue's providers. */
	readonly catalogues: readonly string[];
	/** Tested against the model's name in lower case. */
	readonly model: RegExp;
}

/** Azure sells OpenAI's models under the same names and prices. */
const OPENAI = ["openai", "azure"];

/** Models with a price of the supplement's own. */
export const WHOLE: readonly (Matched & { readonly version: string; readonly rates: Partial<Rates> })[] = [
	// "The moderation endpoint is free to use": https://developers.openai.com/api/docs/guides/moderation
	{ catalogues: OPENAI, model: /^(?:omni|text)-moderation-[a-z0-9-]+$/, version: "free", rates: {} },
	// 15 and 30 dollars a million characters: https://developers.openai.com/api/docs/models/tts-1 (2026-11-22).
	whole(OPENAI, /^tts-1(?:-1106)?$/, { charactersPerMillion: 15 * DOLLAR }),
	whole(OPENAI, /^tts-1-hd(?:-1106)?$/, { charactersPerMillion: 30 * DOLLAR }),
	// 0.016 to 0.02 dollars an image: the price of the default size, 1024 × 1024, which is also the dearest.
	// https://platform.openai.com/docs/models/dall-e-2
	whole(OPENAI, /^dall-e-2$/, { perImage: cents(2) }),

	// The catalogue takes Titan's second edition for the first, which costs five times as much.
	// https://aws.amazon.com/bedrock/pricing/ (Amazon Titan; Cohere)
	whole(["aws"], /amazon\.titan-embed-text-v2/, { inputPerMillion: cents(2) }),
	whole(["aws"], /cohere\.embed-(?:english|multilingual)-v3/, { inputPerMillion: cents(10) }),
	whole(["aws"], /cohere\.embed-v4/, { inputPerMillion: cents(12), imageInputPerMillion: cents(47) }),

	// https://cohere.com/pricing; the light models cost what the others do.
	whole(["cohere"], /^embed-(?:english|multilingual)-(?:light-)?v3\.0$/, { inputPerMillion: cents(10) }),

	// https://docs.mistral.ai/models/codestral-embed-25-05
	whole(["mistral"], /^codestral-embed(?:-2505)?$/, { inputPerMillion: cents(15) }),

	// 0.000025 dollars a thousand characters. Answers count tokens, which Google takes for four characters each.
	// https://cloud.google.com/vertex-ai/generative-ai/pricing#embedding-models
	whole(["google"], /(?:^|\/)text-(?:embedding-00[45]|multilingual-embedding-002)$/, { inputPerMillion: cents(10) }),
	// By the picture: https://ai.google.dev/gemini-api/docs/pricing#imagen-4 and, for Imagen 3, Vertex AI's page above.
	whole(["google"], /(?:^|\/)imagen-4\.0-generate(?:-preview)?-\d/, { perImage: cents(4) }),
	whole(["google"], /(?:^|\/)imagen-4\.0-fast-generate(?:-preview)?-\d/, { perImage: cents(2) }),
	whole(["google"], /(?:^|\/)imagen-4\.0-ultra-generate(?:-preview)?-\d/, { perImage: cents(6) }),
	whole(["google"], /(?:^|\/)imagen-3\.0-generate-\d/, { perImage: cents(4) }),
	whole(["google"], /(?:^|\/)imagen-3\.0-fast-generate-\d/, { perImage: cents(2) }),
];

/** Rates that the catalogue leaves out of prices it has. */
export const ADDED: readonly (Matched & { readonly lacking: (known: Rates) => Partial<Rates> })[] = [
	// Of these models the catalogue has the text prices only, and spoken tokens cost 16 times as much.
	// https://openai.com/api/pricing, audio tokens of the preview models, by snapshot.
	spoken(/^gpt-4o-audio-preview-2024-10-01$/, 100, 200),
	spoken(/^gpt-4o-audio-preview(?:-|$)/, 40, 80),
	spoken(/^gpt-4o-mini-audio-preview(?:-|$)/, 10, 20),

	// Images are embedded at another price than words: https://cohere.com/pricing
	{ catalogues: ["cohere"], model: /^embed-v4/, lacking: () => ({ imageInputPerMillion: cents(47) }) },

	// "5-minute cache write tokens are 1.25 times the base input tokens price, 1-hour cache write tokens are 2 times":
	// Anthropic's rule, wherever its models are sold. https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
	{
		catalogues: ["anthropic", "aws", "google", "azure", "openrouter"],
		model: /claude/,
		lacking: ({ inputPerMillion, cacheWritePerMillion }) =>
			// Models without a cache have no price for it.
			cacheWritePerMillion === undefined ? {} : { cacheWriteHourPerMillion: 2 * inputPerMillion },
	},
	// Claude's own search on Vertex AI, 10 dollars a thousand as at Anthropic; Bedrock does not offer it.
	// https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool#usage-and-pricing
	{ catalogues: ["google"], model: /claude-(?!3-haiku|3-opus)/, lacking: () => ({ perSearch: cents(1) }) },
	// Grounding with Google Search: 14 dollars a thousand queries from Gemini 3 on, before 35 dollars a thousand grounded
	// prompts (one search each, however many queries). What is free each day or month the gateway cannot know.
	// https://ai.google.dev/gemini-api/docs/pricing
	{ catalogues: ["google"], model: /gemini-[3-9]/, lacking: () => ({ perSearch: cents(1.4) }) },
	{ catalogues: ["google"], model: /gemini-(?:1\.5|2)/, lacking: () => ({ perSearch: cents(3.5) }) },
];

function whole(catalogues: readonly string[], model: RegExp, rates: Partial<Rates>) {
	return { catalogues, model, version: SUPPLEMENT_VERSION, rates };
}

/** Dollars a million audio tokens. */
function spoken(model: RegExp, heard: number, said: number) {
	const rates = { audioInputPerMillion: heard * DOLLAR, audioOutputPerMillion: said * DOLLAR };
	return { catalogues: OPENAI, model, lacking: () => rates };
}

/** Nano-dollars. */
function cents(amount: number): number {
	return Math.round((amount * DOLLAR) / 100);
}
