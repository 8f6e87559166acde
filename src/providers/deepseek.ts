import { defineProvider } from "./define.ts";

export const deepseek = defineProvider({
	id: "deepseek",
	title: "DeepSeek",
	baseUrl: "https://api.deepseek.com",
	apiKeyEnv: "DEEPSEEK_API_KEY",
	operations: ["chat", "completions"],
	// Plain completions exist below /beta only: https://api-docs.deepseek.com/guides/fim_completion
	dialects: { completions: { path: "/beta/completions" } },
	priceCatalogue: "deepseek",
	currentModels: ["deepseek-v4-flash", "deepseek-v4-pro"],
});
