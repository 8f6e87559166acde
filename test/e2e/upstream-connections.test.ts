import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type FullServer, startFullServer } from "../support/full-server.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatBody } from "../support/gateway-client.ts";
import { chatAnswer, chatChunk, chatFor, chatReply, ROLE_CHUNK } from "../support/openai-answers.ts";
import { bytesStep, fault, head, json, SSE_HEADERS, wireBytes } from "../support/replies.ts";
import { parseSse } from "../support/sse-events.ts";
import { type Step, startUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";

/* RELIABILITY §3.1, what connections to providers do: kept alive and gone stale, half open, with answers nobody asked for. */
const CHAT = "/v1/chat/completions";
const IDLE_MS = 150;
let provider: Upstream;
let other: Upstream;
let full: FullServer;
let gateway: TestGateway;
let key: string;

beforeAll(async () => {
	provider = await startUpstream((request) => chatFor(request));
	other = await startUpstream((request) => chatFor(request));
	full = await startFullServer();
	const unreachable = { upstream: full.url, connect_timeout: "300ms", priority: 0 };
	const hasty = { upstream: provider, timeout: "5s", ttft_timeout: "300ms" };
	gateway = await startTestGateway({
		aliases: {
			alone: { deployments: [hasty], router: { retries: 1, retry_after_ms: 1 } },
			pair: {
				deployments: [
					{ ...hasty, priority: 1 },
					{ upstream: other, priority: 2 },
				],
			},
			"no connection": { deployments: [unreachable, { upstream: other, priority: 2 }] },
			"nobody there": { deployments: [unreachable], router: { retries: 0 } },
			"slow stream": { upstream: provider, timeout: "1500ms" },
		},
		server: { stream_idle_timeout: `${IDLE_MS}ms` },
	});
	key = (await gateway.mint()).key;
});
afterEach(() => {
	for (const upstream of [provider, other]) {
		upstream.script((request) => chatFor(request));
		upstream.forget();
	}
});
afterAll(async () => {
	await gateway?.stop();
	await Promise.all([provider, other, full].map((server) => server?.[Symbol.asyncDispose]()));
});

const ask = (alias: string, content = "hi") =>
	gateway.post(CHAT, key, { ...chatBody(alias), messages: [{ role: "user", content }] });

/** Long enough for a kept connection to have been given up. */
async function idle(): Promise<void> {
	const since = performance.now();
	await until("a second to pass", () => performance.now() - since > 1_050);
}

describe("U8: a kept connection that its other end gives up just then", () => {
	test("is replaced by a new one at once: no other deployment is asked, and nothing is counted", async () => {
		expect((await ask("pair")).status).toBe(200);
		const old = provider.requests[0]?.connection;
		await idle();
		provider.script((request) => (request.connection === old ? fault.reset() : chatFor(request)));
		const answer = await ask("pair");
		expect([answer.status, answer.headers.get("x-gateway-retries")]).toEqual([200, "0"]);
		expect(provider.requests.map(({ connection }) => connection === old)).toEqual([true, true, false]);
		expect(other.requests.length).toBe(0);
		const trail = await gateway.get(`/v1/requests/${answer.headers.get("x-request-id")}`, key);
		const { attempts } = trail.json() as { attempts: { status: string; error_class: string | null }[] };
		expect(attempts.map(({ status, error_class }) => `${status} ${error_class}`)).toEqual([
			"upstream_failed reset",
			"ok null",
		]);
	});

	test("but an address that resets new ones too has failed, like any other", async () => {
		expect((await ask("pair")).status).toBe(200);
		await idle();
		provider.script(fault.reset);
		provider.forget();
		const answer = await ask("pair");
		expect([answer.status, answer.headers.get("x-gateway-retries")]).toEqual([200, "1"]);
		expect(provider.requests.length).toBe(2);
		provider.forget();
		expect((await ask("pair")).status).toBe(200);
		expect(provider.requests.length).toBe(1);
	});
});

describe("U4: a provider whose connections never come about", () => {
	test.each([false, true])("is given up after connect_timeout, stream: %p", async (stream) => {
		const answer = await gateway.post(CHAT, key, chatBody("no connection", { stream }));
		expect([answer.status, answer.headers.get("x-gateway-retries"), other.requests.length]).toEqual([200, "1", 1]);
		const trail = await gateway.get(`/v1/requests/${answer.headers.get("x-request-id")}`, key);
		expect(trail.json()).toMatchObject({ attempts: [{ error_class: "connect_timeout" }, { status: "ok" }] });
	});

	test("is a time-out for the client where there is nobody else", async () => {
		const answer = await gateway.post(CHAT, key, chatBody("nobody there"));
		expect([answer.status, answer.error()?.type]).toEqual([504, "upstream_timeout"]);
	});
});

test("U40: a kept connection that is silent is given up by its deadline, and the next request has a new one", async () => {
	expect((await ask("alone")).status).toBe(200);
	const old = provider.requests[0]?.connection;
	provider.script((request) => (request.connection === old ? fault.silent() : chatFor(request)));
	const answer = await ask("alone");
	expect([answer.status, answer.headers.get("x-gateway-retries")]).toEqual([200, "1"]);
});

test("U39: bytes behind an answer are nobody's: not the next request's either", async () => {
	const ghost = wireBytes(json(200, { ...chatAnswer(), id: "chatcmpl-ghost" }));
	provider.script(() => ({ steps: [bytesStep(Buffer.concat([wireBytes(chatReply()), ghost]))] }));
	const answers = [];
	for (let turn = 0; turn < 30; turn += 1) {
		answers.push(await ask("alone", `question ${turn}`));
	}
	const ids = answers.filter(({ status }) => status === 200).map((answer) => (answer.json() as { id: string }).id);
	expect(new Set(ids)).toEqual(new Set([chatAnswer().id]));
	expect(ids.length).toBeGreaterThan(0);
});

describe("a stream that moves without getting on", () => {
	/** Then ever the same step, more often than the silence that is allowed. */
	async function* forEver(start: readonly Step[], step: Step): AsyncGenerator<Step, void> {
		yield* start;
		for (;;) {
			await Bun.sleep(IDLE_MS / 5);
			yield step;
		}
	}
	const opening = [
		bytesStep(head(200, { ...SSE_HEADERS, connection: "close" })),
		bytesStep(`data: ${JSON.stringify(ROLE_CHUNK)}\n\ndata: ${JSON.stringify(chatChunk({ content: "Hello" }))}\n\n`),
	];

	test.each([
		["U13: a byte at a time, never an event", bytesStep("x"), "idle_timeout"],
		[
			"U20: events without end",
			bytesStep(`data: ${JSON.stringify(chatChunk({ content: " on" }))}\n\n`),
			"total_timeout",
		],
	])("%s: ends in words", async (_what, step, code) => {
		provider.script(() => ({ steps: forEver(opening, step) }));
		const response = await gateway.open(CHAT, key, chatBody("slow stream", { stream: true }));
		const { data } = parseSse(await response.text());
		expect(data[1]).toContain("Hello");
		expect(data).not.toContain("[DONE]");
		expect(JSON.parse(data.at(-1) ?? "{}").error).toMatchObject({ type: "upstream_timeout", code });
		await until("the provider to be dropped", () => provider.requests.at(-1)?.aborted());
	});
});
