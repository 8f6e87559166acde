import { createHash } from "node:crypto";
import { importPKCS8, SignJWT } from "jose";
import type { Clock } from "../lib/clock.ts";
import type { Deadlines } from "../lib/deadlines.ts";
import type { ServiceAccount } from "../providers/types.ts";
import { CredentialsFailed } from "./credentials-failed.ts";
import type { SendUpstream } from "./upstream.ts";

export interface GoogleTokens {
	/** A token that is good for minutes yet. Rejects with CredentialsFailed. */
	tokenOf(account: ServiceAccount): Promise<string>;
}

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
/** Google grants an hour at most: https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth */
const LIFETIME_S = 3_600;
/** A token is renewed in its last minutes, while it still serves. */
const RENEW_BEFORE_MS = 5 * 60_000;
/** It is not used for a request that may find it ended when it arrives. */
const SPARE_MS = 60_000;
const ANSWER_WITHIN_MS = 10_000;
/** After a refusal the account is left alone for a moment, so that a broken key is not asked for with every request. */
const REFUSED_FOR_MS = 5_000;

/** Accounts remembered. */
const ACCOUNTS_MAX = 1_000;

interface Kept {
	token: Promise<string>;
	/** From then on another is asked for. */
	renewAtMs: number;
	/** From then on this one is no good. */
	endsAtMs: number;
}

/**
 * Trades service accounts for access tokens: one request for all that wait. A token is renewed before it ends, and nobody
 * waits for that: a token server that is away for a minute is not noticed.
 */
export function createGoogleTokens(deps: {
	readonly clock: Clock;
	readonly deadlines: Deadlines;
	readonly send: SendUpstream;
}): GoogleTokens {
	/** By what an account is, since each deployment that names its file has read it for itself. */
	const kept = new Map<string, Kept>();
	/** A digest an object, not one a request. */
	const names = new WeakMap<ServiceAccount, string>();

	function nameOf(account: ServiceAccount): string {
		const name = names.get(account) ?? digestOf(account);
		names.set(account, name);
		return name;
	}

	return {
		tokenOf(account) {
			const now = deps.clock.now();
			const name = nameOf(account);
			const existing = kept.get(name);
			if (existing !== undefined && now < existing.renewAtMs) {
				return existing.token;
			}
			const grant = askFor(account, now, deps);
			const isGood = existing !== undefined && now < existing.endsAtMs;
			const entry: Kept = isGood
				? existing
				: { token: grant.then(({ token }) => token), renewAtMs: 0, endsAtMs: Number.NEGATIVE_INFINITY };
			// While it is asked for, nobody else asks.
			entry.renewAtMs = Number.POSITIVE_INFINITY;
			if (!kept.has(name) && kept.size >= ACCOUNTS_MAX) {
				// Reloaded configurations leave their old accounts behind.
				kept.clear();
			}
			kept.set(name, entry);
			grant.then(
				({ token, lifetimeMs }) => {
					entry.token = Promise.resolve(token);
					entry.renewAtMs = now + Math.max(lifetimeMs - RENEW_BEFORE_MS, lifetimeMs / 2);
					entry.endsAtMs = now + lifetimeMs - SPARE_MS;
				},
				() => {
					entry.renewAtMs = deps.clock.now() + REFUSED_FOR_MS;
				},
			);
			return entry.token;
		},
	};
}

/** Told apart by a digest: the key itself is not to lie about as the key of a map. */
function digestOf({ clientEmail, tokenUri, privateKey }: ServiceAccount): string {
	return createHash("sha256")
		.update(JSON.stringify([clientEmail, tokenUri, privateKey]))
		.digest("base64");
}

async function askFor(
	account: ServiceAccount,
	nowMs: number,
	deps: { readonly deadlines: Deadlines; readonly send: SendUpstream },
): Promise<{ readonly token: string; readonly lifetimeMs: number }> {
	const assertion = await assertionOf(account, Math.floor(nowMs / 1_000));
	const controller = new AbortController();
	const deadline = deps.deadlines.after(ANSWER_WITHIN_MS, () => controller.abort());
	try {
		const head = await deps.send({
			method: "POST",
			url: account.tokenUri,
			headers: { "content-type": "application/x-www-form-urlencoded", "accept-encoding": "identity" },
			body: new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion }).toString(),
			signal: controller.signal,
		});
		const text = await head.text();
		const answer: unknown = head.status === 200 ? JSON.parse(text) : undefined;
		if (!isGrant(answer)) {
			throw new CredentialsFailed(`the token server of the service account answered with status ${head.status}`);
		}
		return { token: answer.access_token, lifetimeMs: Math.max(0, answer.expires_in) * 1_000 };
	} catch (cause) {
		throw cause instanceof CredentialsFailed
			? cause
			: new CredentialsFailed("no token could be had for the service account", { cause });
	} finally {
		deadline.clear();
	}
}

async function assertionOf(account: ServiceAccount, nowSeconds: number): Promise<string> {
	const kid = account.privateKeyId === undefined ? {} : { kid: account.privateKeyId };
	try {
		const key = await importPKCS8(account.privateKey, "RS256");
		return await new SignJWT({ scope: SCOPE })
			.setProtectedHeader({ alg: "RS256", typ: "JWT", ...kid })
			.setIssuer(account.clientEmail)
			.setSubject(account.clientEmail)
			.setAudience(account.tokenUri)
			.setIssuedAt(nowSeconds)
			.setExpirationTime(nowSeconds + LIFETIME_S)
			.sign(key);
	} catch (cause) {
		throw new CredentialsFailed("the private key of the service account cannot be used", { cause });
	}
}

function isGrant(answer: unknown): answer is { access_token: string; expires_in: number } {
	return (
		typeof answer === "object" &&
		answer !== null &&
		"access_token" in answer &&
		typeof answer.access_token === "string" &&
		"expires_in" in answer &&
		typeof answer.expires_in === "number"
	);
}
