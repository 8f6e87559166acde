import type { JsonObject } from "../../lib/json-types.ts";

/** Where the Messages API is spoken, and what that place does in its own way. */
export interface Platform {
	/** Name for messages to the user. */
	readonly name: string;
	/** The fields of a body that say model and version. */
	envelope(model: string): JsonObject;
	/** Structured outputs (`output_config.format`, `strict`). */
	readonly schemas: boolean;
	/** Files kept at the provider, by id. */
	readonly files: boolean;
	/** Images by their address. */
	readonly imageAddresses: boolean;
	/** `role: "system"` in the middle of a conversation. */
	readonly systemTurns: boolean;
	/** One cache mark for the whole request. */
	readonly requestCache: boolean;
}

export const ANTHROPIC_API: Platform = {
	name: "Anthropic",
	envelope: (model) => ({ model }),
	schemas: true,
	files: true,
	imageAddresses: true,
	systemTurns: true,
	requestCache: true,
};

/**
 * Google says the model in the path and the version in the body.
 * @see https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
 * Structured outputs are shut off there until an organisation's policy allows them:
 * @see https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/structured_outputs
 * The Files API does not exist there: @see https://platform.claude.com/docs/en/build-with-claude/files
 * Images are taken as base64 only: @see https://platform.claude.com/docs/en/build-with-claude/vision
 * Nor do system turns: @see https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
 */
export const VERTEX: Platform = {
	name: "Claude on Vertex AI",
	envelope: () => ({ anthropic_version: "vertex-2023-10-16" }),
	schemas: false,
	files: false,
	imageAddresses: false,
	systemTurns: false,
	requestCache: false,
};
