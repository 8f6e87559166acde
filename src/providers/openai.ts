import { defineProvider, OPENAI_REFUSES } from "./define.ts";

export const openai = defineProvider({
	id: "openai",
	title: "OpenAI",
	baseUrl: "https://api.openai.com/v1",
	apiKeyEnv: "OPENAI_API_KEY",
	operations: "all",
	storedResponses: true,
	// Reasoning models refuse `max_tokens`: https://platform.openai.com/docs/api-reference/chat/create
	quirks: { maxTokensField: "max_completion_tokens", refuses: OPENAI_REFUSES },
	priceCatalogue: "openai",
	currentModels: [
		"gpt-6-astra",
		"gpt-6-sol",
		"gpt-6-luna",
		"gpt-5.6-terra",
		"gpt-4o",
		"gpt-4o-mini",
		"text-embedding-3-small",
		"text-embedding-3-large",
	],
});
