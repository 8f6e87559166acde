import { isPrivateHost } from "../lib/private-address.ts";

/**
 * Reads the address of a provider or webhook: http or https, nothing in it that could carry a credential elsewhere, and
 * no inside address unless that is allowed. Redirects and names that resolve inside are the transport's business.
 */
export function readBaseUrl(
	text: string,
	{ privateAllowed }: { readonly privateAllowed: boolean },
): { readonly url: string } | { readonly problem: string } {
	const url = URL.parse(text);
	if (url === null || (url.protocol !== "https:" && url.protocol !== "http:") || !/^https?:\/\//i.test(text)) {
		return { problem: "must be a URL such as https://api.example.com/v1" };
	}
	if (url.username !== "" || url.password !== "" || /^[^/]*\/\/[^/]*@/.test(text)) {
		return { problem: "must not contain a user name or password; use api_key_env or headers" };
	}
	if (/[?#]/.test(text)) {
		return { problem: "must not have a query or fragment" };
	}
	const inside = isPrivateHost(url.hostname);
	if (inside && !privateAllowed) {
		return {
			problem: `is a private or local address (${url.hostname}); set allow_private: true here if that is intended`,
		};
	}
	if (url.protocol === "http:" && !inside) {
		return { problem: "must be https: over http the key could be read on the way" };
	}
	return { url: url.href.replace(/\/+$/, "") };
}
