import { defineProvider } from "./define.ts";

export const cerebras = defineProvider({
	id: "cerebras",
	title: "Cerebras",
	baseUrl: "https://api.cerebras.ai/v1",
	apiKeyEnv: "CEREBRAS_API_KEY",
	operations: ["chat", "completions"],
	// The only bound its reference knows: https://inference-docs.cerebras.ai/api-reference/chat-completions
	quirks: { maxTokensField: "max_completion_tokens" },
	priceCatalogue: "cerebras",
	currentModels: ["gpt-oss-120b", "gemma-4-31b"],
});
