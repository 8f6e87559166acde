import type { SealFormat } from "../dialects/seal.ts";

/** How the names of a maker's models begin, by the format of what they seal. */
const MAKERS: ReadonlyMap<string, string> = new Map([
	["anthropic-claude-v1", "anthropic/"],
	["google-gemini-v1", "google/"],
	["openai-responses-v1", "openai/"],
	["azure-openai-responses-v1", "openai/"],
	["xai-responses-v1", "x-ai/"],
]);

/**
 * OpenRouter takes back in `reasoning_details` what the makers of its models have sealed.
 * @see https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks
 */
export function readsAtOpenrouter({ format }: SealFormat, model: string): boolean {
	const maker = MAKERS.get(format);
	return maker !== undefined && model.startsWith(maker);
}
