import { completionsOverChat } from "./completions-over-chat/translator.ts";
import { listeningAnswer, speechAnswer } from "./openai-audio/answer.ts";
import { createListeningIngress, createSpeechIngress } from "./openai-audio/ingress.ts";
import { chatAnswer } from "./openai-chat/answer.ts";
import { createChatIngress } from "./openai-chat/ingress.ts";
import { completionsAnswer } from "./openai-completions/answer.ts";
import { createCompletionsIngress } from "./openai-completions/ingress.ts";
import { embeddingsAnswer } from "./openai-embeddings/answer.ts";
import { createEmbeddingsIngress } from "./openai-embeddings/ingress.ts";
import { imagesAnswer } from "./openai-images/answer.ts";
import { createImageEditsIngress, createImageGenerationsIngress } from "./openai-images/ingress.ts";
import { moderationsAnswer } from "./openai-moderations/answer.ts";
import { createModerationsIngress } from "./openai-moderations/ingress.ts";
import { responsesAnswer } from "./openai-responses/answer.ts";
import { createResponsesIngress } from "./openai-responses/ingress.ts";
import { responsesOverChat } from "./responses-over-chat/translator.ts";
import type { Translator } from "./translation.ts";
import type { AnswerReader, Ingress, OperationId, PromptTokensUpperBound } from "./types.ts";

/** The readers of requests, one an operation. */
export function createIngresses(deps: {
	readonly promptTokensUpperBound: PromptTokensUpperBound;
}): Readonly<Record<OperationId, Ingress>> {
	const bound = deps.promptTokensUpperBound;
	return {
		chat: createChatIngress(bound),
		responses: createResponsesIngress(bound),
		completions: createCompletionsIngress(bound),
		embeddings: createEmbeddingsIngress(bound),
		moderations: createModerationsIngress(bound),
		"images.generations": createImageGenerationsIngress(bound),
		"images.edits": createImageEditsIngress(bound),
		"audio.transcriptions": createListeningIngress("audio.transcriptions", bound),
		"audio.translations": createListeningIngress("audio.translations", bound),
		"audio.speech": createSpeechIngress(bound),
	};
}

/** The readers of answers, one an operation. They hold no state: streams are opened from them. */
export const readerOf: Readonly<Record<OperationId, AnswerReader>> = {
	chat: chatAnswer,
	responses: responsesAnswer,
	completions: completionsAnswer,
	embeddings: embeddingsAnswer,
	moderations: moderationsAnswer,
	"images.generations": imagesAnswer("images.generations"),
	"images.edits": imagesAnswer("images.edits"),
	"audio.transcriptions": listeningAnswer("audio.transcriptions"),
	"audio.translations": listeningAnswer("audio.translations"),
	"audio.speech": speechAnswer,
};

/** Operations that a provider without them can be asked for by way of chat. */
export const bridges: Readonly<Partial<Record<OperationId, Translator>>> = {
	responses: responsesOverChat,
	completions: completionsOverChat,
};
