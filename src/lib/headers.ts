/**
 * What of a provider's answer reaches the client. An allow-list: `set-cookie`, `server`, organisation ids, rate limits
 * of the provider's account and every hop-by-hop header stay behind by not being named here.
 */
const ANSWER_HEADERS = [
	"content-type",
	"content-disposition",
	"content-language",
	"openai-processing-ms",
	"openai-version",
];

/** What of a client's request reaches a provider. Neither credentials nor cookies nor anything a proxy adds. */
const REQUEST_HEADERS = ["accept", "openai-beta"];

export function answerHeaders(upstream: Headers): Record<string, string> {
	return pick(upstream, ANSWER_HEADERS);
}

export function forwardedHeaders(client: Headers): Record<string, string> {
	return pick(client, REQUEST_HEADERS);
}

function pick(source: Headers, names: readonly string[]): Record<string, string> {
	const kept: Record<string, string> = {};
	for (const name of names) {
		const value = source.get(name);
		if (value !== null) {
			kept[name] = value;
		}
	}
	return kept;
}

/**
 * Text made safe for a header value. `Headers` throws on control characters and on anything beyond U+00FF, which would
 * turn a good answer into a 500 for a model named `模型`: such characters are percent-encoded as UTF-8.
 */
export function headerSafe(text: string): string {
	return /^[\x20-\x7e]*$/.test(text) ? text : text.replace(/[^\x20-\x7e]/gu, encodeCharacter);
}

function encodeCharacter(character: string): string {
	return Array.from(
		new TextEncoder().encode(character),
		(byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
	).join("");
}
