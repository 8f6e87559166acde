import { defineProvider } from "./define.ts";

export const together = defineProvider({
	id: "together",
	title: "Together AI",
	baseUrl: "https://api.together.ai/v1",
	apiKeyEnv: "TOGETHER_API_KEY",
	operations: [
		"chat",
		"completions",
		"embeddings",
		"images.generations",
		"audio.speech",
		"audio.transcriptions",
		"audio.translations",
	],
	priceCatalogue: "together",
	// None by default: the price catalogue lags behind Together's serverless list.
	currentModels: [],
});
