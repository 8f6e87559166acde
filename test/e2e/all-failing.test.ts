import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Answer, chatBody } from "../support/gateway-client.ts";
import { chatFor } from "../support/openai-answers.ts";
import { errorJson } from "../support/replies.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";

/*
 * RELIABILITY §3.3 where nobody is left: a breaker prefers others, it is no reason to have no answer while there might be
 * one; and where there is none the client is told so at once.
 */
const CHAT = "/v1/chat/completions";
let one: Upstream;
let two: Upstream;
let gateway: TestGateway;
let key: string;

const failing = () => errorJson(500, { message: "broken" });
const limiting = () => errorJson(429, {}, { "retry-after": "9" });

beforeAll(async () => {
	one = await startUpstream((request) => chatFor(request));
	two = await startUpstream((request) => chatFor(request));
	const alone = { deployments: [{ upstream: one }], router: { retries: 0 } };
	gateway = await startTestGateway({
		aliases: {
			alone,
			recovers: alone,
			moment: { ...alone, router: { retries: 2, retry_after_ms: 1 } },
			"now and then": { ...alone, router: { retries: 2, retry_after_ms: 1 } },
			pair: { deployments: [{ upstream: one }, { upstream: two }], router: { retries: 1 } },
			mixed: { deployments: [{ upstream: one }, { upstream: two }], router: { retries: 0 } },
			preferring: {
				deployments: [
					{ upstream: one, priority: 2 },
					{ upstream: two, priority: 1 },
				],
				router: { retries: 1, retry_after_ms: 1 },
			},
			saved: { deployments: [{ upstream: one }], fallbacks: ["safe"], router: { retries: 1 } },
			safe: { upstream: two },
		},
	});
	key = (await gateway.mint()).key;
});
afterEach(() => {
	for (const upstream of [one, two]) {
		upstream.script((request) => chatFor(request));
		upstream.forget();
	}
});
afterAll(async () => {
	await gateway?.stop();
	await Promise.all([one, two].map((upstream) => upstream?.[Symbol.asyncDispose]()));
});

const ask = (alias: string, stream = false) => gateway.post(CHAT, key, chatBody(alias, stream ? { stream } : {}));

async function askUntil(alias: string, status: number): Promise<Answer> {
	for (let tries = 0; tries < 40; tries += 1) {
		const answer = await ask(alias);
		if (answer.status === status) {
			return answer;
		}
	}
	throw new Error(`'${alias}' never answered ${status}`);
}

function expectUnavailable(answer: Answer): void {
	expect({ status: answer.status, error: answer.error() }).toMatchObject({
		status: 503,
		error: { type: "service_unavailable", code: "upstream_unavailable", kind: "upstream" },
	});
	const seconds = answer.error()?.retry_after_seconds ?? 0;
	expect(seconds).toBeGreaterThanOrEqual(1);
	expect(seconds).toBeLessThanOrEqual(120);
	expect(answer.headers.get("retry-after")).toBe(String(seconds));
}

describe("U32: every deployment of an alias always fails", () => {
	test("answers come without asking a provider, but for one request a second", async () => {
		one.script(failing);
		expectUnavailable(await askUntil("alone", 503));
		one.forget();
		const startedMs = performance.now();
		const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => ask("alone", index % 2 === 0)));
		const seconds = (performance.now() - startedMs) / 1_000;
		expect(one.requests.length).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
		expect(answers.filter(({ status }) => status === 503).length).toBe(200 - one.requests.length);
		for (const answer of answers.filter(({ status }) => status === 503)) {
			expectUnavailable(answer);
		}
	});

	test("none of two is asked more often than that, and each attempt that was made is told of", async () => {
		one.script(failing);
		two.script(failing);
		expectUnavailable(await askUntil("pair", 503));
		expect(one.requests.length).toBeGreaterThanOrEqual(5);
		expect(two.requests.length).toBeGreaterThanOrEqual(5);
	});

	test("the first that is let through finds that the provider is well again, and all are served from then on", async () => {
		one.script(failing);
		await askUntil("recovers", 503);
		one.script((request) => chatFor(request));
		let served: Answer | undefined;
		await until("a request is served", async () => {
			served = await ask("recovers");
			return served.status === 200;
		});
		expect(served?.headers.get("x-gateway-retries")).toBe("0");
		const next = [await ask("recovers"), await ask("recovers"), await ask("recovers"), await ask("recovers")];
		expect(next.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
	});

	test("a fallback serves instead, from the first request on", async () => {
		one.script(failing);
		for (let turn = 0; turn < 20; turn += 1) {
			expect((await ask("saved")).status).toBe(200);
		}
		// Its breaker is open: it is no longer asked first.
		expect(one.requests.length).toBeLessThanOrEqual(6);
	});
});

test("one that fails only now and then is asked on, whatever its breaker says, where it is the only one", async () => {
	// Six failures in a row open the breaker; they are followed by answers.
	one.script((request, index) => (index % 7 < 6 ? failing() : chatFor(request)));
	const statuses: number[] = [];
	for (let turn = 0; turn < 40; turn += 1) {
		statuses.push((await ask("now and then")).status);
	}
	expect(statuses).not.toContain(503);
	expect(statuses).toContain(200);
});

test("of several that have been failing, the one that stands first by priority is asked first", async () => {
	one.script(failing);
	two.script(failing);
	for (let turn = 0; turn < 5; turn += 1) {
		expect((await ask("preferring")).status).toBe(502);
	}
	for (const upstream of [one, two]) {
		upstream.script((request) => chatFor(request));
		upstream.forget();
	}
	expect((await ask("preferring")).status).toBe(200);
	expect([one.requests.length, two.requests.length]).toEqual([0, 1]);
});

test("who asks for a moment gets it, and then the request, where nobody else is left", async () => {
	one.script((request, index) => (index === 0 ? errorJson(429, {}, { "retry-after": "1" }) : chatFor(request)));
	const answer = await ask("moment");
	expect({ status: answer.status, retries: answer.headers.get("x-gateway-retries") }).toEqual({
		status: 200,
		retries: "1",
	});
	const [first, second] = one.requests;
	expect((second?.receivedAtMs ?? 0) - (first?.receivedAtMs ?? 0)).toBeGreaterThanOrEqual(990);
});

test("where one is failing and the other asks to be left alone, the client is told which comes back first", async () => {
	one.script(failing);
	two.script(limiting);
	const answer = await askUntil("mixed", 503);
	expectUnavailable(answer);
	expect(answer.error()?.retry_after_seconds).toBeLessThanOrEqual(9);
});
