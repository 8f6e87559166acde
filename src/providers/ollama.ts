import { defineProvider } from "./define.ts";

export const ollama = defineProvider({
	id: "ollama",
	title: "Ollama",
	baseUrl: "http://127.0.0.1:11434/v1",
	local: true,
	// https://docs.ollama.com/api/openai-compatibility
	operations: [
		"chat",
		"responses",
		"completions",
		"embeddings",
		"images.generations",
		"audio.transcriptions",
		"audio.speech",
	],
	free: true,
});
