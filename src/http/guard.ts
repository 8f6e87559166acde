import { Elysia } from "elysia";
import { draining } from "../gateway/refuse.ts";
import { badRequest, GatewayError } from "../lib/errors.ts";

/** Longest path and query that is looked at (characters). */
const URL_CHARACTERS_MAX = 8 * 1024;
/** reg-name, IPv4 or bracketed IPv6, with an optional port. RFC 3986 §3.2, without userinfo. */
const HOST = /^(?:[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_.])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * The first hook of every request. Elysia finds the path of a request by counting characters of its URL, which an odd
 * Host header can shift: `/xxx/admin/keys` with `Host: a` was once routed to `/admin/keys`
 * (https://github.com/elysiajs/elysia/issues/748). So a request is refused unless its Host is one, its URL can be
 * parsed, and the path that was parsed is the path that will be routed.
 */
export function guard(isDraining: () => boolean) {
	return new Elysia({ name: "guard" }).onRequest((context) => {
		const { request } = context;
		// Elysia's types leave out the path it has just cut from the URL and is about to route by.
		const { path } = context as typeof context & { readonly path: string };
		const host = request.headers.get("host");
		if (host === null || !HOST.test(host)) {
			throw badRequest("The Host header is missing or malformed.", undefined, "invalid_host");
		}
		if (request.url.length > URL_CHARACTERS_MAX) {
			throw new GatewayError({
				status: 414,
				type: "invalid_request_error",
				message: "The URL is too long.",
				code: "url_too_long",
			});
		}
		const parsed = URL.parse(request.url);
		if (parsed === null || parsed.pathname !== path) {
			throw badRequest("The request's URL is malformed.", undefined, "invalid_url");
		}
		if (isDraining() && !path.startsWith("/health") && path !== "/metrics") {
			throw draining();
		}
	});
}
