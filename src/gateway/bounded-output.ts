import type { AttemptContext } from "./attempt-result.ts";

/**
 * Output tokens by the gateway's own count, where the provider gave none. An estimate: it may come out above the bound that
 * the provider was given and kept to, but what is charged by it must not pass the reservation that the bound made.
 */
export function boundedOutput(tokens: number, { served, terms }: Pick<AttemptContext, "served" | "terms">): number {
	const { envelope } = served.planned;
	const isBounded =
		(terms.outputTokensClamp ?? envelope.maxOutputTokens ?? served.deployment.maxOutputTokens) !== undefined;
	return envelope.generates && isBounded ? Math.min(tokens, terms.outputTokensMax * envelope.choices) : tokens;
}
