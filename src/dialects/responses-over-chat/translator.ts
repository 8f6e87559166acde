import { readFault } from "../provider-fault.ts";
import type { Translator } from "../translation.ts";
import { wholeResponse } from "./answer.ts";
import type { Composer, ComposingOptions } from "./composer.ts";
import { chatRequest } from "./request.ts";
import { openResponseStream } from "./stream.ts";

/**
 * The Responses API for models that are reached by chat: the request becomes a chat request, the answer a response, a chat
 * stream the events of Responses. Earlier turns (`previous_response_id`, `conversation`) stand in `input` already.
 *
 * - request.ts (fields), input.ts and content.ts (items), tools.ts, reasoning.ts
 * - message.ts reads what a model says; composer.ts makes the items and their events of it: items.ts, message-item.ts, calls.ts
 * - resource.ts (the response object), usage.ts, finish.ts, faults.ts
 * - answer.ts (whole) and stream.ts use the same composer, so that both end in the same response
 */
export const responsesOverChat: Translator = {
	translate(request, target) {
		const { body, dropped, wantsEncrypted } = chatRequest(request, target);
		let composer: Composer | undefined;
		const options: ComposingOptions = {
			request,
			target,
			wantsEncrypted,
			onComposer: (given) => {
				composer = given;
			},
		};
		return {
			body,
			dropped,
			whole: (answer) => wholeResponse(answer, options),
			openStream: () => openResponseStream(options),
			kept: () => composer?.kept(),
			readFault,
		};
	},
};
