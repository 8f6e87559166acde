/**
 * What one provider attempt consumed. The buckets are disjoint: a token is counted in exactly one of them,
 * so a cost is a plain sum. (OpenAI's `prompt_tokens` = input + cacheRead + cacheWrite + cacheWriteHour + audioInput +
 * imageInput; its `completion_tokens` = output + reasoning + audioOutput + imageOutput.)
 */
export interface Usage {
	/** Prompt tokens at the full price: text, and images where the provider does not count them apart. */
	readonly input: number;
	/** Prompt tokens read from the provider's prompt cache. */
	readonly cacheRead: number;
	/** Prompt tokens written to the provider's prompt cache for the usual time (Anthropic: five minutes). */
	readonly cacheWrite: number;
	/** Prompt tokens written to the provider's prompt cache for an hour, at a price of their own. */
	readonly cacheWriteHour: number;
	/** Visible answer tokens. */
	readonly output: number;
	/** Hidden thinking tokens. */
	readonly reasoning: number;
	readonly audioInput: number;
	readonly audioOutput: number;
	/** Tokens of images in the prompt, where the provider counts them apart. */
	readonly imageInput: number;
	/** Tokens of images drawn. */
	readonly imageOutput: number;
	/** Images generated, where a provider prices by the piece. */
	readonly images: number;
	/** Seconds of audio listened to or spoken, where a provider prices by time. */
	readonly seconds: number;
	/** Characters spoken (text to speech), where a provider prices by the character. */
	readonly characters: number;
	/** Web searches run by the provider's own tool, billed by the piece. */
	readonly searches: number;
}

export const NO_USAGE: Usage = Object.freeze({
	input: 0,
	cacheRead: 0,
	cacheWrite: 0,
	cacheWriteHour: 0,
	output: 0,
	reasoning: 0,
	audioInput: 0,
	audioOutput: 0,
	imageInput: 0,
	imageOutput: 0,
	images: 0,
	seconds: 0,
	characters: 0,
	searches: 0,
});

/** Prompt tokens as OpenAI counts them. */
export function promptTokens(usage: Usage): number {
	const { input, cacheRead, cacheWrite, cacheWriteHour, audioInput, imageInput } = usage;
	return input + cacheRead + cacheWrite + cacheWriteHour + audioInput + imageInput;
}

/** Completion tokens as OpenAI counts them. */
export function completionTokens(usage: Usage): number {
	return usage.output + usage.reasoning + usage.audioOutput + usage.imageOutput;
}

/** What a tokens-per-minute limit counts. */
export function totalTokens(usage: Usage): number {
	return promptTokens(usage) + completionTokens(usage);
}
