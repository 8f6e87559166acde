import { geminiEmbed } from "../dialects/gemini-embed/translator.ts";
import { geminiGenerate } from "../dialects/gemini-generate/translator.ts";
import { geminiImage } from "../dialects/gemini-image/translator.ts";
import { imagenPredict } from "../dialects/imagen-predict/translator.ts";
import { defineProvider, versionedUrl } from "./define.ts";
import { geminiMethod } from "./google-path.ts";

const imagen = { translator: imagenPredict, path: geminiMethod("predict") };
const drawing = { translator: geminiImage, path: geminiMethod("generateContent") };

export const gemini = defineProvider({
	id: "gemini",
	title: "Google Gemini",
	baseUrl: "https://generativelanguage.googleapis.com",
	apiKeyEnv: "GEMINI_API_KEY",
	dialects: {
		chat: { translator: geminiGenerate, path: geminiMethod("generateContent", "streamGenerateContent?alt=sse") },
		embeddings: { translator: geminiEmbed, path: geminiMethod("batchEmbedContents") },
		"images.generations": (model) => (model.includes("imagen") ? imagen : drawing),
	},
	url: versionedUrl("/v1beta"),
	auth: (apiKey) => (apiKey === undefined ? {} : { "x-goog-api-key": apiKey }),
	priceCatalogue: "google",
	currentModels: ["gemini-3.1-pro-preview", "gemini-3.8-flash", "gemini-3.5-flash-lite"],
});
