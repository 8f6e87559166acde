import type { FinishReason } from "../chat-hub/answer.ts";

/**
 * Why Cohere stopped. Older servers and other hosts of its models write these words in lower case, and know
 * ERROR_TOXIC and ERROR_LIMIT besides.
 * @see https://docs.cohere.com/reference/chat
 */
const REASONS: ReadonlyMap<string, FinishReason> = new Map([
	["COMPLETE", "stop"],
	["STOP_SEQUENCE", "stop"],
	["MAX_TOKENS", "length"],
	["ERROR_LIMIT", "length"],
	["TOOL_CALL", "tool_calls"],
	["ERROR_TOXIC", "content_filter"],
]);

/** Words by which an answer with status 200 says that it failed, and the status they stand for. */
const FAILURES: ReadonlyMap<string, number> = new Map([
	["ERROR", 500],
	["TIMEOUT", 504],
	["USER_CANCEL", 499],
]);

/** A reason that is not known, or none, is an end like any other. */
export function finishReason(word: unknown): FinishReason {
	return REASONS.get(upper(word)) ?? "stop";
}

/** The status of a failure told as a finish reason; undefined for every other reason. */
export function failureStatus(word: unknown): number | undefined {
	return FAILURES.get(upper(word));
}

function upper(word: unknown): string {
	return typeof word === "string" ? word.toUpperCase() : "";
}
