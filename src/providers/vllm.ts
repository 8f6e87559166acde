import { defineProvider } from "./define.ts";

export const vllm = defineProvider({
	id: "vllm",
	title: "vLLM",
	baseUrl: "http://127.0.0.1:8000/v1",
	local: true,
	apiKeyEnv: "VLLM_API_KEY",
	// https://docs.vllm.ai/en/stable/serving/online_serving.html
	operations: ["chat", "responses", "completions", "embeddings", "audio.transcriptions", "audio.translations"],
	free: true,
});
