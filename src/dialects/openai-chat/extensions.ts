import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/**
 * What a conversation may carry beside OpenAI's own fields: the state that another provider sealed, marks for its
 * caches, what it cited. Providers that check strictly refuse a request for them.
 */
export const MESSAGE_EXTENSIONS = [
	"reasoning",
	"reasoning_content",
	"reasoning_details",
	"thinking_blocks",
	"cache_control",
	"citations",
	"images",
	"extra_content",
	"annotations",
] as const;

export type MessageExtension = (typeof MESSAGE_EXTENSIONS)[number];

const EXTENSIONS: ReadonlySet<string> = new Set(MESSAGE_EXTENSIONS);

/** Whether a message, one of its parts or one of its tool calls has such a field. Looks at the keys that are there. */
export function hasExtensions(message: JsonObject): boolean {
	for (const key in message) {
		if (EXTENSIONS.has(key)) {
			return true;
		}
		const value = message[key];
		if ((key === "content" || key === "tool_calls") && Array.isArray(value)) {
			for (const entry of value) {
				if (
					isJsonObject(entry) &&
					(isThought(entry) || entry.cache_control !== undefined || entry.extra_content !== undefined)
				) {
					return true;
				}
			}
		}
	}
	return false;
}

/** Anthropic's thinking as a part of the content, as LiteLLM's users keep it too. */
function isThought({ type }: JsonObject): boolean {
	return type === "thinking" || type === "redacted_thinking";
}

/** The messages without these fields, on them, on their parts and on their tool calls. */
export function withoutExtensions(messages: JsonValue, refused: readonly MessageExtension[]): JsonValue {
	const names: ReadonlySet<string> = new Set(refused);
	const clean = (holder: JsonObject): JsonObject =>
		Object.fromEntries(Object.entries(holder).filter(([key]) => !names.has(key)));
	const cleanList = (list: JsonValue | undefined): JsonValue | undefined =>
		Array.isArray(list) ? list.map((entry) => (isJsonObject(entry) ? clean(entry) : entry)) : list;
	const withoutThoughts = (content: JsonValue): JsonValue => {
		if (!Array.isArray(content) || !names.has("thinking_blocks")) {
			return content;
		}
		const said = content.filter((part) => !isJsonObject(part) || !isThought(part));
		return said.length === 0 && content.length > 0 ? "" : said;
	};
	if (!Array.isArray(messages)) {
		return messages;
	}
	return messages.map((message) => {
		if (!isJsonObject(message)) {
			return message;
		}
		const { content, tool_calls: calls, ...rest } = clean(message);
		return {
			...rest,
			...(content === undefined ? {} : { content: cleanList(withoutThoughts(content)) }),
			...(calls === undefined ? {} : { tool_calls: cleanList(calls) }),
		};
	});
}
