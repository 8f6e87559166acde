import { defineProvider, OPENAI_REFUSES } from "./define.ts";

export const cerebras = defineProvider({
	id: "cerebras",
	title: "Cerebras",
	baseUrl: "https://api.cerebras.ai/v1",
	apiKeyEnv: "CEREBRAS_API_KEY",
	operations: ["chat", "completions"],
	// The only bound its reference knows: https://inference-docs.cerebras.ai/api-reference/chat-completions
	quirks: {
		maxTokensField: "max_completion_tokens",
		// "property 'messages.2.assistant.reasoning_content' is unsupported": of a message it knows OpenAI's fields and its
		// own `reasoning`. https://github.com/Kilo-Org/kilocode/issues/10375
		refuses: [...OPENAI_REFUSES.filter((name) => name !== "reasoning"), "annotations"],
	},
	priceCatalogue: "cerebras",
	currentModels: ["gpt-oss-120b", "gemma-4-31b"],
});
