import { afterEach, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { jwtVerify } from "jose";
import { createDeadlines } from "../../../src/lib/deadlines.ts";
import type { ServiceAccount } from "../../../src/providers/types.ts";
import { CredentialsFailed } from "../../../src/transport/credentials-failed.ts";
import { createGoogleTokens, type GoogleTokens } from "../../../src/transport/google-token.ts";
import { createSend } from "../../../src/transport/upstream.ts";
import { createFakeClock } from "../routing/fakes.ts";

const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const privateKey = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
/** 2026-01-01, so that the signed times are plausible. */
const NOW_MS = 1_767_225_600_000;

interface TokenServer {
	readonly account: ServiceAccount;
	readonly forms: URLSearchParams[];
	answer: () => Response;
}

let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
	await stop?.();
});

/** A real token server on loopback. */
function startTokenServer(): TokenServer {
	const forms: URLSearchParams[] = [];
	const state: { answer: () => Response } = {
		answer: () => Response.json({ access_token: `token-${forms.length}`, expires_in: 3_600, token_type: "Bearer" }),
	};
	const server = Bun.serve({
		port: 0,
		hostname: "127.0.0.1",
		async fetch(request) {
			forms.push(new URLSearchParams(await request.text()));
			return state.answer();
		},
	});
	stop = () => server.stop(true);
	const account = {
		clientEmail: "gateway@test-project.iam.gserviceaccount.com",
		privateKey,
		privateKeyId: "key-1",
		tokenUri: `http://127.0.0.1:${server.port}/token`,
	};
	return {
		account,
		forms,
		set answer(next) {
			state.answer = next;
		},
		get answer() {
			return state.answer;
		},
	};
}

function tokens() {
	const clock = createFakeClock(NOW_MS);
	return {
		clock,
		tokens: createGoogleTokens({ clock, deadlines: createDeadlines(clock), send: createSend({ clock }) }),
	};
}

/** The token that takes the place of this one, once it has come. */
async function untilNext(
	{ google, clock }: { readonly google: GoogleTokens; readonly clock: ReturnType<typeof createFakeClock> },
	account: ServiceAccount,
	present: string,
): Promise<string> {
	let token = present;
	for (let turn = 0; token === present && turn < 1_000; turn += 1) {
		// The token server is a real one: it needs moments, not turns.
		await Bun.sleep(1);
		clock.advance(50);
		token = await google.tokenOf(account);
	}
	return token;
}

describe("a Google service account", () => {
	test("is traded for a token by an assertion that Google can verify", async () => {
		const server = startTokenServer();
		expect(await tokens().tokens.tokenOf(server.account)).toBe("token-1");
		const form = server.forms[0];
		expect(form?.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
		const { payload, protectedHeader } = await jwtVerify(form?.get("assertion") ?? "", pair.publicKey, {
			audience: server.account.tokenUri,
			issuer: server.account.clientEmail,
			currentDate: new Date(NOW_MS),
		});
		expect(protectedHeader).toMatchObject({ alg: "RS256", kid: "key-1" });
		expect(payload).toMatchObject({
			scope: "https://www.googleapis.com/auth/cloud-platform",
			exp: NOW_MS / 1_000 + 3_600,
		});
	});

	test("is asked for once by everybody who waits, and again shortly before the token ends", async () => {
		const server = startTokenServer();
		const { clock, tokens: google } = tokens();
		const first = await Promise.all(Array.from({ length: 20 }, () => google.tokenOf(server.account)));
		expect(new Set(first)).toEqual(new Set(["token-1"]));
		clock.advance(54 * 60_000);
		expect(await google.tokenOf(server.account)).toBe("token-1");
		clock.advance(2 * 60_000);
		// Nobody waits for the next one.
		const renewing = await Promise.all(Array.from({ length: 20 }, () => google.tokenOf(server.account)));
		expect(new Set(renewing)).toEqual(new Set(["token-1"]));
		expect(await untilNext({ google, clock }, server.account, "token-1")).toBe("token-2");
		expect(server.forms).toHaveLength(2);
	});

	test("serves on while the token server is away, as long as its token is good", async () => {
		const server = startTokenServer();
		const { clock, tokens: google } = tokens();
		expect(await google.tokenOf(server.account)).toBe("token-1");
		const grant = server.answer;
		const asked = Promise.withResolvers<void>();
		server.answer = () => {
			asked.resolve();
			return new Response("busy", { status: 503 });
		};
		clock.advance(56 * 60_000);
		expect(await google.tokenOf(server.account)).toBe("token-1");
		await asked.promise;
		expect(await google.tokenOf(server.account)).toBe("token-1");
		server.answer = grant;
		expect(await untilNext({ google, clock }, server.account, "token-1")).toBe("token-3");
		clock.advance(60 * 60_000);
		// Too old to be used at all: now one waits.
		expect(await google.tokenOf(server.account)).toBe("token-4");
	});

	test("is one account for every deployment that names it", async () => {
		const server = startTokenServer();
		const { tokens: google } = tokens();
		await google.tokenOf({ ...server.account });
		expect(await google.tokenOf({ ...server.account })).toBe("token-1");
		expect(await google.tokenOf({ ...server.account, clientEmail: "other@test-project" })).toBe("token-2");
	});

	test("that is refused fails by name, is left alone for a moment, and is then asked again", async () => {
		const server = startTokenServer();
		const { clock, tokens: google } = tokens();
		const grant = server.answer;
		server.answer = () => Response.json({ error: "invalid_grant" }, { status: 400 });
		await expect(google.tokenOf(server.account)).rejects.toBeInstanceOf(CredentialsFailed);
		server.answer = grant;
		await expect(google.tokenOf(server.account)).rejects.toBeInstanceOf(CredentialsFailed);
		expect(server.forms).toHaveLength(1);
		clock.advance(6_000);
		expect(await google.tokenOf(server.account)).toBe("token-2");
	});

	test("whose key cannot be used says so without saying the key", async () => {
		const server = startTokenServer();
		const { tokens: google } = tokens();
		const broken = google.tokenOf({ ...server.account, privateKey: "-----BEGIN nonsense-----" });
		await expect(broken).rejects.toThrow("the private key of the service account cannot be used");
		expect(server.forms).toHaveLength(0);
	});
});
