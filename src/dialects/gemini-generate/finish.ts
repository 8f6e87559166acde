import type { FinishReason } from "../chat-hub/answer.ts";

/** Reasons for which Google withholds an answer: https://ai.google.dev/api/generate-content#FinishReason */
const FILTERED = /SAFETY|RECITATION|BLOCKLIST|PROHIBITED|SPII|LANGUAGE|ARMOR|JAILBREAK/;
/** Reasons for which a generation came to nothing that can be used, whatever was said before. */
const BROKEN = /MALFORMED|UNEXPECTED_TOOL_CALL|TOO_MANY_TOOL_CALLS|MISSING_THOUGHT_SIGNATURE/;
/** `CONTINUATION`: a bound of the request's, with more to come. */
const CUT = /MAX_TOKENS|CONTINUATION/;

/**
 * Why a candidate ended; undefined where it failed. A call that the model botched is no answer, and no refusal either: the
 * same request often succeeds when it is made again. Reasons unknown here end an answer that is there, and are a failure
 * where there is none.
 */
export function finishOf(
	reason: string,
	said: { readonly anything: boolean; readonly calls: boolean },
): FinishReason | undefined {
	if (CUT.test(reason)) {
		return "length";
	}
	if (FILTERED.test(reason)) {
		return "content_filter";
	}
	if (BROKEN.test(reason) || (reason !== "STOP" && !said.anything)) {
		return undefined;
	}
	return said.calls ? "tool_calls" : "stop";
}
