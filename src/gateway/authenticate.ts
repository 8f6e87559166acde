import { hasValidShape } from "../keys/secret.ts";
import type { KeyDirectory, KeyRecord } from "../keys/types.ts";
import { GatewayError, unauthorized, wholeSeconds } from "../lib/errors.ts";
import type { AuthFailures } from "../limits/auth-failures.ts";

/** What other instances do to keys in the meantime. */
export interface KeysElsewhere {
	/** Resolves when what they did before the call is known here, or after a short time in vain. Never rejects. */
	catchUp(): Promise<void>;
	/** Nothing was heard of them for so long that no key is to be trusted. */
	isDoubtful(): boolean;
}

/** What is needed to tell a virtual key from everything else. */
export interface Authentication {
	readonly keys: Pick<KeyDirectory, "verify">;
	readonly failures: AuthFailures;
	/** True for the master key, compared in constant time. */
	readonly isMasterKey: (token: string) => boolean;
	/** undefined: this process has the keys for itself. */
	readonly elsewhere?: KeysElsewhere | undefined;
}

const BEARER = /^bearer[ \t]+([^\s,]+)[ \t]*$/i;
/** Longer than any key; not worth hashing. */
const TOKEN_CHARACTERS_MAX = 512;
const STALE_RETRY_SECONDS = 2;

/**
 * The virtual key of a request; a promise only where other instances must be asked. 401 without one, for a wrong one, and
 * for the master key; 503 when no key is to be trusted.
 * @param onKey Called in the same instant in which the key was found valid: whoever revokes it later finds the request.
 */
export function authenticate(
	headers: Headers,
	address: () => string | undefined,
	authentication: Authentication,
	onKey: (key: KeyRecord) => void = () => {},
): KeyRecord | Promise<KeyRecord> {
	const token = bearerToken(headers);
	const accept = (key: KeyRecord) => {
		if (authentication.elsewhere?.isDoubtful() === true) {
			throw keysStale();
		}
		onKey(key);
		return key;
	};
	const refused = (error: unknown): never => {
		throw authentication.isMasterKey(token) ? notHere() : slowedDown(error, address, authentication.failures);
	};
	try {
		const key = recognised(token, authentication, accept);
		return key instanceof Promise ? key.catch(refused) : key;
	} catch (error) {
		return refused(error);
	}
}

/**
 * What `accept` makes of a token's key. One that is unknown here and may have been made elsewhere just now is looked for
 * once more: a promise then.
 * @throws GatewayError 401
 */
export function recognised<Result>(
	token: string,
	{ keys, elsewhere }: Pick<Authentication, "keys" | "elsewhere">,
	accept: (key: KeyRecord) => Result,
): Result | Promise<Result> {
	let key: KeyRecord;
	try {
		key = keys.verify(token);
	} catch (error) {
		const isUnknown = error instanceof GatewayError && error.code === "invalid_api_key";
		if (elsewhere !== undefined && isUnknown && hasValidShape(token)) {
			return elsewhere.catchUp().then(() => accept(keys.verify(token)));
		}
		throw error;
	}
	return accept(key);
}

function notHere(): GatewayError {
	return unauthorized(
		"The master key is for /admin only. Mint a virtual key with POST /admin/keys and use that.",
		"virtual_key_required",
	);
}

function keysStale(): GatewayError {
	return new GatewayError({
		status: 503,
		type: "service_unavailable",
		message:
			"This instance has not reached the database for a while: it cannot say whether a key was revoked meanwhile. Try again.",
		code: "keys_stale",
		retryAfterSeconds: STALE_RETRY_SECONDS,
	});
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
