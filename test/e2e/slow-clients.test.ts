import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatBody } from "../support/gateway-client.ts";
import { chatChunk, chatFor, ROLE_CHUNK, STOP_CHUNK } from "../support/openai-answers.ts";
import { openRaw, requestBytes } from "../support/raw.ts";
import { gatedSse } from "../support/replies.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { gate, until } from "../support/wait.ts";

/* What only time shows: Bun's own time-outs (RELIABILITY §0.8). The three waits run at once, so that the file takes one. */
let upstream: Upstream;
let gateway: TestGateway;
let key: string;
const SILENCE_MS = 12_500;

beforeAll(async () => {
	upstream = await startUpstream((request) => chatFor(request));
	gateway = await startTestGateway({ aliases: { chat: { upstream } } });
	key = (await gateway.mint()).key;
});
afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

function request(body: unknown): Buffer {
	return requestBytes({
		method: "POST",
		target: "/v1/chat/completions",
		headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
		body: JSON.stringify(body),
	});
}

async function silentStream(): Promise<string> {
	const door = gate();
	upstream.script(() =>
		gatedSse([{ data: ROLE_CHUNK }, { data: chatChunk({ content: "one" }) }, { data: STOP_CHUNK, after: door.opened }]),
	);
	await using client = await openRaw(gateway.url);
	await client.write(request(chatBody("chat", { stream: true })));
	await client.bodyUntil("the first token", (text) => text.includes("one"));
	upstream.script((incoming) => chatFor(incoming));
	await Bun.sleep(SILENCE_MS);
	door.open();
	const text = await client.bodyUntil("the end", (body) => body.includes("[DONE]"));
	return text;
}

/** 20 KB a second for longer than Bun's idle time-out, which the bytes of a body do not reset. */
async function slowUpload(): Promise<number | undefined> {
	const bytes = request({ ...chatBody("chat"), padding: "p".repeat(270_000) });
	await using client = await openRaw(gateway.url);
	const size = Math.ceil(bytes.length / 12);
	for (let at = 0; at < bytes.length; at += size) {
		await client.write(bytes.subarray(at, at + size));
		await Bun.sleep(SILENCE_MS / 12);
	}
	await until("the answer", () => client.completeCount() === 1 || client.state().closed);
	return client.response()?.status;
}

/** Bun cuts a request whose head does not come; seconds until it did. */
async function slowHead(): Promise<number> {
	const startedAt = performance.now();
	await using client = await openRaw(gateway.url);
	await client.write("POST /v1/chat/completions HTTP/1.1\r\nHost: ga");
	await until("the cut", () => client.state().closed, 16_000);
	return (performance.now() - startedAt) / 1_000;
}

describe("patience", () => {
	test("B70, B76: a quiet stream and a slow upload are served, an unfinished head is cut", async () => {
		const streaming = silentStream();
		await upstream.waitForRequests(1);
		await until("the stream to be under way", () => upstream.requests[0]?.bytesSent());
		const [text, status, seconds] = await Promise.all([streaming, slowUpload(), slowHead()]);
		expect(text).toContain('"finish_reason":"stop"');
		// Something is heard in between: middleboxes cut what is silent.
		expect(text).toMatch(/^:/m);
		expect(status).toBe(200);
		expect(seconds).toBeLessThan(15.5);
	}, 40_000);
});
