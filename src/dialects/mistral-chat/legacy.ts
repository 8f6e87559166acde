import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/**
 * Calls and results in OpenAI's old words (`function_call`, the role `function`) in those of today. The old ones have no
 * ids: a result belongs to the latest call of its name.
 */
export function inWordsOfToday(messages: readonly JsonObject[]): JsonObject[] {
	const idOfName = new Map<JsonValue | undefined, string>();
	return messages.map((message, index) => {
		const { function_call: call, ...rest } = message;
		if (message.role === "assistant" && isJsonObject(call) && !message.tool_calls) {
			const id = `call_${index}`;
			idOfName.set(call.name, id);
			return { ...rest, tool_calls: [{ id, type: "function", function: call }] };
		}
		return message.role === "function"
			? { ...message, role: "tool", tool_call_id: idOfName.get(message.name) ?? `call_${index}` }
			: message;
	});
}
