import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import type { FinishReason } from "../chat-hub/answer.ts";

/**
 * Why an answer ended, in OpenAI's words. `pause_turn` (a long turn of the provider's own tools) and reasons unknown yet
 * are an end like any other.
 * @see https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
 * @param calls Tool calls the client is shown: without one there is nothing to call.
 */
export function finishReason(stopReason: JsonValue | undefined, calls: number): FinishReason {
	switch (stopReason) {
		case "max_tokens":
		case "model_context_window_exceeded":
			return "length";
		case "refusal":
			return "content_filter";
		case "end_turn":
		case "stop_sequence":
		case "pause_turn":
			return "stop";
		default:
			return calls > 0 ? "tool_calls" : "stop";
	}
}

/** The words of a refusal, where Anthropic gives any. */
export function refusalOf(holder: JsonObject): string | undefined {
	const details = holder.stop_details;
	return isJsonObject(details) && details.type === "refusal" && typeof details.explanation === "string"
		? details.explanation
		: undefined;
}
