import { clientToolNames } from "../chat-hub/tool-names.ts";
import type { Translator } from "../translation.ts";
import { type AnswerTerms, cohereAnswer } from "./answer.ts";
import { readCohereFault } from "./faults.ts";
import { cohereRequest } from "./request.ts";
import { openCohereStream } from "./stream.ts";
import { cohereToolName } from "./tool-names.ts";

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
			answerId: target.answerId,
			toolName: clientToolNames(chat.toolWish.tools, cohereToolName),
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
