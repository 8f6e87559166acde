import type { JsonObject } from "../../lib/json-types.ts";
import type { Target, Translation, Translator } from "../translation.ts";
import { wholeAnswer } from "./answer.ts";
import { bedrockFault } from "./faults.ts";
import { readModel } from "./models.ts";
import { converseRequest } from "./request.ts";
import { openConverseStream } from "./stream.ts";
import { isOfModel } from "./thinking-blocks.ts";

/**
 * Amazon Bedrock's Converse API in the words of chat: one API for the models of all makers, who differ all the same
 * (`models.ts`). The model is in the path of a request, streams are AWS event streams.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference.html
 */
export const bedrockConverse: Translator = {
	reads: (seal, model) => isOfModel(seal, readModel(model)),
	translate(request: JsonObject, target: Target): Translation {
		const { body, dropped, asked } = converseRequest(request, target);
		return {
			body,
			dropped,
			whole: (answer) => wholeAnswer(answer, target, asked),
			openStream: () => openConverseStream(target, asked),
			readFault: bedrockFault,
		};
	},
};
