import type { JsonObject } from "../../lib/json-types.ts";
import { isJsonObject } from "../../lib/json-types.ts";
import { readFault } from "../provider-fault.ts";
import type { Translator } from "../translation.ts";
import { type MessageExtension, withoutExtensions } from "./extensions.ts";

/** How a provider's chat differs from OpenAI's where a request is written anew. */
export interface ChatQuirks {
	readonly maxTokensField: "max_tokens" | "max_completion_tokens";
	readonly streamUsage: "stream_options" | "always";
	readonly refuses: readonly MessageExtension[];
}

/**
 * Chat to a provider that speaks chat: for requests that the gateway has written itself, so that there are no client's
 * bytes to send. The answer goes through untouched.
 */
export function nativeChat(quirks: ChatQuirks): Translator {
	return {
		translate(request, target) {
			return {
				body: withUsage(
					withBound(withoutRefused({ ...request, model: target.model }, quirks), quirks),
					target.stream,
					quirks,
				),
				dropped: [],
				whole: (answer) => answer,
				openStream: () => ({ step: (event) => [event], end: () => [] }),
				readFault,
			};
		},
	};
}

function withoutRefused(request: JsonObject, { refuses }: ChatQuirks): JsonObject {
	const { messages } = request;
	return messages === undefined || refuses.length === 0
		? request
		: { ...request, messages: withoutExtensions(messages, refuses) };
}

function withBound(request: JsonObject, { maxTokensField }: ChatQuirks): JsonObject {
	const { max_completion_tokens: newer, max_tokens: older, ...rest } = request;
	const bound = newer ?? older;
	return bound === undefined || bound === null ? rest : { ...rest, [maxTokensField]: bound };
}

function withUsage(request: JsonObject, stream: boolean, { streamUsage }: ChatQuirks): JsonObject {
	const { stream_options: given, ...rest } = request;
	if (!stream || streamUsage === "always") {
		return rest;
	}
	return { ...rest, stream: true, stream_options: { ...(isJsonObject(given) ? given : {}), include_usage: true } };
}
