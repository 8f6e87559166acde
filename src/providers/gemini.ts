import { defineProvider } from "./define.ts";

/** By Google's own OpenAI-compatible endpoint: https://ai.google.dev/gemini-api/docs/openai */
export const gemini = defineProvider({
	id: "gemini",
	title: "Google Gemini",
	baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
	apiKeyEnv: "GEMINI_API_KEY",
	operations: ["chat", "embeddings", "images.generations"],
	priceCatalogue: "google",
	currentModels: ["gemini-3.1-pro-preview", "gemini-3.8-flash", "gemini-3.5-flash-lite"],
});
