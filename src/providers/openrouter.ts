import { defineProvider } from "./define.ts";
import { readsAtOpenrouter } from "./openrouter-seals.ts";

export const openrouter = defineProvider({
	id: "openrouter",
	title: "OpenRouter",
	baseUrl: "https://openrouter.ai/api/v1",
	apiKeyEnv: "OPENROUTER_API_KEY",
	// Its transcriptions take JSON where OpenAI's take a form: https://openrouter.ai/docs/api-reference/overview
	operations: ["chat", "responses", "completions", "embeddings", "audio.speech"],
	quirks: { reads: readsAtOpenrouter },
	priceCatalogue: "openrouter",
	currentModels: [
		"openai/gpt-6-sol",
		"openai/gpt-6-luna",
		"anthropic/claude-opus-5.5",
		"anthropic/claude-sonnet-5",
		"moonshotai/kimi-k3",
		"deepseek/deepseek-v4-pro",
	],
});
