/** What of a request makes a provider add to the prompt what no text of the request shows. */
export interface UnseenRequest {
	/** The provider's name of the model. */
	readonly model: string;
	/** Whether there are any tools, functions of the client's own included. */
	readonly hasTools: boolean;
	/** The types of those that the provider defines or runs: `web_search_20250305`, `computer_use_preview`. */
	readonly providerTools: readonly string[];
	readonly images: number;
}

/**
 * Claude is told how to call tools in 290 to 804 tokens, by model and by whether it must (Opus 4.7, when it must: 804).
 * Of these 450 are in every request with tools (dialects/prompt-size.ts). Read July 2026:
 * https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
 */
const CLAUDE_TOOLS_TOKENS = 450;
const CLAUDE = /claude/i;

/**
 * What the definition of a tool takes that a request only names, by the first that matches. Computer use of older
 * versions: 735 for the tool and 499 for the prompt. Read September 2026:
 * https://platform.claude.com/docs/en/about-claude/pricing#specific-tool-pricing
 */
const PROVIDER_TOOL_TOKENS: readonly (readonly [type: RegExp, tokens: number])[] = [
	[/^browser_toolset_/, 7_600],
	[/^computer_toolset_/, 4_600],
	[/^text_editor_/, 700],
	[/^bash_/, 330],
	// No figures are published for the others: as much as the largest of the single tools.
	[/./, 1_300],
];

/**
 * What one image may take, where it is more than any other model's (IMAGE_TOKENS_MAX in dialects/prompt-size.ts):
 * patches of 32 × 32 pixels times 1.2 for GPT-5.4 and later, which take images as large as they come; 2,833 and 5,667 for
 * each of 8 tiles for gpt-4o-mini; 6,240 more for high fidelity when images are edited.
 * https://developers.openai.com/api/docs/guides/images-vision
 */
const IMAGE_TOKENS: readonly (readonly [model: RegExp, tokens: number])[] = [
	[/gpt-4o-mini/i, 48_200],
	[/gpt-image/i, 7_000],
	[/gpt-5[.-]4(?!-?(?:mini|nano|\d))/i, 12_000],
	[/gpt-5[.-]5(?!\d)/i, 12_000],
	[/gpt-5[.-][6-9]|gpt-[6-9]/i, 36_000],
];

/**
 * Prompt tokens that a provider may add unseen, beside those that every model is taken to add.
 * @param imageTokensMax What is counted for each image already.
 */
export function unseenTokensMax(
	{ model, hasTools, providerTools, images }: UnseenRequest,
	imageTokensMax: number,
): number {
	let tokens = hasTools && CLAUDE.test(model) ? CLAUDE_TOOLS_TOKENS : 0;
	for (const type of providerTools) {
		tokens += firstMatch(PROVIDER_TOOL_TOKENS, type) ?? 0;
	}
	const imageTokens = images === 0 ? undefined : firstMatch(IMAGE_TOKENS, model);
	return tokens + images * Math.max(0, (imageTokens ?? 0) - imageTokensMax);
}

function firstMatch(table: readonly (readonly [RegExp, number])[], name: string): number | undefined {
	return table.find(([pattern]) => pattern.test(name))?.[1];
}
