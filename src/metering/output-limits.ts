/**
 * The most tokens one answer of a model may have, which the price catalogue does not know. The models of 2026 were
 * compared with models.dev on 2026-11-22; older ones are widely known figures, to be looked up before a release. A request without a bound of its own is reserved and clamped at this,
 * so a family whose limit is not certain is left out: unknown is better than a wrong clamp.
 */
const OPENAI: readonly (readonly [RegExp, number])[] = [
	[/^gpt-3\.5-turbo(?!-instruct)/, 4_096],
	[/^gpt-4(?:-0613|-0314)?$/, 8_192],
	[/^gpt-4-(?:turbo|0125-preview|1106-preview|vision-preview)/, 4_096],
	[/^gpt-4o-2024-05-13$/, 4_096],
	[/^(?:gpt-4o|gpt-4o-mini)(?:-\d{4}-\d\d-\d\d|-search-preview.*|-audio-preview.*)?$/, 16_384],
	[/^chatgpt-4o-latest$/, 16_384],
	[/^gpt-audio/, 16_384],
	[/^gpt-4\.1(?:-mini|-nano)?(?:-\d{4}-\d\d-\d\d)?$/, 32_768],
	[/^gpt-5(?:\.\d)?-chat/, 16_384],
	[/^gpt-5-pro/, 272_000],
	[/^gpt-5(?:-mini|-nano|-codex)?(?:-\d{4}-\d\d-\d\d)?$/, 128_000],
	[/^gpt-5\.(?:[1-5])(?:-mini|-nano|-pro|-codex|-codex-mini|-codex-max)?(?:-\d{4}-\d\d-\d\d)?$/, 128_000],
	[/^gpt-5\.6(?:-sol|-terra|-luna)?(?:-\d{4}-\d\d-\d\d)?$/, 128_000],
	[/^gpt-6-astra(?:-\d{4}-\d\d-\d\d)?$/, 128_000],
	[/^o1-mini/, 65_536],
	[/^o1-preview/, 32_768],
	[/^(?:o1|o1-pro|o3|o3-mini|o3-pro|o4-mini)(?:-\d{4}-\d\d-\d\d)?$/, 100_000],
	// One picture at its dearest (6,240 tokens) and three partial ones (100 each).
	[/^gpt-image-1(?:-mini|\.5)?(?:-\d{4}-\d\d-\d\d)?$/, 6_540],
];

/** Bedrock (`us.anthropic.claude-…-v1:0`) and Vertex (`claude-…@20250929`) decorate the same names. */
const CLAUDE: readonly (readonly [RegExp, number])[] = [
	[/claude-3-(?:haiku|sonnet|opus)/, 4_096],
	[/claude-3-5-(?:haiku|sonnet)/, 8_192],
	[/claude-3-7-sonnet/, 64_000],
	[/claude-opus-4(?:-0|-1)?(?=-20\d{6}|@|$)/, 32_000],
	[/claude-(?:sonnet-4(?:-0|-5|-6)?|opus-4-5|haiku-4-5)(?=-20\d{6}|-v\d|@|$)/, 64_000],
	[/claude-(?:opus-4-[678]|opus-5|sonnet-5|fable-5)(?=-20\d{6}|-v\d|@|$)/, 128_000],
];

const GEMINI: readonly (readonly [RegExp, number])[] = [
	[/^gemini-(?:1\.5|2\.0)-(?:flash|pro)/, 8_192],
	[/^gemini-2\.5-(?:flash|flash-lite|pro)(?:-\d{3}|-preview-\d\d-(?:\d\d|\d{4}))?$/, 65_536],
	[/^gemini-3(?:\.1)?-pro-preview/, 65_536],
];

const BY_CATALOGUE: Readonly<Record<string, readonly (readonly [RegExp, number])[]>> = {
	openai: OPENAI,
	azure: OPENAI,
	anthropic: CLAUDE,
	aws: CLAUDE,
	google: [...GEMINI, ...CLAUDE],
};

/**
 * undefined where it is not known for certain.
 * @param name from `plainModelName`.
 */
export function maxOutputTokensOf(catalogue: string, name: string): number | undefined {
	return BY_CATALOGUE[catalogue]?.find(([pattern]) => pattern.test(name))?.[1];
}
