/**
 * What one provider attempt consumed. The buckets are disjoint: a token is counted in exactly one of them,
 * so a cost is a plain sum. (OpenAI's `prompt_tokens` = input + cacheRead + cacheWrite + audioInput;
 * its `completion_tokens` = output + reasoning + audioOutput.)
 */
export interface Usage {
	/** Prompt tokens at the full price: text and images in. */
	readonly input: number;
	/** Prompt tokens read from the provider's prompt cache. */
	readonly cacheRead: number;
	/** Prompt tokens written to the provider's prompt cache. */
	readonly cacheWrite: number;
	/** Visible answer tokens. */
	readonly output: number;
	/** Hidden thinking tokens. */
	readonly reasoning: number;
	readonly audioInput: number;
	readonly audioOutput: number;
	/** Images generated, where a provider prices by the piece. */
	readonly images: number;
	/** Seconds of audio listened to or spoken, where a provider prices by time. */
	readonly seconds: number;
	/** Characters spoken (text to speech), where a provider prices by the character. */
	readonly characters: number;
}

export const NO_USAGE: Usage = Object.freeze({
	input: 0,
	cacheRead: 0,
	cacheWrite: 0,
	output: 0,
	reasoning: 0,
	audioInput: 0,
	audioOutput: 0,
	images: 0,
	seconds: 0,
	characters: 0,
});

/** Prompt tokens as OpenAI counts them. */
export function promptTokens(usage: Usage): number {
	return usage.input + usage.cacheRead + usage.cacheWrite + usage.audioInput;
}

/** Completion tokens as OpenAI counts them. */
export function completionTokens(usage: Usage): number {
	return usage.output + usage.reasoning + usage.audioOutput;
}

/** What a tokens-per-minute limit counts. */
export function totalTokens(usage: Usage): number {
	return promptTokens(usage) + completionTokens(usage);
}
