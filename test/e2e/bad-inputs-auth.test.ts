import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
	type BadInput,
	type BadInputRig,
	CHAT_PATH,
	expectErrorShape,
	expectVerdict,
	nextAddress,
	startBadInputRig,
} from "../support/bad-input.ts";
import { chatBody } from "../support/gateway-client.ts";
import { requestBytes, sendRaw } from "../support/raw.ts";
import { until } from "../support/wait.ts";

/* RELIABILITY §4, "Auth": B94–B105. */
let rig: BadInputRig;
beforeAll(async () => {
	rig = await startBadInputRig();
});
afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

const VALID = JSON.stringify(chatBody("gpt-4o"));
const UNAUTHORIZED = { status: 401, type: "authentication_error" } as const;
const INVALID = { ...UNAUTHORIZED, code: "invalid_api_key" } as const;

function withHeaders(
	headers: (current: BadInputRig) => Readonly<Record<string, string | null>>,
	target: string = CHAT_PATH,
) {
	return (current: BadInputRig) =>
		requestBytes({
			method: "POST",
			target,
			headers: { "Content-Type": "application/json", ...headers(current) },
			body: VALID,
		});
}

const bearer = (token: string | ((current: BadInputRig) => string)) =>
	withHeaders((current) => ({ Authorization: `Bearer ${typeof token === "string" ? token : token(current)}` }));

/** The key with its last character changed. */
function almost(key: string): string {
	return `${key.slice(0, -1)}${key.endsWith("a") ? "b" : "a"}`;
}

const inputs: readonly BadInput[] = [
	{ id: "B94", what: "no key", send: withHeaders(() => ({})), expected: UNAUTHORIZED },
	{ id: "B94", what: "an empty header", send: withHeaders(() => ({ Authorization: "" })), expected: UNAUTHORIZED },
	{
		id: "B94",
		what: "Bearer and nothing",
		send: withHeaders(() => ({ Authorization: "Bearer" })),
		expected: UNAUTHORIZED,
	},
	{
		id: "B95",
		what: "Basic",
		send: withHeaders((current) => ({ Authorization: `Basic ${btoa(`x:${current.key}`)}` })),
		expected: UNAUTHORIZED,
	},
	{
		id: "B95",
		what: "bearer in lower case",
		send: withHeaders((current) => ({ Authorization: `bearer ${current.key}` })),
		expected: { status: 200 },
	},
	{
		id: "B95",
		what: "BEARER in upper case",
		send: withHeaders((current) => ({ Authorization: `BEARER ${current.key}` })),
		expected: { status: 200 },
	},
	{
		id: "B95",
		what: "two spaces",
		send: withHeaders((current) => ({ Authorization: `Bearer  ${current.key}` })),
		expected: { status: [200, 401] },
	},
	{
		id: "B95",
		what: "a tab",
		send: withHeaders((current) => ({ Authorization: `Bearer\t${current.key}` })),
		expected: { status: [200, 401] },
	},
	{
		id: "B95",
		what: "a trailing space",
		send: withHeaders((current) => ({ Authorization: `Bearer ${current.key} ` })),
		expected: { status: [200, 401] },
	},
	{
		id: "B95",
		what: "no scheme",
		send: withHeaders((current) => ({ Authorization: current.key })),
		expected: UNAUTHORIZED,
	},
	{
		id: "B96",
		what: "two Authorization headers",
		send: (current) =>
			Buffer.from(
				`POST ${CHAT_PATH} HTTP/1.1\r\nHost: x.test\r\nAuthorization: Bearer ${current.key}\r\nAuthorization: Bearer ${current.key}\r\n` +
					`Content-Type: application/json\r\nContent-Length: ${VALID.length}\r\n\r\n${VALID}`,
			),
		expected: UNAUTHORIZED,
	},
	{ id: "B97", what: "a token of 12 KB", send: bearer("t".repeat(12_000)), expected: { status: [401, 431] } },
	{
		id: "B97",
		what: "a token of 16 KB",
		send: bearer("t".repeat(16_500)),
		expected: { status: [401, 431], byParser: true },
	},
	...['gw_virt_"', "gw_virt_%27", "gw_virt_é", "' OR 1=1 --", "gw_virt_'; DROP TABLE keys; --"].map((token) => ({
		id: "B98",
		what: `token ${token}`,
		send: bearer(token),
		expected: INVALID,
	})),
	{ id: "B98", what: "a token with NUL", send: bearer("gw_virt_\0"), expected: { status: [400, 401], byParser: true } },
	{ id: "B99", what: "the right prefix, another secret", send: bearer(`gw_virt_${"x".repeat(43)}`), expected: INVALID },
	{
		id: "B99",
		what: "a key with one character changed",
		send: bearer((current) => almost(current.key)),
		expected: INVALID,
	},
	{ id: "B99", what: "a key cut short", send: bearer((current) => current.key.slice(0, 30)), expected: INVALID },
	{ id: "B99", what: "the id of a key", send: bearer((current) => current.keyId), expected: INVALID },
	{ id: "B101", what: "the master key", send: bearer((current) => current.gateway.masterKey), expected: UNAUTHORIZED },
	{
		id: "B102",
		what: "the key in the query",
		send: (current) =>
			requestBytes({
				method: "POST",
				target: `${CHAT_PATH}?api_key=${current.key}&key=${current.key}`,
				headers: { "Content-Type": "application/json" },
				body: VALID,
			}),
		expected: UNAUTHORIZED,
	},
	{
		id: "B103",
		what: "x-api-key",
		send: withHeaders((current) => ({ "x-api-key": current.key })),
		expected: { status: [200, 401] },
	},
];

describe("credentials", () => {
	test.each([...inputs])("$id $what", async (input) => {
		await expectVerdict(rig, input);
	});

	test("B99: wrong keys of every kind get the same words", async () => {
		const texts = new Set<string>();
		for (const token of [almost(rig.key), `gw_virt_${"x".repeat(43)}`, "nonsense", rig.keyId]) {
			const answer = await rig.gateway.post(CHAT_PATH, token, VALID);
			texts.add(JSON.stringify(answer.error()));
		}
		expect(texts.size).toBe(1);
	});

	test("B99: a key that shares its beginning with another is its own", async () => {
		for (let length = 8; length <= 40; length += 4) {
			const forged = `${rig.key.slice(0, length)}${"Q".repeat(rig.key.length - length)}`;
			expect((await rig.gateway.post(CHAT_PATH, forged, VALID)).status).toBe(401);
		}
	});

	test("B100: revoked, disabled and expired keys are told so", async () => {
		const revoked = await rig.gateway.mint();
		await rig.gateway.admin("DELETE", `/keys/${revoked.id}`);
		const disabled = await rig.gateway.mint({ enabled: false });
		const expired = await rig.gateway.mint({ expires_at: new Date(Date.now() + 300).toISOString() });
		await until(
			"the key to expire",
			async () => (await rig.gateway.post(CHAT_PATH, expired.key, VALID)).status === 401,
		);
		for (const [{ key }, code] of [
			[revoked, "key_revoked"],
			[disabled, "key_disabled"],
			[expired, "key_expired"],
		] as const) {
			const answer = await rig.gateway.post(CHAT_PATH, key, VALID);
			expect({ status: answer.status, error: answer.error() }).toMatchObject({
				status: 401,
				error: { type: "authentication_error", code },
			});
			expectErrorShape(answer.text, (name) => answer.headers.get(name) ?? undefined);
		}
	});

	test("B101: a virtual key on /admin is 403, and the master key on /v1 is told to mint one", async () => {
		const onAdmin = await fetch(`${rig.gateway.url}/admin/keys`, { headers: { authorization: `Bearer ${rig.key}` } });
		expect(onAdmin.status).toBe(403);
		expectErrorShape(await onAdmin.text(), (name) => onAdmin.headers.get(name) ?? undefined);
		const onData = await rig.gateway.post(CHAT_PATH, rig.gateway.masterKey, VALID);
		expect(onData.status).toBe(401);
		expect(onData.error()?.message).toMatch(/virtual key/i);
	});

	test("B104: the twenty-first wrong key of a second from one address is told to wait, a right one never", async () => {
		const localAddress = nextAddress();
		const statuses: (number | undefined)[] = [];
		for (let count = 0; count < 22; count += 1) {
			const { response } = await sendRaw(rig.gateway.url, bearer(`gw_virt_${count}`)(rig), { localAddress });
			statuses.push(response?.status);
			if (response?.status === 429) {
				expect(response.json()).toMatchObject({ error: { type: "rate_limit_exceeded", kind: "auth" } });
				expect(response.header("retry-after")).toBe("1");
			}
		}
		expect(statuses).toContain(429);
		const right = await sendRaw(rig.gateway.url, bearer(rig.key)(rig), { localAddress });
		expect(right.response?.status).toBe(200);
	});

	test("B105: what another team's key made does not exist for this one", async () => {
		const theirs = await rig.gateway.mint({ team: "blue" });
		const mine = await rig.gateway.mint({ team: "red" });
		const made = await rig.gateway.post(CHAT_PATH, theirs.key, VALID);
		const id = made.headers.get("x-request-id");
		expect((await rig.gateway.get(`/v1/requests/${id}`, theirs.key)).status).toBe(200);
		expect((await rig.gateway.get(`/v1/requests/${id}`, mine.key)).status).toBe(404);
	});

	test("B102: no key, right or wrong, is ever logged", async () => {
		const text = rig.gateway.logs().join("\n");
		for (const secret of [rig.key, rig.gateway.masterKey, almost(rig.key)]) {
			expect(text).not.toContain(secret);
		}
	});
});
