import { isJsonObject, type JsonObject } from "../lib/json-types.ts";
import type { SseEvent } from "./types.ts";

/** OpenAI's closing word. Not JSON. */
export const DONE = "[DONE]";

/** The JSON object in an event's data; undefined when it is none. */
export function eventJson(event: SseEvent): JsonObject | undefined {
	if (event.json !== undefined) {
		return event.json;
	}
	let value: unknown;
	try {
		value = JSON.parse(event.data);
	} catch {
		// A provider's malformed event is a normal thing here: the reader counts it.
		return undefined;
	}
	return isJsonObject(value) ? value : undefined;
}

/** An event made here. */
export function jsonEvent(json: JsonObject, name = ""): SseEvent {
	return { name, data: JSON.stringify(json), json };
}
