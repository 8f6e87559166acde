import { defineProvider } from "./define.ts";

export const xai = defineProvider({
	id: "xai",
	title: "xAI",
	baseUrl: "https://api.x.ai/v1",
	apiKeyEnv: "XAI_API_KEY",
	// Its image edits take JSON where OpenAI's take a form, so they are not offered: https://docs.x.ai/api-reference
	operations: ["chat", "responses", "images.generations"],
	priceCatalogue: "x-ai",
	currentModels: ["grok-4.6", "grok-4.5", "grok-4.3"],
});
