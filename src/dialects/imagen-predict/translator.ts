import { readGoogleFault } from "../gemini-generate/faults.ts";
import { neverStreamed } from "../never-streamed.ts";
import type { Translator } from "../translation.ts";
import { imagenAnswer } from "./answer.ts";
import { imagenRequest } from "./request.ts";

/** OpenAI's image generations by way of Imagen, on Vertex AI or the Gemini API. */
export const imagenPredict: Translator = {
	translate(request, target) {
		const { body, dropped } = imagenRequest(request);
		return {
			body,
			dropped,
			whole: (answer) => imagenAnswer(answer, target),
			openStream: neverStreamed("images.generations by Imagen"),
			readFault: readGoogleFault,
		};
	},
};
