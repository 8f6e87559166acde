import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/** Bedrock's own tools (`server_tool_use`, Nova's grounding) run at AWS: they are no calls to the client. */
export function isClientCall(toolUse: JsonValue | undefined): toolUse is JsonObject {
	return isJsonObject(toolUse) && (toolUse.type === undefined || toolUse.type === null || toolUse.type === "tool_use");
}

/** The arguments as text: Bedrock sends an object in whole answers and pieces of its text in streams. */
export function argumentsText(input: JsonValue | undefined): string {
	return typeof input === "string" ? input : input === undefined || input === null ? "" : JSON.stringify(input);
}
