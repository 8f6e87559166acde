import { isJsonObject, type JsonObject } from "../../lib/json-types.ts";
import { eventJson, jsonEvent } from "../event-data.ts";
import { readFault } from "../provider-fault.ts";
import type { Translator } from "../translation.ts";

/**
 * Responses to Responses, for a request that the gateway has put its history in front of: the provider knows nothing of
 * what it builds upon, and the client is told all the same.
 * @param told What stands in the answer instead of the provider's words: `previous_response_id`, `conversation`.
 */
export function restate(told: JsonObject): Translator {
	return {
		translate(request, target) {
			return {
				body: { ...request, model: target.model },
				dropped: [],
				whole: (answer) => (answer.object === "response" ? { ...answer, ...told } : answer),
				openStream: () => ({
					step(event) {
						const json = eventJson(event);
						const response = json?.response;
						return json !== undefined && isJsonObject(response)
							? [jsonEvent({ ...json, response: { ...response, ...told } }, event.name)]
							: [event];
					},
					end: () => [],
				}),
				readFault,
			};
		},
	};
}
