import { createDrops } from "../chat-hub/drops.ts";
import { readChatRequest } from "../chat-hub/request.ts";
import type { Translator } from "../translation.ts";
import { type AnswerContext, writeAnswer } from "./answer.ts";
import { readGoogleFault } from "./faults.ts";
import { type Edition, traitsOf } from "./models.ts";
import { writeRequest } from "./request.ts";
import { GEMINI_FORMAT } from "./seals.ts";
import { openGeminiStream } from "./stream.ts";
import { shownTools } from "./tools.ts";

/** Chat to the Gemini API: `POST /v1beta/models/{model}:generateContent`, or `:streamGenerateContent?alt=sse`. */
export const geminiGenerate: Translator = createGeminiGenerate("gemini-api");

/** Chat to Vertex AI: the same below `/projects/{project}/locations/{location}/publishers/google/models/{model}`. */
export const geminiGenerateOnVertex: Translator = createGeminiGenerate("vertex");

function createGeminiGenerate(edition: Edition): Translator {
	return {
		reads: ({ format }) => format === GEMINI_FORMAT,
		translate(request, target) {
			const drops = createDrops();
			const chat = readChatRequest(request);
			const traits = traitsOf(target.model, edition);
			const { body, headers } = writeRequest(request, chat, { edition, traits, drops });
			const context: AnswerContext = {
				target,
				traits,
				legacyFunctions: chat.toolWish.legacy,
				tools: shownTools(chat.toolWish),
			};
			return {
				body,
				headers,
				dropped: drops.list(),
				whole: (answer) => writeAnswer(answer, context),
				openStream: () => openGeminiStream(context),
				readFault: readGoogleFault,
			};
		},
	};
}
