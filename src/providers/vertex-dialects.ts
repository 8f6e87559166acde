import { anthropicMessagesOnVertex } from "../dialects/anthropic-messages/translator.ts";
import { isGeminiEmbedding2 } from "../dialects/gemini-embed/models.ts";
import { geminiGenerateOnVertex } from "../dialects/gemini-generate/translator.ts";
import { geminiImage } from "../dialects/gemini-image/translator.ts";
import { imagenPredict } from "../dialects/imagen-predict/translator.ts";
import { vertexEmbedContent } from "../dialects/vertex-embed/embed-content.ts";
import { vertexEmbed } from "../dialects/vertex-embed/translator.ts";
import type { ProviderDefinition } from "./define.ts";
import { vertexMethod } from "./google-path.ts";

const claudePath = vertexMethod("anthropic", "rawPredict", "streamRawPredict");
const claude = { translator: anthropicMessagesOnVertex, path: claudePath, fetchesMedia: false };
const google = {
	translator: geminiGenerateOnVertex,
	path: vertexMethod("google", "generateContent", "streamGenerateContent?alt=sse"),
};
const embedding = { translator: vertexEmbed, path: vertexMethod("google", "predict") };
const embeddingContent = { translator: vertexEmbedContent, path: vertexMethod("google", "embedContent") };
const imagen = { translator: imagenPredict, path: vertexMethod("google", "predict") };
const drawing = { translator: geminiImage, path: vertexMethod("google", "generateContent") };

/** Whose words a model behind Vertex AI is spoken to in: its publisher's. Claude fetches no addresses there. */
export const vertexDialects: NonNullable<ProviderDefinition["dialects"]> = {
	chat: (model) => (model.includes("claude") ? claude : google),
	embeddings: (model) =>
		isGeminiEmbedding2(model) ? embeddingContent : model.includes("claude") ? undefined : embedding,
	"images.generations": (model) => (model.includes("claude") ? undefined : model.includes("imagen") ? imagen : drawing),
};
