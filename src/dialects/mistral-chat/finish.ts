import type { JsonValue } from "../../lib/json-types.ts";

/**
 * `model_length`: the context is full. https://github.com/mistralai/client-ts: ChatCompletionChoice.finish_reason
 * @param legacy The client used `functions`, and is answered in their words.
 */
export function finishReason(reason: JsonValue | undefined, legacy: boolean): JsonValue | undefined {
	return reason === "model_length" ? "length" : reason === "tool_calls" && legacy ? "function_call" : reason;
}

/** Mistral reports a generation that failed midway as a way to finish. */
export function isFailure(reason: JsonValue | undefined): boolean {
	return reason === "error";
}
