import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { nanoOf } from "../support/cost-formula.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatBody } from "../support/gateway-client.ts";
import {
	chatChunk,
	chatEvents,
	chatReply,
	ROLE_CHUNK,
	SANITY_USAGE,
	STOP_CHUNK,
	usageChunk,
} from "../support/openai-answers.ts";
import { openRaw, requestBytes } from "../support/raw.ts";
import { bytesStep, fault, gatedSse, head, httpChunk, json, SSE_HEADERS, sse, sseText } from "../support/replies.ts";
import { finalCost, parseSse, withoutGatewayComments } from "../support/sse-events.ts";
import { type Step, startUpstream, type Upstream } from "../support/upstream.ts";
import { gate, until, within } from "../support/wait.ts";

const STREAM_IDLE_MS = 400;
let upstream: Upstream;
let gateway: TestGateway;
let key: string;

beforeAll(async () => {
	upstream = await startUpstream(() => sse(chatEvents(["x"])));
	const numbered = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`chat-${index}`, { upstream }]));
	gateway = await startTestGateway({
		aliases: { chat: { upstream }, ...numbered },
		server: { stream_idle_timeout: `${STREAM_IDLE_MS}ms` },
	});
	key = (await gateway.mint()).key;
});
afterEach(() => {
	upstream.forget();
});
afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

const streamed = (more: Readonly<Record<string, unknown>> = {}) => chatBody("chat", { stream: true, ...more });
const asking = { stream_options: { include_usage: true } };

/** Small and seeded, so that a failing split can be had again. */
function randomCuts(seed: number, length: number, count: number): number[] {
	let state = seed;
	return Array.from({ length: count }, () => {
		state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
		return 1 + (state % (length - 1));
	}).sort((a, b) => a - b);
}

describe("the bytes of a stream are the provider's", () => {
	const words = ["Grüß ", "Gott, ", "日本", "🦊🦊", "\u2028", "a\\nb", '"quoted"'];
	const text = sseText(chatEvents(words));
	const length = Buffer.byteLength(text);
	const cases = [
		{ name: "one byte at a time", cuts: Array.from({ length }, (_, index) => index) },
		{ name: "everything in one chunk", cuts: [] },
		...Array.from({ length: 12 }, (_, seed) => ({
			name: `random cuts, seed ${seed}`,
			cuts: randomCuts(seed + 1, length, 25),
		})),
	];
	test.each(cases)("$name", async ({ cuts }) => {
		upstream.script(() => sse(chatEvents(words), { cuts }));
		const response = await gateway.open("/v1/chat/completions", key, streamed(asking));
		expect(withoutGatewayComments(await response.text())).toBe(text);
	});

	test.each([
		["\r\n", "CRLF"],
		["\r", "CR"],
	])("U17: line ends %j, fields without a space, ids, retries, comments and several data lines", async (newline) => {
		const chunk = JSON.stringify(chatChunk({ content: "hi" }));
		const lines = [
			"\uFEFF: hello",
			"",
			"retry: 100",
			"id: 7",
			`data:${chunk}`,
			"",
			"event: message",
			`data: ${JSON.stringify(STOP_CHUNK)}`,
			"",
			"data: [DONE]",
			"",
			"",
		];
		upstream.script(() => ({
			steps: [
				bytesStep(head(200, { ...SSE_HEADERS, "transfer-encoding": "chunked" })),
				bytesStep(httpChunk(Buffer.from(lines.join(newline)))),
				bytesStep("0\r\n\r\n"),
			],
		}));
		const response = await gateway.open("/v1/chat/completions", key, streamed(asking));
		const { data } = parseSse(await response.text());
		expect(data).toEqual([chunk, JSON.stringify(STOP_CHUNK), "[DONE]"]);
	});
});

describe("nothing is held back", () => {
	test("the first token arrives before the provider has sent the second, and each one after it", async () => {
		const gates = [gate(), gate(), gate()];
		upstream.script(() =>
			gatedSse([
				{ data: ROLE_CHUNK },
				{ data: chatChunk({ content: "one" }) },
				{ data: chatChunk({ content: "two" }), after: gates[0]?.opened },
				{ data: STOP_CHUNK, after: gates[1]?.opened },
				{ data: usageChunk(), after: gates[2]?.opened },
			]),
		);
		await using client = await openStream();
		await client.bodyUntil("one", (text) => text.includes("one"));
		gates[0]?.open();
		await client.bodyUntil("two", (text) => text.includes("two"));
		gates[1]?.open();
		await client.bodyUntil("stop", (text) => text.includes('"finish_reason":"stop"'));
		gates[2]?.open();
		await client.bodyUntil("the end", (text) => text.includes("[DONE]"));
	});

	test("a silent stream is kept alive by comments of the gateway, or cut in words: it never just hangs", async () => {
		upstream.script(() =>
			gatedSse([
				{ data: ROLE_CHUNK },
				{ data: chatChunk({ content: "one" }) },
				{ data: "never", after: new Promise(() => {}) },
			]),
		);
		await using client = await openStream();
		const text = await client.bodyUntil("the error event", (body) => body.includes('"error"'), STREAM_IDLE_MS * 8);
		const { data } = parseSse(text);
		expect(JSON.parse(data.at(-1) ?? "{}").error).toMatchObject({ type: "upstream_timeout" });
		expect(data).not.toContain("[DONE]");
		await until("the upstream to be dropped", () => upstream.requests[0]?.aborted());
	});

	test("a stream that keeps moving outlives every idle time-out", async () => {
		const events = Array.from({ length: 8 }, (_, index) => ({
			data: chatChunk({ content: `${index}` }),
			// The pace is the input under test: each pause is below the idle time-out, their sum far above.
			after: index === 0 ? undefined : delayed(index * (STREAM_IDLE_MS / 2)),
		}));
		upstream.script(() => gatedSse([...events, { data: STOP_CHUNK }]));
		const response = await gateway.open("/v1/chat/completions", key, streamed());
		expect(parseSse(await response.text()).data.at(-1)).toBe("[DONE]");
	});
});

function delayed(milliseconds: number): Promise<void> {
	return new Promise((resolve) => {
		setTimeout(resolve, milliseconds);
	});
}

function openStream(alias = "chat", secret = key) {
	return openWith(chatBody(alias, { stream: true }), secret);
}

async function openWith(body: unknown, secret = key) {
	const client = await openRaw(gateway.url);
	await client.write(
		requestBytes({
			method: "POST",
			target: "/v1/chat/completions",
			headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
			body: JSON.stringify(body),
		}),
	);
	return client;
}

describe("the usage chunk and the cost", () => {
	test("the usage chunk is shown to who asked for it and hidden from who did not", async () => {
		upstream.script(() => sse(chatEvents(["x"])));
		const shown = parseSse(await (await gateway.open("/v1/chat/completions", key, streamed(asking))).text());
		const hidden = parseSse(await (await gateway.open("/v1/chat/completions", key, streamed())).text());
		const usage = JSON.stringify(usageChunk());
		expect(shown.data).toContain(usage);
		expect(hidden.data).toEqual(shown.data.filter((data) => data !== usage));
		const sent = upstream.requests.map((request) => request.json() as { stream_options: unknown });
		expect(sent.map(({ stream_options: options }) => options)).toEqual([
			{ include_usage: true },
			{ include_usage: true },
		]);
	});

	test("other stream_options of the client stay", async () => {
		await (
			await gateway.open("/v1/chat/completions", key, streamed({ stream_options: { include_obfuscation: false } }))
		).text();
		expect(upstream.requests[0]?.json()).toMatchObject({
			stream_options: { include_obfuscation: false, include_usage: true },
		});
	});

	test("the final cost comes as a comment before [DONE], the header says that it is not final", async () => {
		upstream.script(() => sse(chatEvents(["x"])));
		const response = await gateway.open("/v1/chat/completions", key, streamed());
		const text = await response.text();
		expect(response.headers.get("x-gateway-cost-final")).toBe("false");
		expect(nanoOf(response.headers.get("x-gateway-cost-usd"))).toBeGreaterThan(0);
		expect(text.indexOf(": gateway {")).toBeLessThan(text.indexOf("data: [DONE]"));
		expect(finalCost(parseSse(text))).toMatchObject({ cost_usd: "0.000099", usage: expect.any(Object) });
		const trail = await gateway.get(`/v1/requests/${response.headers.get("x-request-id")}`, key);
		expect(trail.json()).toMatchObject({ cost_usd: "0.000099", cost_final: true, status: "ok" });
	});
});

describe("a client that leaves", () => {
	const leaving = [
		{ what: "before the head, by FIN", until: undefined, how: "end" as const },
		{ what: "before the head, by RST", until: undefined, how: "reset" as const },
		{ what: "in mid-stream, by FIN", until: "one", how: "end" as const },
		{ what: "in mid-stream, by RST", until: "one", how: "reset" as const },
	];
	test.each(leaving)("$what: the provider is dropped at once and the part is paid", async ({ until: word, how }) => {
		upstream.script(() =>
			word === undefined
				? fault.silent()
				: gatedSse([
						{ data: ROLE_CHUNK },
						{ data: chatChunk({ content: "one" }) },
						{ data: "never", after: new Promise(() => {}) },
					]),
		);
		const owner = await gateway.mint({ max_parallel_requests: 1 });
		await using client = await openStream("chat", owner.key);
		await upstream.waitForRequests(1);
		if (word !== undefined) {
			await client.bodyUntil(word, (text) => text.includes(word));
		}
		client[how]();
		await within("the upstream to notice", upstream.requests[0]?.gone ?? Promise.resolve());
		const row = await until("the settled row", async () => {
			const { data } = (await gateway.admin("GET", "/spend?group_by=key")).json<{ data: Record<string, unknown>[] }>();
			return data.find((entry) => entry.key === owner.id && Number(entry.requests) === 1);
		});
		if (word !== undefined) {
			expect(Number(row.cost_usd)).toBeGreaterThan(0);
		}
		// The slot is free again.
		upstream.script(() => chatReply());
		await until(
			"the slot",
			async () => (await gateway.post("/v1/chat/completions", owner.key, chatBody("chat"))).status === 200,
		);
	});

	test("before a whole answer came: the provider is dropped too", async () => {
		upstream.script(() => fault.silent());
		await using client = await openWith(chatBody("chat"));
		await upstream.waitForRequests(1);
		client.reset();
		await within("the upstream to notice", upstream.requests[0]?.gone ?? Promise.resolve());
	});
});

describe("backpressure", () => {
	test("a client that does not read holds the provider back, and memory stays where it was", async () => {
		const filler = "f".repeat(32_000);
		async function* endless(): AsyncGenerator<Step> {
			yield bytesStep(head(200, { ...SSE_HEADERS, "transfer-encoding": "chunked" }));
			for (let count = 0; count < 20_000; count += 1) {
				yield bytesStep(httpChunk(Buffer.from(sseText([chatChunk({ content: filler })], { done: false }))));
			}
		}
		upstream.script(() => ({ steps: endless() }));
		await using client = await openStream();
		await client.bodyUntil("the first token", (text) => text.includes("fff"));
		client.pause();
		let before = -1;
		await until("the provider to stand still", async () => {
			const last = before;
			before = upstream.requests[0]?.bytesSent() ?? 0;
			await delayed(150);
			return last === before;
		});
		expect(before).toBeLessThan(48 * 1024 * 1024);
		client.reset();
		await within("the upstream to notice", upstream.requests[0]?.gone ?? Promise.resolve());
	});

	test("U19: an event of 8 MiB ends the stream in words, not the process", async () => {
		upstream.script(() =>
			sse([ROLE_CHUNK, chatChunk({ content: "x" }), chatChunk({ content: "y".repeat(8 * 1024 * 1024) }), STOP_CHUNK]),
		);
		const response = await gateway.open("/v1/chat/completions", key, streamed());
		const { data } = parseSse(await response.text());
		expect(JSON.parse(data.at(-1) ?? "{}")).toHaveProperty("error");
	});
});

describe("other streams", () => {
	test("an answer that is JSON although a stream was asked for is passed on, or refused: never a broken stream", async () => {
		upstream.script(() =>
			json(200, {
				id: "chatcmpl-1",
				object: "chat.completion",
				choices: [],
				usage: { prompt_tokens: SANITY_USAGE.prompt, completion_tokens: 0, total_tokens: 60 },
			}),
		);
		const answer = await gateway.post("/v1/chat/completions", key, chatBody("chat-1", { stream: true }));
		expect([200, 502]).toContain(answer.status);
		expect(answer.json()).toBeObject();
	});

	test("tool calls are content: a stream that only calls a tool is a whole stream", async () => {
		const call = chatChunk({
			tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "f", arguments: "{}" } }],
		});
		upstream.script(() => sse([ROLE_CHUNK, call, chatChunk({}, "tool_calls"), usageChunk()]));
		const response = await gateway.open("/v1/chat/completions", key, chatBody("chat-2", { stream: true }));
		const { data } = parseSse(await response.text());
		expect(data).toContain(JSON.stringify(call));
		expect(data.at(-1)).toBe("[DONE]");
	});
});
