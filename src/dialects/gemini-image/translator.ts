import { readGoogleFault } from "../gemini-generate/faults.ts";
import { neverStreamed } from "../never-streamed.ts";
import type { Translator } from "../translation.ts";
import { geminiImageAnswer } from "./answer.ts";
import { geminiImageRequest } from "./request.ts";

/** OpenAI's image generations by way of a Gemini model that paints (`gemini-2.5-flash-image`). */
export const geminiImage: Translator = {
	translate(request, target) {
		const { body, dropped } = geminiImageRequest(request);
		return {
			body,
			dropped,
			whole: (answer) => geminiImageAnswer(answer, target),
			openStream: neverStreamed("images.generations by Gemini"),
			readFault: readGoogleFault,
		};
	},
};
