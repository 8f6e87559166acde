import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatBody } from "../support/gateway-client.ts";
import { chatAnswer, chatReply, ROLE_CHUNK } from "../support/openai-answers.ts";
import { openRaw, requestBytes } from "../support/raw.ts";
import { bytesStep, head, httpChunk, respond, SSE_HEADERS, sseText } from "../support/replies.ts";
import { type Reply, type Step, startUpstream, type Upstream } from "../support/upstream.ts";
import { gate, until } from "../support/wait.ts";

/* Providers that look alive, whole or small, and are not. */
const TTFT_MS = 150;
let tricky: Upstream;
let good: Upstream;
let gateway: TestGateway;
let key: string;

beforeAll(async () => {
	[tricky, good] = await Promise.all([startUpstream(() => chatReply()), startUpstream(() => chatReply())]);
	const late = { upstream: tricky, model: "late", priority: 1, ttft_timeout: `${TTFT_MS}ms` };
	const pair = { deployments: [late, { upstream: good, model: "good", priority: 2 }] };
	gateway = await startTestGateway({
		aliases: {
			...Object.fromEntries(slowStarts.map((_, index) => [`pair-${index}`, pair])),
			speech: { upstream: tricky, model: "tts-1" },
			bomb: { upstream: tricky },
			chat: { upstream: good },
		},
		// Far above the time to the first token: it is not what ends these streams.
		server: { stream_idle_timeout: "60s" },
		router: { retries: 1, retry_after_ms: 1 },
	});
	key = (await gateway.mint()).key;
});
afterEach(() => {
	tricky.forget();
	good.forget();
});
afterAll(async () => {
	await gateway?.stop();
	await Promise.all([tricky?.[Symbol.asyncDispose](), good?.[Symbol.asyncDispose]()]);
});

describe("a binary answer that is cut ends in a broken connection, never in a proper end", () => {
	const cuts = [
		{ what: "the provider closes before its content-length", end: { kind: "fin" } },
		{ what: "the provider resets", end: { kind: "reset" } },
		{ what: "the key is revoked", end: undefined },
	] as const satisfies readonly { what: string; end: Step | undefined }[];

	test.each([...cuts])("$what", async ({ end }) => {
		const door = gate();
		const owner = await gateway.mint();
		tricky.script(() => ({
			steps: [
				bytesStep(head(200, { "content-type": "audio/mpeg", "content-length": "100000" })),
				bytesStep("a".repeat(5_000)),
				{ kind: "wait", until: door.opened },
				end ?? { kind: "hang" },
			],
		}));
		await using client = await openRaw(gateway.url);
		await client.write(
			requestBytes({
				method: "POST",
				target: "/v1/audio/speech",
				headers: { Authorization: `Bearer ${owner.key}`, "Content-Type": "application/json" },
				body: JSON.stringify({ model: "speech", input: "Hello.", voice: "alloy" }),
			}),
		);
		await client.bodyUntil("the first part", (text) => text.length === 5_000);
		if (end === undefined) {
			await gateway.admin("DELETE", `/keys/${owner.id}`);
		}
		door.open();
		await until("an end", () => client.state().closed || client.completeCount() === 1);
		// Chunked and without its last chunk, or shorter than its length: a reader can tell.
		const { status, complete, framing, body } = client.response() ?? {};
		expect({ status, complete, bytes: body?.length }).toEqual({ status: 200, complete: false, bytes: 5_000 });
		expect(["chunked", "length"]).toContain(framing ?? "none");
	});
});

/** A stream that says the same again and again, many times within the time to the first token. */
function repeating(text: string): Reply {
	async function* steps(): AsyncGenerator<Step> {
		yield bytesStep(head(200, { ...SSE_HEADERS, "transfer-encoding": "chunked" }));
		for (;;) {
			yield bytesStep(httpChunk(Buffer.from(text)));
			// The pace is the input under test.
			await new Promise((resolve) => setTimeout(resolve, TTFT_MS / 5));
		}
	}
	return { steps: steps() };
}

const role = sseText([ROLE_CHUNK], { done: false });
const slowStarts = [
	{ what: "roles", text: role, once: false },
	{ what: "comments", text: ": keep-alive\n\n", once: false },
	{ what: "pings", text: 'event: ping\ndata: {"type":"ping"}\n\n', once: false },
	{ what: "one role and then silence", text: role, once: true },
] as const;

describe("ttft_timeout counts tokens", () => {
	test.each(slowStarts.map((entry, index) => ({ ...entry, alias: `pair-${index}` })))(
		"$what are none: the next deployment answers",
		async ({ alias, text, once }) => {
			tricky.script(() => {
				const opening = [bytesStep(head(200, { ...SSE_HEADERS, "transfer-encoding": "chunked" }))];
				return once
					? { steps: [...opening, bytesStep(httpChunk(Buffer.from(text))), { kind: "hang" }] }
					: repeating(text);
			});
			good.script(() => respond({ framing: "chunked", headers: SSE_HEADERS, body: goodStream }));
			const answer = await gateway.post("/v1/chat/completions", key, chatBody(alias, { stream: true }));
			expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
			expect(answer.headers.get("x-gateway-decision")).toBe("openai/good");
			expect(answer.headers.get("x-gateway-retries")).toBe("1");
			expect(answer.text).toContain("[DONE]");
			await until("the late one to be dropped", () => tricky.requests[0]?.aborted());
		},
	);
});

const goodStream = sseText([
	{ ...ROLE_CHUNK, choices: [{ index: 0, delta: { content: "Hello." }, finish_reason: null }] },
	{ ...ROLE_CHUNK, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
]);

describe("compressed answers", () => {
	test("one that inflates beyond the bound of an answer is refused, and the next request is served", async () => {
		// A proper answer in every other respect: without the bound it would be passed on.
		const bomb = gzipSync(JSON.stringify(chatAnswer({ content: "x".repeat(100 * 1024 * 1024) })));
		expect(bomb.length).toBeLessThan(1024 * 1024);
		tricky.script(() => respond({ body: bomb, headers: { "content-encoding": "gzip" } }));
		const refused = await gateway.post("/v1/chat/completions", key, chatBody("bomb"));
		expect({ status: refused.status, length: refused.text.length < 2_000 }).toEqual({ status: 502, length: true });
		good.script(() => chatReply());
		expect((await gateway.post("/v1/chat/completions", key, chatBody("chat"))).status).toBe(200);
	}, 20_000);

	test("a small one, compressed although nobody asked for it, is read", async () => {
		const body = gzipSync(JSON.stringify(chatAnswer()));
		good.script(() => respond({ body, headers: { "content-encoding": "gzip" } }));
		const answer = await gateway.post("/v1/chat/completions", key, chatBody("chat"));
		expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
		expect(answer.json()).toEqual(chatAnswer());
	});
});
