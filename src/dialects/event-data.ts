import { isJsonObject, type JsonObject } from "../lib/json-types.ts";

/** OpenAI's closing word. Not JSON. */
export const DONE = "[DONE]";

/** The JSON object in an event's data; undefined when it is none. */
export function eventJson(data: string): JsonObject | undefined {
	let value: unknown;
	try {
		value = JSON.parse(data);
	} catch {
		// A provider's malformed event is a normal thing here: the reader counts it.
		return undefined;
	}
	return isJsonObject(value) ? value : undefined;
}
