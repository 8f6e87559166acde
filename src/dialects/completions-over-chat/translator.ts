import { readFault } from "../provider-fault.ts";
import type { Translator } from "../translation.ts";
import { completionOf } from "./answer.ts";
import { readCompletion } from "./request.ts";
import { openCompletionStream } from "./stream.ts";

/**
 * OpenAI's legacy completions by way of chat, for models that only chat. What it sends and reads is OpenAI's chat, which
 * goes on through another translator or to a provider that speaks it.
 */
export const completionsOverChat: Translator = {
	translate(request, target) {
		const wish = readCompletion(request, target);
		return {
			body: wish.body,
			dropped: wish.dropped,
			whole: (answer) => completionOf(answer, wish.echo, target),
			openStream: () => openCompletionStream(wish, target),
			readFault,
		};
	},
};
