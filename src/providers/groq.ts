import { defineProvider } from "./define.ts";

export const groq = defineProvider({
	id: "groq",
	title: "Groq",
	baseUrl: "https://api.groq.com/openai/v1",
	apiKeyEnv: "GROQ_API_KEY",
	operations: ["chat", "responses", "audio.transcriptions", "audio.translations", "audio.speech"],
	priceCatalogue: "groq",
	currentModels: ["openai/gpt-oss-120b", "openai/gpt-oss-20b"],
});
