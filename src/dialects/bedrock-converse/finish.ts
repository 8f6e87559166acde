import type { JsonValue } from "../../lib/json-types.ts";
import type { FinishReason } from "../chat-hub/answer.ts";

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_ResponseSyntax */
const REASONS: ReadonlyMap<string, FinishReason> = new Map([
	["end_turn", "stop"],
	["stop_sequence", "stop"],
	["tool_use", "tool_calls"],
	["max_tokens", "length"],
	["model_context_window_exceeded", "length"],
	["guardrail_intervened", "content_filter"],
	["content_filtered", "content_filter"],
	["refusal", "content_filter"],
]);

/**
 * Why an answer ended. Calls decide between `stop` and `tool_calls`: some models end their turn with a call and do not
 * say so, and the tool by which a model was made to answer in JSON is no call to the client.
 */
export function finishReason(stopReason: JsonValue | undefined, hasCalls: boolean): FinishReason {
	const reason = REASONS.get(String(stopReason)) ?? "stop";
	return reason === "stop" || reason === "tool_calls" ? (hasCalls ? "tool_calls" : "stop") : reason;
}

/** `malformed_model_output`, `malformed_tool_use`: the model wrote what Bedrock could not read. */
export function isMalformed(stopReason: JsonValue | undefined): boolean {
	return typeof stopReason === "string" && stopReason.startsWith("malformed_");
}
