/** Whose seal it is. */
export interface SealFormat {
	/** A `ReasoningFormat`, or OPAQUE. */
	readonly format: string;
	/** The maker of the model, where several share a format (Bedrock). */
	readonly id?: string | undefined;
}

/** Something in a conversation that only a provider can read: a signature, encrypted thinking, an item it keeps. */
export interface Seal extends SealFormat {
	/** What it is known by when it comes again: the id of its item, the mark of its content. */
	readonly marks: readonly string[];
	/** Where it stands in a request: `messages[].reasoning_details`. */
	readonly field: string;
	/** It belongs to the turn that is going on: no user has spoken since. */
	readonly isCurrent: boolean;
	/** It stands for what was said, and not for what was thought: a request without it would be another one. */
	readonly isEssential: boolean;
}

/** Of what the provider of a Responses API has sealed or keeps: nothing in it says which account may read it. */
export const OPAQUE = "openai-responses";

const MARK_LENGTH_MAX = 80;

/** A short name of a sealed text. Not for keeping secrets or telling forgeries: equal texts have equal marks. */
export function markOf(text: string): string {
	return text.length <= MARK_LENGTH_MAX ? text : `${text.length}:${Bun.hash(text).toString(36)}`;
}

/** Whether a seal, by its marks, is to be left out. */
export type IsLeftOut = (marks: readonly string[]) => boolean;
