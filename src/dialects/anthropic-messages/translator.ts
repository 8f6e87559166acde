import type { Translator } from "../translation.ts";
import { chatAnswer } from "./answer.ts";
import { readFault } from "./faults.ts";
import { ANTHROPIC_API, type Platform, VERTEX } from "./platform.ts";
import { SEAL_FORMAT } from "./reasoning.ts";
import { wireRequest } from "./request.ts";
import { openChatStream } from "./stream.ts";

/** OpenAI's chat in the words of Anthropic's Messages API. See docs/dialects/anthropic-messages.md. */
export const anthropicMessages = messagesTranslator(ANTHROPIC_API);

/** The same on Google's Vertex AI. */
export const anthropicMessagesOnVertex = messagesTranslator(VERTEX);

function messagesTranslator(platform: Platform): Translator {
	return {
		reads: ({ format }) => format === SEAL_FORMAT,
		translate(request, target) {
			const { body, headers, dropped, answer: plan } = wireRequest(request, target, platform);
			return {
				body,
				...(headers === undefined ? {} : { headers }),
				dropped,
				whole: (answer) => chatAnswer(answer, plan, target),
				openStream: () => openChatStream(plan, target),
				readFault,
			};
		},
	};
}
