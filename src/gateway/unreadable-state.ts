import type { Seal } from "../dialects/seal.ts";
import type { ProviderFault } from "../dialects/types.ts";
import { readerOf } from "./account.ts";
import type { Answered, AttemptContext, AttemptResult } from "./attempt-result.ts";

/**
 * How providers say that they cannot read what is sealed in a conversation, or know nothing of what it refers to:
 * OpenAI ("The encrypted content for item rs_… could not be verified", "Item with id 'rs_…' not found", "provided without
 * its required 'reasoning' item"), Anthropic ("Invalid `signature` in `thinking` block", "thinking.signature: Field
 * required", "`thinking` or `redacted_thinking` blocks … cannot be modified"), Google ("Corrupted thought signature",
 * "Thought signature is not valid"), and servers that know none of these fields.
 * @see https://github.com/openai/codex/issues/8145
 * @see https://github.com/anthropics/claude-code/issues/10627
 * @see https://github.com/anomalyco/opencode/issues/4832
 */
const UNREADABLE =
	/encrypted[ _]content|item with id '[a-z]{2,5}_|(?:of type|required) '(?:reasoning|compaction)'|signature\W.{0,40}thinking|thinking.{0,60}\bsignature|redacted_thinking|thought[ _]?signature|reasoning_details|thinking_blocks|extra_content/i;
const CODE = "invalid_encrypted_content";
const STATUSES: ReadonlySet<number> = new Set([400, 404, 422]);

/** Whether a request was refused for the state that it carried, by the provider's code or else by its words. */
export function isUnreadableState({ status, code, message }: ProviderFault): boolean {
	return code === CODE || (STATUSES.has(status) && UNREADABLE.test(message));
}

/**
 * A refusal for state that was sent all the same, because its maker was unknown or its seal no longer holds: remembered,
 * so that it is left out from now on. undefined where the refusal is for something else, or nothing of the kind was sent.
 */
export function unreadableState(
	{ served, sent, deps }: Pick<AttemptContext, "served" | "sent" | "deps">,
	fault: ProviderFault | undefined,
	answered: Answered,
): Extract<AttemptResult, { kind: "unreadable_state" }> | undefined {
	if (sent.length === 0 || fault === undefined || !isUnreadableState(fault)) {
		return undefined;
	}
	const culprits = culpritsOf(sent, fault.message);
	const reader = readerOf(served.deployment);
	for (const { marks } of culprits) {
		deps.routing.seals.refused(marks, reader);
	}
	return { kind: "unreadable_state", answered, canLeaveOut: culprits.some(({ isEssential }) => !isEssential) };
}

/** What is not to be sent there again: the one that is named, where it cannot be left out; else all that can be. */
function culpritsOf(sent: readonly Seal[], message: string): readonly Seal[] {
	const named = sent.filter(({ marks, isEssential }) => isEssential && marks.some((mark) => message.includes(mark)));
	const optional = sent.filter(({ isEssential }) => !isEssential);
	return named.length > 0 ? named : optional.length > 0 ? optional : sent;
}
