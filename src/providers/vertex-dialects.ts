import { anthropicMessagesOnVertex } from "../dialects/anthropic-messages/translator.ts";
import { isGeminiEmbedding2 } from "../dialects/gemini-embed/models.ts";
import { geminiGenerateOnVertex } from "../dialects/gemini-generate/translator.ts";
import { geminiImage } from "../dialects/gemini-image/translator.ts";
import { imagenPredict } from "../dialects/imagen-predict/translator.ts";
import { vertexEmbedContent } from "../dialects/vertex-embed/embed-content.ts";
import { vertexEmbed } from "../dialects/vertex-embed/translator.ts";
import type { ProviderDefinition } from "./define.ts";
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
const embeddingContent = { translator: vertexEmbedContent, path: vertexMethod("google", "embedContent") };
const imagen = { translator: imagenPredict, path: vertexMethod("google", "predict") };
const drawing = { translator: geminiImage, path: vertexMethod("google", "generateContent") };
const isClaude = (model: string) => model.includes("claude");

/** Whose words a model behind Vertex AI is spoken to in: its publisher's. */
export const vertexDialects: NonNullable<ProviderDefinition["dialects"]> = {
	chat: (model) => (isClaude(model) ? claude : google),
	embeddings: (model) => (isClaude(model) ? undefined : isGeminiEmbedding2(model) ? embeddingContent : embedding),
	"images.generations": (model) => (isClaude(model) ? undefined : model.includes("imagen") ? imagen : drawing),
};
