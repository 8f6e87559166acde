import { anthropicMessagesOnVertex } from "../dialects/anthropic-messages/translator.ts";
import { geminiGenerateOnVertex } from "../dialects/gemini-generate/translator.ts";
import { geminiImage } from "../dialects/gemini-image/translator.ts";
import { imagenPredict } from "../dialects/imagen-predict/translator.ts";
import { vertexEmbed } from "../dialects/vertex-embed/translator.ts";
import { defineProvider, versionedUrl } from "./define.ts";
import { vertexMethod } from "./google-path.ts";

const claude = {
	translator: anthropicMessagesOnVertex,
	path: vertexMethod("anthropic", "rawPredict", "streamRawPredict"),
};
const google = {
	translator: geminiGenerateOnVertex,
	path: vertexMethod("google", "generateContent", "streamGenerateContent?alt=sse"),
};
const embedding = { translator: vertexEmbed, path: vertexMethod("google", "predict") };
const imagen = { translator: imagenPredict, path: vertexMethod("google", "predict") };
const drawing = { translator: geminiImage, path: vertexMethod("google", "generateContent") };
const isClaude = (model: string) => model.includes("claude");

/** Google's and Anthropic's models in a Google Cloud project: https://cloud.google.com/vertex-ai/generative-ai/docs */
export const vertex = defineProvider({
	id: "vertex",
	title: "Google Vertex AI",
	baseUrl: ({ location }) =>
		location === undefined || location === "global"
			? "https://aiplatform.googleapis.com"
			: `https://${location}-aiplatform.googleapis.com`,
	account: "google",
	dialects: {
		chat: (model) => (isClaude(model) ? claude : google),
		embeddings: (model) => (isClaude(model) ? undefined : embedding),
		"images.generations": (model) => (isClaude(model) ? undefined : model.includes("imagen") ? imagen : drawing),
	},
	url: versionedUrl("/v1"),
	priceCatalogue: "google",
});
