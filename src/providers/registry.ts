import { anthropic } from "./anthropic.ts";
import { azure } from "./azure.ts";
import { bedrock } from "./bedrock.ts";
import { cerebras } from "./cerebras.ts";
import { cohere } from "./cohere.ts";
import { deepseek } from "./deepseek.ts";
import { fireworks } from "./fireworks.ts";
import { gemini } from "./gemini.ts";
import { groq } from "./groq.ts";
import { lmStudio } from "./lm-studio.ts";
import { mistral } from "./mistral.ts";
import { mock } from "./mock.ts";
import { ollama } from "./ollama.ts";
import { openai } from "./openai.ts";
import { openaiCompatible } from "./openai-compatible.ts";
import { openrouter } from "./openrouter.ts";
import { perplexity } from "./perplexity.ts";
import { together } from "./together.ts";
import type { Provider } from "./types.ts";
import { vertex } from "./vertex.ts";
import { vllm } from "./vllm.ts";
import { xai } from "./xai.ts";

/** Every provider this version speaks to, by the id used in `config.yaml`. A new one is its own file and one line here. */
export const providers: ReadonlyMap<string, Provider> = new Map(
	[
		openai,
		anthropic,
		gemini,
		vertex,
		bedrock,
		cohere,
		azure,
		openaiCompatible,
		groq,
		mistral,
		xai,
		deepseek,
		together,
		fireworks,
		openrouter,
		perplexity,
		cerebras,
		ollama,
		vllm,
		lmStudio,
		mock,
	].map((provider) => [provider.id, provider]),
);
