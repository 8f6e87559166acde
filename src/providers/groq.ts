import { defineProvider, OPENAI_REFUSES } from "./define.ts";

export const groq = defineProvider({
	id: "groq",
	title: "Groq",
	baseUrl: "https://api.groq.com/openai/v1",
	apiKeyEnv: "GROQ_API_KEY",
	operations: ["chat", "responses", "audio.transcriptions", "audio.translations", "audio.speech"],
	// "property 'annotations' is unsupported": it takes no field of a message that it does not know, but `reasoning`.
	quirks: { refuses: [...OPENAI_REFUSES.filter((name) => name !== "reasoning"), "annotations"] },
	priceCatalogue: "groq",
	currentModels: ["openai/gpt-oss-120b", "openai/gpt-oss-20b"],
});
