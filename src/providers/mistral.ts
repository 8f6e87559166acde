import { mistralChat } from "../dialects/mistral-chat/translator.ts";
import { defineProvider } from "./define.ts";

export const mistral = defineProvider({
	id: "mistral",
	title: "Mistral",
	baseUrl: "https://api.mistral.ai/v1",
	apiKeyEnv: "MISTRAL_API_KEY",
	operations: ["embeddings", "moderations", "audio.transcriptions"],
	dialects: { chat: { translator: mistralChat } },
	// Answers 422 to `stream_options.include_usage` and sends usage in the last chunk anyway:
	// https://github.com/openai/openai-agents-python/issues/442
	quirks: { streamUsage: "always" },
	priceCatalogue: "mistral",
	currentModels: [
		"mistral-large-2512",
		"mistral-medium-latest",
		"mistral-small-latest",
		"codestral-latest",
		"mistral-embed",
	],
});
