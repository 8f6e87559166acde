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

/** Some servers leave out the blank line between two events: what comes as one is then several, a line each. */
export function unglued(event: SseEvent): readonly SseEvent[] {
	if (!event.data.includes("\n") || isJson(event.data)) {
		return [event];
	}
	const lines = event.data.split("\n").filter((line) => line.trim() !== "");
	return lines.map((data) => ({ name: event.name, data }));
}

function isJson(text: string): boolean {
	try {
		JSON.parse(text);
		return true;
	} catch {
		// Several texts, or none that is JSON.
		return false;
	}
}

/** An event made here. */
export function jsonEvent(json: JsonObject, name = ""): SseEvent {
	return { name, data: JSON.stringify(json), json };
}
