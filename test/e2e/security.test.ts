import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { expectErrorShape, nextAddress } from "../support/bad-input.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatBody } from "../support/gateway-client.ts";
import { MASTER_KEY, PROVIDER_KEY } from "../support/gateway-config.ts";
import { chatEvents, chatFor, chatReply } from "../support/openai-answers.ts";
import { requestBytes, sendRaw } from "../support/raw.ts";
import { json, sse } from "../support/replies.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";

const CHAT = "/v1/chat/completions";
let upstream: Upstream;
/** Nobody may ever connect here. */
let canary: Upstream;
let gateway: TestGateway;
let key: string;

beforeAll(async () => {
	upstream = await startUpstream((request) => chatFor(request));
	canary = await startUpstream(() => chatReply());
	gateway = await startTestGateway({ aliases: { chat: { upstream, headers: { "x-from-config": "yes" } } } });
	key = (await gateway.mint()).key;
});
afterEach(() => {
	upstream.forget();
});
afterAll(async () => {
	await gateway?.stop();
	await Promise.all([upstream, canary].map((server) => server?.[Symbol.asyncDispose]()));
});

/** Names by which other gateways were told where to go (CVE-2024-6587, CVE-2025-66405, CVE-2026-110719, CVE-2026-75871). */
const REDIRECTING = [
	"api_base",
	"base_url",
	"api_key",
	"organization",
	"extra_headers",
	"extra_body",
	"custom_host",
	"api_version",
	"proxy",
	"url",
	"endpoint",
	"provider",
	"region",
	"target",
	"host",
];
const PATHS = [
	CHAT,
	"/v1/responses",
	"/v1/completions",
	"/v1/embeddings",
	"/v1/moderations",
	"/v1/images/generations",
	"/v1/audio/speech",
];
const INPUTS = { messages: [{ role: "user", content: "hi" }], input: "hi", prompt: "hi", voice: "alloy" };

describe("no client decides where a provider's key goes", () => {
	test.each(PATHS)(
		"%s: not by body, query or header",
		async (path) => {
			for (const name of REDIRECTING) {
				const value = name.startsWith("extra") ? { host: canary.url, authorization: canary.url } : canary.url;
				await gateway.post(path, key, { model: "chat", ...INPUTS, [name]: value });
				await gateway.post(`${path}?${name}=${encodeURIComponent(canary.url)}`, key, { model: "chat", ...INPUTS });
				const dashed = name.replaceAll("_", "-");
				for (const header of [
					`x-${dashed}`,
					`x-gateway-${dashed}`,
					`x-portkey-${dashed}`,
					`x-litellm-${dashed}`,
					`helicone-${dashed}`,
				]) {
					await gateway.post(path, key, { model: "chat", ...INPUTS }, { headers: { [header]: canary.url } });
				}
			}
			expect(canary.connections()).toBe(0);
			for (const request of upstream.requests) {
				expect(request.header("authorization")).toBe(`Bearer ${PROVIDER_KEY}`);
				expect(request.target.split("?")[0]).toBe(path);
			}
		},
		30_000,
	);

	test("a Host header decides nothing", async () => {
		const { host } = new URL(canary.url);
		const request = requestBytes({
			method: "POST",
			target: CHAT,
			headers: { Host: host, Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
			body: JSON.stringify(chatBody("chat")),
		});
		expect((await sendRaw(gateway.url, request)).response?.status).toBe(200);
		expect(canary.connections()).toBe(0);
		expect(upstream.requests[0]?.header("host")).toBe(new URL(upstream.url).host);
	});
});

describe("headers", () => {
	test("of the client reach the provider only by name", async () => {
		const sent = {
			cookie: "session=1",
			"x-forwarded-for": "10.0.0.1",
			"x-forwarded-host": "evil.test",
			"x-real-ip": "10.0.0.1",
			forwarded: "for=10.0.0.1",
			via: "1.1 proxy",
			"x-api-key": "client-secret",
			"api-key": "client-secret",
			"x-goog-api-key": "client-secret",
			"openai-organization": "org-client",
			"openai-project": "proj-client",
			"proxy-authorization": "Basic x",
			origin: "https://app.test",
			referer: "https://app.test/page",
			"x-anything": "else",
			te: "trailers",
			"x-stainless-os": "Linux",
		};
		await gateway.post(CHAT, key, chatBody("chat"), { headers: sent });
		const [request] = upstream.requests;
		const names = request?.headers.map(([name]) => name.toLowerCase()) ?? [];
		expect(names.filter((name) => name in sent && !name.startsWith("x-stainless"))).toEqual([]);
		const text = JSON.stringify(request?.headers);
		expect(text).not.toMatch(/client-secret|org-client|proj-client|10\.0\.0\.1|evil\.test/);
		expect(text).not.toContain(key);
		expect(request?.header("authorization")).toBe(`Bearer ${PROVIDER_KEY}`);
		expect(request?.header("accept-encoding")).toBe("identity");
		expect(request?.header("x-from-config")).toBe("yes");
	});

	test("the request id goes up and comes back", async () => {
		const answer = await gateway.post(CHAT, key, chatBody("chat"));
		expect(upstream.requests[0]?.header("x-request-id")).toBe(answer.headers.get("x-request-id") ?? "");
	});

	test("of the provider that tell of its insides stay inside", async () => {
		const inner = {
			"set-cookie": "__cf_bm=secret",
			server: "cloudflare",
			"openai-organization": "org-secret",
			"openai-project": "proj-secret",
			"x-request-id": "req_of_the_provider",
			"cf-ray": "abc",
			"x-envoy-upstream-service-time": "3",
			"access-control-allow-origin": "*",
			"alt-svc": "h3",
			"strict-transport-security": "max-age=1",
			"www-authenticate": "Bearer",
		};
		for (const stream of [false, true]) {
			upstream.script(() => (stream ? sse(chatEvents(["x"]), { headers: inner }) : chatReply({ headers: inner })));
			const answer = await gateway.post(CHAT, key, chatBody("chat", { stream }));
			const told = Object.fromEntries(answer.headers);
			for (const [name, value] of Object.entries(inner)) {
				expect({ name, told: told[name] === value }).toEqual({ name, told: false });
			}
			expect(told["x-request-id"]).toMatch(/^req_[0-9A-HJKMNP-TV-Z]{26}$/);
		}
		upstream.script((request) => chatFor(request));
	});

	test("a model whose name no header can carry is no reason for a 500", async () => {
		await using other = await startTestGateway({ aliases: { odd: { upstream, model: "模型/α β" } } });
		const answer = await other.post(CHAT, (await other.mint()).key, chatBody("odd"));
		expect(answer.status).toBe(200);
		expect(decodeURIComponent(answer.headers.get("x-gateway-decision") ?? "")).toBe("openai/模型/α β");
	});

	test("one client's parameters never show up in another's request", async () => {
		const other = (await gateway.mint()).key;
		const bodies = await Promise.all(
			Array.from({ length: 40 }, async (_, index) => {
				const mine = index % 2 === 0;
				await gateway.post(
					CHAT,
					mine ? key : other,
					chatBody("chat", mine ? { temperature: 0.1, user: `mine-${index}` } : { top_p: 0.2 }),
				);
				return mine;
			}),
		);
		expect(bodies.length).toBe(40);
		for (const request of upstream.requests) {
			const body = request.json() as Record<string, unknown>;
			expect("temperature" in body).toBe(!("top_p" in body));
		}
	});
});

interface Route {
	readonly method: string;
	readonly path: string;
	readonly body?: unknown;
}

const DATA_ROUTES: readonly Route[] = [
	...PATHS.map((path) => ({ method: "POST", path, body: { model: "chat", ...INPUTS } })),
	{ method: "GET", path: "/v1/models" },
	{ method: "GET", path: "/v1/models/chat" },
	{ method: "GET", path: "/v1/me" },
	{ method: "GET", path: "/v1/requests/req_01HZ0000000000000000000000" },
	{ method: "GET", path: "/v1/responses/resp_x" },
	{ method: "DELETE", path: "/v1/responses/resp_x" },
	{ method: "GET", path: "/v1/responses/resp_x/input_items" },
	{ method: "POST", path: "/v1/responses/resp_x/cancel" },
	{ method: "POST", path: "/v1/conversations", body: {} },
	{ method: "GET", path: "/v1/conversations/conv_x" },
	{ method: "POST", path: "/v1/conversations/conv_x", body: { metadata: {} } },
	{ method: "DELETE", path: "/v1/conversations/conv_x" },
	{ method: "GET", path: "/v1/conversations/conv_x/items" },
	{ method: "POST", path: "/v1/conversations/conv_x/items", body: { items: [] } },
	{ method: "GET", path: "/v1/conversations/conv_x/items/msg_x" },
	{ method: "DELETE", path: "/v1/conversations/conv_x/items/msg_x" },
	{ method: "POST", path: "/v1/images/edits" },
	{ method: "POST", path: "/v1/audio/transcriptions" },
	{ method: "POST", path: "/v1/audio/translations" },
];

const ADMIN_ROUTES: readonly Route[] = [
	{ method: "GET", path: "/admin/keys" },
	{ method: "POST", path: "/admin/keys", body: { name: "x" } },
	{ method: "GET", path: "/admin/keys/vk_01HZ0000000000000000000000" },
	{ method: "PATCH", path: "/admin/keys/vk_01HZ0000000000000000000000", body: { name: "x" } },
	{ method: "DELETE", path: "/admin/keys/vk_01HZ0000000000000000000000" },
	{ method: "GET", path: "/admin/teams/nobody" },
	{ method: "PUT", path: "/admin/teams/route-matrix", body: { rpm: 1 } },
	{ method: "GET", path: "/admin/deployments" },
	{ method: "POST", path: "/admin/deployments/disable", body: { id: "dep_x" } },
	{ method: "POST", path: "/admin/deployments/enable", body: { id: "dep_x" } },
	{ method: "GET", path: "/admin/spend" },
	{ method: "GET", path: "/admin/requests/req_01HZ0000000000000000000000" },
];

type Actor = "none" | "bad" | "virtual" | "revoked" | "expired" | "master";
const EXPECTED: Record<"data" | "admin", Record<Actor, number | "in">> = {
	data: { none: 401, bad: 401, virtual: "in", revoked: 401, expired: 401, master: 401 },
	admin: { none: 401, bad: 401, virtual: 403, revoked: 401, expired: 401, master: "in" },
};

describe("who gets in where", () => {
	const secrets: Record<Actor, string | undefined> = {
		none: undefined,
		bad: `gw_virt_${"x".repeat(47)}`,
		virtual: undefined,
		revoked: undefined,
		expired: undefined,
		master: MASTER_KEY,
	};
	beforeAll(async () => {
		secrets.virtual = key;
		const revoked = await gateway.mint();
		await gateway.admin("DELETE", `/keys/${revoked.id}`);
		secrets.revoked = revoked.key;
		const expired = await gateway.mint({ expires_at: new Date(Date.now() + 300).toISOString() });
		secrets.expired = expired.key;
		await until("the expiry", async () => (await gateway.get("/v1/models", expired.key)).status === 401);
	});

	const matrix = (["data", "admin"] as const).flatMap((plane) =>
		(plane === "data" ? DATA_ROUTES : ADMIN_ROUTES).map((route) => ({ plane, ...route })),
	);
	test.each(matrix)("$method $path", async ({ plane, method, path, body }) => {
		for (const actor of Object.keys(EXPECTED[plane]) as Actor[]) {
			const secret = secrets[actor];
			const { response } = await sendRaw(
				gateway.url,
				requestBytes({
					method,
					target: path,
					headers: {
						...(secret === undefined ? {} : { Authorization: `Bearer ${secret}` }),
						...(body === undefined ? {} : { "Content-Type": "application/json" }),
					},
					...(body === undefined ? {} : { body: JSON.stringify(body) }),
				}),
				{ localAddress: nextAddress() },
			);
			const expected = EXPECTED[plane][actor];
			const status = response?.status ?? 0;
			const isRight = expected === "in" ? status !== 401 && status !== 403 && status < 500 : status === expected;
			expect({ actor, status, isRight }).toEqual({ actor, status, isRight: true });
			if (status >= 400) {
				expectErrorShape(response?.text() ?? "", (name) => response?.header(name));
			}
		}
	});

	test.each(["/health", "/health/ready", "/openapi.json", "/docs"])(
		"%s is open, and tells nothing of keys",
		async (path) => {
			const answer = await gateway.get(path);
			expect(answer.status).toBe(200);
			for (const secret of [PROVIDER_KEY, MASTER_KEY, key, upstream.url]) {
				expect(answer.text).not.toContain(secret);
			}
		},
	);

	test("/admin answers no foreign page", async () => {
		const preflight = await fetch(`${gateway.url}/admin/keys`, {
			method: "OPTIONS",
			headers: { origin: "https://evil.test", "access-control-request-method": "POST" },
		});
		expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
		const answer = await gateway.admin("GET", "/keys", undefined, { origin: "https://evil.test" });
		expect(answer.headers.get("access-control-allow-origin")).toBeNull();
		expect(answer.headers.get("cache-control")).toContain("no-store");
	});
});

describe("stored responses belong to who made them", () => {
	const response = {
		id: "resp_owned",
		object: "response",
		created_at: 1,
		status: "completed",
		model: "gpt-4o-mini",
		output: [],
		usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
	};

	test("readable by the key and its team, not found for others", async () => {
		upstream.script(() => json(200, response));
		const maker = await gateway.mint({ team: "blue" });
		const mate = await gateway.mint({ team: "blue" });
		const stranger = await gateway.mint({ team: "red" });
		const made = await gateway.post("/v1/responses", maker.key, { model: "chat", input: "hi" });
		expect(made.status).toBe(200);
		const path = "/v1/responses/resp_owned";
		expect((await gateway.get(path, maker.key)).json()).toEqual(response);
		expect((await gateway.get(path, mate.key)).status).toBe(200);
		expect((await gateway.get(path, stranger.key)).status).toBe(404);
		const chained = { model: "chat", input: "and?", previous_response_id: "resp_owned" };
		expect([400, 404]).toContain((await gateway.post("/v1/responses", stranger.key, chained)).status);
		expect((await gateway.post("/v1/responses", maker.key, chained)).status).toBe(200);
		upstream.script((request) => chatFor(request));
	});
});
