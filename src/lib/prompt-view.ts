/** What of a request the route classifier looks at: the conversation as it was written, bounded in size. */
export interface PromptView {
	/** System prompts and the last turns, in order; the last user message is the task. */
	readonly messages: readonly PromptMessage[];
	readonly tools: ToolsView;
	/** An answer in JSON is asked for. Adds nothing to how hard a task is; kept for the record. */
	readonly json: boolean;
}

export interface PromptMessage {
	/** system, developer, user, assistant, tool. */
	readonly role: string;
	/** At most TEXT_LENGTH_MAX characters: the head and the tail of longer ones. */
	readonly text: string;
}

export interface ToolsView {
	readonly count: number;
	/** Required arguments, all tools together. */
	readonly required: number;
}

/** Looked at from each end of a long text. */
const END_LENGTH_MAX = 4_096;
const TEXT_LENGTH_MAX = 2 * END_LENGTH_MAX;
/** Turns looked at from the end of a conversation, and system messages from its beginning. */
const TURNS_MAX = 16;

/** Of a request that has no text. */
export const NO_PROMPT: PromptView = { messages: [], tools: { count: 0, required: 0 }, json: false };

/** A view of one text that stands alone. */
export function plainPrompt(text: string): PromptView {
	return text === "" ? NO_PROMPT : { ...NO_PROMPT, messages: [{ role: "user", text: clipText(text) }] };
}

/** The head and the tail of a text that is longer than both together. */
export function clipText(text: string): string {
	return text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, END_LENGTH_MAX)}\n${text.slice(-END_LENGTH_MAX + 1)}`;
}

/** The messages worth reading: system messages at the beginning, and the last turns. */
export function lastTurns<T>(messages: readonly T[]): readonly T[] {
	return messages.length <= TURNS_MAX + 1 ? messages : [...messages.slice(0, 1), ...messages.slice(-TURNS_MAX)];
}
