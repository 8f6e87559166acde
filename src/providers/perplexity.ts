import { defineProvider } from "./define.ts";

export const perplexity = defineProvider({
	id: "perplexity",
	title: "Perplexity",
	// No /v1: that prefix is its agent API, which does not serve the Sonar models under their own names.
	baseUrl: "https://api.perplexity.ai",
	apiKeyEnv: "PERPLEXITY_API_KEY",
	operations: ["chat"],
	// Every chunk holds the usage so far: https://docs.perplexity.ai/guides/chat-completions-guide
	quirks: { streamUsage: "always" },
	priceCatalogue: "perplexity",
	currentModels: ["sonar", "sonar-pro", "sonar-reasoning-pro", "sonar-deep-research"],
});
