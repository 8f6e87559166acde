import type { KeyDirectory, KeyRecord } from "../keys/types.ts";
import { GatewayError, unauthorized, wholeSeconds } from "../lib/errors.ts";
import type { AuthFailures } from "../limits/auth-failures.ts";

/** What is needed to tell a virtual key from everything else. */
export interface Authentication {
	readonly keys: KeyDirectory;
	readonly failures: AuthFailures;
	/** True for the master key, compared in constant time. */
	readonly isMasterKey: (token: string) => boolean;
}

const BEARER = /^bearer[ \t]+([^\s,]+)[ \t]*$/i;
/** Longer than any key; not worth hashing. */
const TOKEN_CHARACTERS_MAX = 512;

/** The virtual key of a request. Throws 401 without one, for a wrong one, and for the master key. */
export function authenticate(
	headers: Headers,
	address: () => string | undefined,
	authentication: Authentication,
): KeyRecord {
	const token = bearerToken(headers);
	try {
		return authentication.keys.verify(token);
	} catch (error) {
		if (authentication.isMasterKey(token)) {
			throw unauthorized(
				"The master key is for /admin only. Mint a virtual key with POST /admin/keys and use that.",
				"virtual_key_required",
			);
		}
		throw slowedDown(error, address, authentication.failures);
	}
}

/** The token of `Authorization: Bearer …`. The scheme's case and the number of blanks do not matter; anything else is 401. */
export function bearerToken(headers: Headers): string {
	const header = headers.get("authorization");
	if (header === null) {
		throw unauthorized("No API key. Send the header 'Authorization: Bearer gw_virt_…'.", "missing_api_key");
	}
	const token = BEARER.exec(header)?.[1];
	if (token === undefined || token.length > TOKEN_CHARACTERS_MAX) {
		throw unauthorized("The Authorization header is not 'Bearer' and one key.");
	}
	return token;
}

/** A wrong key costs nothing but its answer; too many of them from one address cost a wait. */
export function slowedDown(error: unknown, address: () => string | undefined, failures: AuthFailures): unknown {
	if (!(error instanceof GatewayError) || error.code !== "invalid_api_key") {
		return error;
	}
	const waitMs = failures.note(address() ?? "unknown");
	return waitMs === undefined
		? error
		: new GatewayError({
				status: 429,
				type: "rate_limit_exceeded",
				message: "Too many wrong API keys from this address.",
				code: "too_many_failures",
				kind: "auth",
				retryAfterSeconds: wholeSeconds(waitMs),
			});
}
