import { cohereEmbed } from "../dialects/cohere-embed/translator.ts";
import { cohereV2 } from "../dialects/cohere-v2/translator.ts";
import { defineProvider, versionedUrl } from "./define.ts";

export const cohere = defineProvider({
	id: "cohere",
	title: "Cohere",
	baseUrl: "https://api.cohere.com",
	apiKeyEnv: "COHERE_API_KEY",
	dialects: {
		chat: { translator: cohereV2, path: "/chat" },
		embeddings: { translator: cohereEmbed, path: "/embed" },
	},
	url: versionedUrl("/v2"),
	priceCatalogue: "cohere",
	currentModels: ["command-a-03-2025", "command-r7b-12-2024", "embed-v4.0"],
});
