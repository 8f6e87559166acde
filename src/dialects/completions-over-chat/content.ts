import { isJsonObject, type JsonObject, type JsonValue, objectsIn } from "../../lib/json-types.ts";

/**
 * What a message or a delta says as text: its content, or its refusal. Its thinking is no part of a completion.
 * Some providers send the content as a list of parts.
 */
export function spokenText(message: JsonValue | undefined): string {
	if (!isJsonObject(message)) {
		return "";
	}
	const content = contentText(message.content);
	return content === "" && typeof message.refusal === "string" ? message.refusal : content;
}

function contentText(content: JsonValue | undefined): string {
	if (typeof content === "string") {
		return content;
	}
	const parts = objectsIn(content);
	return parts.map(partText).join("");
}

function partText(part: JsonObject): string {
	const isThought = part.thought === true;
	return typeof part.text === "string" && !isThought && !THINKING.has(String(part.type)) ? part.text : "";
}

const THINKING: ReadonlySet<string> = new Set(["thinking", "reasoning", "redacted_thinking"]);
