/** Dollars per million tokens, as in a deployment's `price`. All different, so that a mixed-up bucket shows. */
export const TELLING_PRICE = {
	input_per_million: 3,
	cached_input_per_million: 0.7,
	output_per_million: 11,
} as const;

/** A count and the dollars that so many of it cost: `[1_500, 3, MILLION]`. */
export type Line = readonly [count: number, dollars: number, per: number];

export const MILLION = 1_000_000;
export const THOUSAND = 1_000;

/** A bill added up by hand, in decimal dollars: exact as long as every line has at most nine decimals. */
export function billByHand(...lines: readonly Line[]): number {
	const nanos = lines.map(([count, dollars, per]) => (BigInt(count) * decimal(dollars)) / BigInt(per));
	return Number(nanos.reduce((sum, nano) => sum + nano, 0n));
}

/** Nano-dollars. */
function decimal(dollars: number): bigint {
	const [whole = "0", fraction = ""] = String(dollars).split(".");
	return BigInt(whole + fraction.padEnd(9, "0"));
}

const NANO_PER_TOKEN_AT_ONE_DOLLAR = 1_000;

/**
 * What an answer costs at TELLING_PRICE by its own usage, in nano-dollars: the formula written a second time and by hand,
 * from the numbers on the wire. undefined where the answer holds no usable usage.
 */
export function costByHand(usage: unknown): number | undefined {
	if (typeof usage !== "object" || usage === null) {
		return undefined;
	}
	// Numbers are checked one by one.
	const fields = usage as Record<string, unknown>;
	const prompt = number(fields.prompt_tokens ?? fields.input_tokens);
	const completion = number(fields.completion_tokens ?? fields.output_tokens) ?? 0;
	if (prompt === undefined) {
		return undefined;
	}
	const promptDetails = object(fields.prompt_tokens_details ?? fields.input_tokens_details);
	const completionDetails = object(fields.completion_tokens_details ?? fields.output_tokens_details);
	const told =
		number(promptDetails.cached_tokens) ??
		// DeepSeek, Moonshot and Mistral have names of their own for it.
		number(fields.prompt_cache_hit_tokens) ??
		number(fields.cached_tokens) ??
		number(fields.num_cached_tokens) ??
		0;
	// One recording tells more cached tokens than prompt tokens.
	const cached = Math.min(prompt, told);
	const reasoning = number(completionDetails.reasoning_tokens) ?? 0;
	const total = number(fields.total_tokens) ?? prompt + completion;
	// xAI counts reasoning beside completion_tokens, OpenAI inside: the total tells which, or that it would not fit inside.
	const isBeside = total === prompt + completion + reasoning || reasoning > completion;
	const output = isBeside ? completion + reasoning : completion;
	return nano(prompt - cached, 3) + nano(cached, 0.7) + nano(output, 11);
}

function nano(tokens: number, dollarsPerMillion: number): number {
	return Math.round(tokens * dollarsPerMillion * NANO_PER_TOKEN_AT_ONE_DOLLAR);
}

function number(value: unknown): number | undefined {
	return typeof value === "number" && value >= 0 ? value : undefined;
}

function object(value: unknown): Record<string, unknown> {
	// Narrowed to an object on the line itself.
	return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Plain decimal dollars, as the gateway writes them, in nano-dollars. Throws on anything else. */
export function nanoOf(text: string | null | undefined): number {
	const match = /^(\d+)\.(\d{6,9})$/.exec(text ?? "");
	if (match === null) {
		throw new Error(`not a plain decimal amount with at least six decimals: ${JSON.stringify(text)}`);
	}
	return Number(match[1]) * 1_000_000_000 + Number((match[2] ?? "").padEnd(9, "0"));
}
