import type { Envelope } from "./types.ts";

/** The facts of an operation that neither converses nor streams; callers overwrite what they know. */
export const PLAIN_ENVELOPE = {
	stream: false,
	includeUsage: false,
	maxOutputTokens: undefined,
	maxOutputField: undefined,
	choices: 1,
	needs: { tools: false, images: false, audio: false, jsonSchema: false },
	generates: false,
	promptImages: 0,
	promptFileTokens: 0,
	quantities: {},
	hasExtensions: false,
	previousResponseId: undefined,
	conversationId: undefined,
} as const satisfies Omit<Envelope, "model" | "promptTokensMax">;
