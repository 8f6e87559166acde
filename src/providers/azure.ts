import { azureUrl } from "./azure-url.ts";
import { defineProvider, OPENAI_REFUSES } from "./define.ts";

export const azure = defineProvider({
	id: "azure",
	title: "Azure OpenAI",
	apiKeyEnv: "AZURE_OPENAI_API_KEY",
	operations: [
		"chat",
		"responses",
		"completions",
		"embeddings",
		"images.generations",
		"images.edits",
		"audio.transcriptions",
		"audio.translations",
		"audio.speech",
	],
	storedResponses: true,
	url: azureUrl,
	auth: (apiKey) => (apiKey === undefined ? {} : { "api-key": apiKey }),
	quirks: { maxTokensField: "max_completion_tokens", refuses: OPENAI_REFUSES },
	priceCatalogue: "azure",
});
