import { defineProvider } from "./define.ts";

export const lmStudio = defineProvider({
	id: "lm_studio",
	title: "LM Studio",
	baseUrl: "http://127.0.0.1:1234/v1",
	local: true,
	// https://lmstudio.ai/docs/developer/openai-compat
	operations: ["chat", "responses", "completions", "embeddings"],
	free: true,
});
