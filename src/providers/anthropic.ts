import { defineProvider } from "./define.ts";

/** By Anthropic's own OpenAI-compatible endpoint: https://docs.claude.com/en/api/openai-sdk */
export const anthropic = defineProvider({
	id: "anthropic",
	title: "Anthropic",
	baseUrl: "https://api.anthropic.com/v1",
	apiKeyEnv: "ANTHROPIC_API_KEY",
	operations: ["chat"],
	priceCatalogue: "anthropic",
	currentModels: ["claude-opus-5", "claude-sonnet-4-5", "claude-haiku-4-5"],
});
