import { defineProvider } from "./define.ts";

export const fireworks = defineProvider({
	id: "fireworks",
	title: "Fireworks AI",
	baseUrl: "https://api.fireworks.ai/inference/v1",
	apiKeyEnv: "FIREWORKS_API_KEY",
	operations: ["chat", "responses", "completions", "embeddings"],
	// The last chunk of a stream always holds the usage: https://docs.fireworks.ai/tools-sdks/openai-compatibility
	quirks: { streamUsage: "always" },
	priceCatalogue: "fireworks",
	currentModels: [
		"accounts/fireworks/models/kimi-k3",
		"accounts/fireworks/models/glm-5p2",
		"accounts/fireworks/models/deepseek-v4-pro",
		"accounts/fireworks/models/gpt-oss-120b",
	],
});
