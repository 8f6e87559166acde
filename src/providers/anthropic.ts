import { anthropicMessages } from "../dialects/anthropic-messages/translator.ts";
import { defineProvider, versionedUrl } from "./define.ts";

export const anthropic = defineProvider({
	id: "anthropic",
	title: "Anthropic",
	baseUrl: "https://api.anthropic.com",
	apiKeyEnv: "ANTHROPIC_API_KEY",
	dialects: { chat: { translator: anthropicMessages, path: "/messages" } },
	url: versionedUrl("/v1"),
	auth: (apiKey) => ({ "anthropic-version": "2023-06-01", ...(apiKey === undefined ? {} : { "x-api-key": apiKey }) }),
	priceCatalogue: "anthropic",
	currentModels: ["claude-opus-5", "claude-sonnet-4-5", "claude-haiku-4-5"],
});
