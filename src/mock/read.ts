import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../lib/json-types.ts";
import { MockRefusal } from "./reply.ts";

/** Choices, images or inputs that one request may ask for. */
const CHOICES_MAX = 128;

/** The text of a message's content: a string, or its text parts joined by a space. Other parts have none. */
export function textOf(content: JsonValue | undefined): string {
	if (typeof content === "string") {
		return content;
	}
	if (!Array.isArray(content)) {
		return "";
	}
	return content
		.map((part) => (isJsonObject(part) && typeof part.text === "string" ? part.text : ""))
		.filter((text) => text !== "")
		.join(" ");
}

/** @throws MockRefusal 400 naming the field when it is absent, empty or not a list. */
export function requiredList(body: JsonObject, field: string): readonly JsonObject[] {
	const value = body[field];
	if (!Array.isArray(value) || value.length === 0) {
		throw new MockRefusal(400, `'${field}' must be a list with at least one entry.`, { param: field });
	}
	return objectsIn(value);
}

/** The first of these fields that holds a positive integer. */
export function firstCount(body: JsonObject, fields: readonly string[]): number | undefined {
	for (const field of fields) {
		const value = body[field];
		if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) {
			return value;
		}
	}
	return undefined;
}

/** How many answers `n` asks for. @throws MockRefusal 400 above the maximum. */
export function choiceCount(body: JsonObject): number {
	const count = firstCount(body, ["n"]) ?? 1;
	if (count > CHOICES_MAX) {
		throw new MockRefusal(400, `'n' must be at most ${CHOICES_MAX}.`, { param: "n" });
	}
	return count;
}

export function textField(body: JsonObject, field: string): string | undefined {
	const value = body[field];
	return typeof value === "string" ? value : undefined;
}
