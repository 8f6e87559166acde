import type { Translator } from "../translation.ts";
import { type AnswerTerms, cohereAnswer } from "./answer.ts";
import { readCohereFault } from "./faults.ts";
import { cohereRequest } from "./request.ts";
import { openCohereStream } from "./stream.ts";

/** Chat by way of Cohere's `POST /v2/chat`. @see https://docs.cohere.com/reference/chat */
export const cohereV2: Translator = {
	translate(request, target) {
		const { body, dropped, chat, customTools } = cohereRequest(request, target);
		const terms: AnswerTerms = {
			facts: {
				id: `chatcmpl-${target.answerId}`,
				model: target.model,
				createdAtSeconds: target.createdAtSeconds,
				legacyFunctions: chat.toolWish.legacy,
			},
			toolCallId: (position) => `call_${target.answerId}_${position}`,
			customTools,
			hidesReasoning: chat.reasoning.hidden,
		};
		return {
			body,
			dropped,
			whole: (answer) => cohereAnswer(answer, terms),
			openStream: () => openCohereStream(terms),
			readFault: readCohereFault,
		};
	},
};
