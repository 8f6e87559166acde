import type { Translator } from "../translation.ts";
import { openaiAnswer } from "./answer.ts";
import { mistralFault } from "./faults.ts";
import { mistralRequest } from "./request.ts";
import { openMistralStream } from "./stream.ts";

/** Mistral's chat, which is OpenAI's but for lists of parts in answers and strictness in requests. */
export const mistralChat: Translator = {
	translate(request, target) {
		const { body, dropped, terms } = mistralRequest(request, target);
		return {
			body,
			dropped,
			whole: (answer) => openaiAnswer(answer, terms),
			openStream: () => openMistralStream(terms),
			readFault: mistralFault,
		};
	},
};
