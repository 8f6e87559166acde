import type { FinishReason } from "../chat-hub/answer.ts";

/** Reasons for which Google withholds an answer: https://ai.google.dev/api/generate-content#FinishReason */
const FILTERED = /SAFETY|RECITATION|BLOCKLIST|PROHIBITED|SPII|LANGUAGE|ARMOR|JAILBREAK/;
/** Reasons for which a generation came to nothing that can be used. */
const BROKEN = /MALFORMED|UNEXPECTED_TOOL_CALL|TOO_MANY_TOOL_CALLS|MISSING_THOUGHT_SIGNATURE/;
/** `CONTINUATION`: a bound of the request's, with more to come. */
const CUT = /MAX_TOKENS|CONTINUATION/;

/**
 * Why a candidate ended. A generation that broke off is never a "stop", which a client would take for an answer:
 * OpenAI's nearest word is "content_filter". Reasons unknown here end an answer that is there, and withhold one that is not.
 */
export function finishOf(reason: string, said: { readonly anything: boolean; readonly calls: boolean }): FinishReason {
	if (CUT.test(reason)) {
		return "length";
	}
	if (FILTERED.test(reason) || isBroken(reason)) {
		return "content_filter";
	}
	if (reason !== "STOP" && !said.anything) {
		return "content_filter";
	}
	return said.calls ? "tool_calls" : "stop";
}

/** A failure of the model's, which `finishMessage` explains. */
export function isBroken(reason: string): boolean {
	return BROKEN.test(reason);
}
