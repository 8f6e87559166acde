import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { nanoOf } from "../support/cost-formula.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Answer, chatBody } from "../support/gateway-client.ts";
import { chatChunk, chatFor, chatReply, ROLE_CHUNK, SANITY_USAGE } from "../support/openai-answers.ts";
import { openRaw, requestBytes } from "../support/raw.ts";
import { errorJson, fault, gatedSse } from "../support/replies.ts";
import { parseSse } from "../support/sse-events.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { gate, until } from "../support/wait.ts";

const CHAT = "/v1/chat/completions";
let upstream: Upstream;
let gateway: TestGateway;

beforeAll(async () => {
	upstream = await startUpstream((request) => chatFor(request));
	gateway = await startTestGateway({
		aliases: {
			chat: { upstream },
			other: { upstream },
			unpriced: { upstream, model: "nobody-knows-this", price: null },
			flaky: { upstream },
		},
		router: { retries: 0 },
	});
});
afterEach(() => {
	upstream.script((request) => chatFor(request));
	upstream.forget();
});
afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

const ask = (key: string, more: Readonly<Record<string, unknown>> = {}) =>
	gateway.post(CHAT, key, chatBody("chat", more));

/** The 429 of the owner's page: status, header and body say the same. */
function expectLimited(answer: Answer, kind: string, type: string): number {
	expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 429 });
	const error = answer.error();
	expect(error).toMatchObject({ type, kind, message: expect.any(String) });
	const seconds = error?.retry_after_seconds ?? 0;
	expect(Number.isInteger(seconds) && seconds >= 1).toBe(true);
	expect(answer.headers.get("retry-after")).toBe(String(seconds));
	expect(answer.headers.get("x-gateway-limit-kind")).toBe(kind);
	expect(answer.headers.get("x-request-id")).toStartWith("req_");
	expect(answer.headers.get("content-type")).toStartWith("application/json");
	return seconds;
}

describe("a limit refuses as the owner's page says", () => {
	test("rpm", async () => {
		const { id, key } = await gateway.mint({ rpm: 3 });
		const answers = [await ask(key), await ask(key), await ask(key), await ask(key)];
		expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
		const last = answers[3];
		if (last !== undefined) {
			// A bucket of 3 a minute has one again after 20 s.
			const seconds = expectLimited(last, "rpm", "rate_limit_exceeded");
			expect(seconds).toBeGreaterThan(17);
			expect(seconds).toBeLessThanOrEqual(20);
			expect(last.error()?.message).toContain(`Key ${id} exceeded its 3 req/min limit`);
		}
		expect(upstream.requests.length).toBe(3);
	});

	test("tpm: the estimate is taken at once and corrected by the answer", async () => {
		const { key } = await gateway.mint({ tpm: 400 });
		const first = await ask(key);
		const second = await ask(key);
		const third = await ask(key);
		expect([first.status, second.status, third.status]).toEqual([200, 200, 429]);
		expectLimited(third, "tpm", "rate_limit_exceeded");
	});

	test("tpm: a request larger than the whole limit is refused, and not told to come back in vain", async () => {
		const { key } = await gateway.mint({ tpm: 50 });
		const answer = await ask(key, { messages: [{ role: "user", content: "word ".repeat(500) }] });
		expect([400, 429]).toContain(answer.status);
		expect(upstream.requests.length).toBe(0);
	});

	test("parallel requests", async () => {
		const { key } = await gateway.mint({ max_parallel_requests: 2 });
		const door = gate();
		upstream.script(async (request) => {
			await door.opened;
			return chatFor(request);
		});
		const running = [ask(key), ask(key)];
		await upstream.waitForRequests(2);
		expectLimited(await ask(key), "parallel", "rate_limit_exceeded");
		door.open();
		expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
		expect((await ask(key)).status).toBe(200);
	});

	test("budget", async () => {
		const { key } = await gateway.mint({ monthly_budget_usd: "0.000150" });
		const first = await ask(key, { max_tokens: 150 });
		expect(first.headers.get("x-gateway-cost-usd")).toBe("0.000099");
		const second = await ask(key, { max_tokens: 150 });
		const seconds = expectLimited(second, "budget", "budget_exceeded");
		const now = new Date();
		const nextMonth = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
		expect(Math.abs(seconds - (nextMonth - now.getTime()) / 1_000)).toBeLessThan(5);
		expect(second.headers.get("x-should-retry")).toBe("false");
		expect(upstream.requests.length).toBe(1);
	});

	test("budget, of a file whose size nobody knows: it may fill the whole context", async () => {
		const content = [{ type: "file", file: { file_id: "file-abc" } }];
		const request = { max_tokens: 1, messages: [{ role: "user", content }] };
		const small = await gateway.mint({ monthly_budget_usd: "0.015" });
		expectLimited(await ask(small.key, request), "budget", "budget_exceeded");
		const large = await gateway.mint({ monthly_budget_usd: "0.1" });
		expect((await ask(large.key, request)).status).toBe(200);
	});

	test("budget of zero", async () => {
		const { key } = await gateway.mint({ monthly_budget_usd: 0 });
		expectLimited(await ask(key), "budget", "budget_exceeded");
	});

	test("a refused request takes nothing of the other limits", async () => {
		const { id, key } = await gateway.mint({ rpm: 100, max_parallel_requests: 5, monthly_budget_usd: 0 });
		await ask(key);
		const { usage } = (await gateway.admin("GET", `/keys/${id}`)).json<{ usage: Record<string, unknown> }>();
		expect(usage).toMatchObject({ parallel_in_use: 0, reserved_usd: "0.000000", spent_usd: "0.000000" });
	});

	test("a PATCH of a limit holds from the next request on", async () => {
		const { id, key } = await gateway.mint({ rpm: 1 });
		expect([(await ask(key)).status, (await ask(key)).status]).toEqual([200, 429]);
		await gateway.admin("PATCH", `/keys/${id}`, { rpm: null });
		expect((await ask(key)).status).toBe(200);
	});
});

describe("a budget is never overrun", () => {
	const budgets = [
		{ what: "max_tokens set, 200 at once", patch: { max_tokens: 150 }, stream: false },
		{ what: "max_tokens set, 200 streams at once", patch: { max_tokens: 150 }, stream: true },
		{ what: "no bound given, 200 at once: the gateway bounds it", patch: {}, stream: false },
	];
	test.each(budgets)("$what", async ({ patch, stream }) => {
		const budgetNano = 37 * 99_000;
		const { id, key } = await gateway.mint({ monthly_budget_usd: "0.003663" });
		// The upstream keeps to the bound it was given, as providers do.
		upstream.script((request) => {
			const { max_tokens: a, max_completion_tokens: b } = request.json() as Record<string, number | undefined>;
			return chatFor(request, { prompt: 20, completion: Math.min(150, b ?? a ?? 150) });
		});
		const answers = await Promise.all(
			Array.from({ length: 200 }, () => ask(key, stream ? { ...patch, stream: true } : patch)),
		);
		const statuses = new Set(answers.map(({ status }) => status));
		expect([...statuses].sort()).toEqual([200, 429]);
		const key_ = (await gateway.admin("GET", `/keys/${id}`)).json<{
			usage: { spent_usd: string; reserved_usd: string };
		}>();
		expect(key_.usage.reserved_usd).toBe("0.000000");
		const spent = nanoOf(key_.usage.spent_usd);
		expect(spent).toBeLessThanOrEqual(budgetNano);
		const { prompt, completion } = upstream.ledger();
		expect(spent).toBe(prompt * 150 + completion * 600);
		for (const answer of answers.filter(({ status }) => status === 429)) {
			expectLimited(answer, "budget", "budget_exceeded");
		}
	});

	test("the bound sent to the provider is never above what was reserved", async () => {
		const { key } = await gateway.mint({ monthly_budget_usd: "0.000100" });
		const answer = await ask(key);
		expect(answer.status).toBe(200);
		const sent = upstream.requests[0]?.json() as Record<string, number | undefined>;
		const bound = sent.max_completion_tokens ?? sent.max_tokens ?? Number.POSITIVE_INFINITY;
		expect(bound * 600).toBeLessThanOrEqual(100_000);
	});

	test("failed attempts give their reservation back", async () => {
		upstream.script(() => errorJson(500, {}));
		const { id, key } = await gateway.mint({ monthly_budget_usd: 1 });
		expect((await gateway.post(CHAT, key, chatBody("flaky"))).status).toBe(502);
		const { usage } = (await gateway.admin("GET", `/keys/${id}`)).json<{ usage: Record<string, unknown> }>();
		expect(usage).toMatchObject({ spent_usd: "0.000000", reserved_usd: "0.000000", remaining_usd: "1.000000" });
	});

	test("a model without a price cannot be had on a budget, and is counted as unpriced without one", async () => {
		const withBudget = await gateway.mint({ monthly_budget_usd: 5 });
		const refused = await gateway.post(CHAT, withBudget.key, chatBody("unpriced"));
		expect(refused.status).toBeGreaterThanOrEqual(400);
		expect(refused.status).toBeLessThan(500);
		expect(upstream.requests.length).toBe(0);
		const free = await gateway.mint({ name: "unpriced" });
		expect((await gateway.post(CHAT, free.key, chatBody("unpriced"))).status).toBe(200);
		const { by_key: rows } = (await gateway.admin("GET", "/spend")).json<{ by_key: Record<string, unknown>[] }>();
		expect(rows.find((row) => row.key === free.id)).toMatchObject({ unpriced_requests: 1, cost_usd: "0.000000" });
	});
});

describe("who may use what", () => {
	test("an alias outside the list is 403, an unknown one 404, an expired key 401", async () => {
		const { key } = await gateway.mint({ models: ["other"] });
		expect((await gateway.post(CHAT, key, chatBody("other"))).status).toBe(200);
		expect(await gateway.post(CHAT, key, chatBody("chat"))).toMatchObject({ status: 403 });
		const unknown = await gateway.post(CHAT, (await gateway.mint()).key, chatBody("nope"));
		expect({ status: unknown.status, error: unknown.error() }).toMatchObject({
			status: 404,
			error: { code: "model_not_found", type: "not_found_error" },
		});
	});

	test("GET /v1/models lists what the key may use", async () => {
		const { key } = await gateway.mint({ models: ["other"] });
		const { data } = (await gateway.get("/v1/models", key)).json<{ data: { id: string }[] }>();
		expect(data.map(({ id }) => id)).toEqual(["other"]);
		expect([403, 404]).toContain((await gateway.get("/v1/models/chat", key)).status);
	});
});

describe("revocation", () => {
	test("under load: not one request is accepted after DELETE has answered", async () => {
		const { id, key } = await gateway.mint();
		let stop = false;
		const accepted: number[] = [];
		const load = Array.from({ length: 16 }, async () => {
			while (!stop) {
				const sentAt = performance.now();
				const { status } = await ask(key);
				if (status === 200) {
					accepted.push(sentAt);
				}
			}
		});
		await until("the load to run", () => accepted.length > 50);
		const deleted = await gateway.admin("DELETE", `/keys/${id}`);
		const answeredAt = performance.now();
		expect([200, 204]).toContain(deleted.status);
		const late = await Promise.all(Array.from({ length: 30 }, () => ask(key)));
		stop = true;
		await Promise.all(load);
		expect(late.map(({ status }) => status)).toEqual(late.map(() => 401));
		expect(accepted.filter((sentAt) => sentAt > answeredAt)).toEqual([]);
	});

	test("a running stream is cut within a second, in words, and paid for what it was", async () => {
		const { id, key } = await gateway.mint();
		upstream.script(() =>
			gatedSse([
				{ data: ROLE_CHUNK },
				{ data: chatChunk({ content: "one" }) },
				{ data: "never", after: new Promise(() => {}) },
			]),
		);
		await using client = await openRaw(gateway.url);
		const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
		await client.write(
			requestBytes({ method: "POST", target: CHAT, headers, body: JSON.stringify(chatBody("chat", { stream: true })) }),
		);
		await client.bodyUntil("a token", (text) => text.includes("one"));
		await gateway.admin("DELETE", `/keys/${id}`);
		await until("the stream to end", () => client.state().closed || client.completeCount() === 1, 1_000);
		const { data } = parseSse(client.response()?.text() ?? "");
		expect(data).not.toContain("[DONE]");
		expect(JSON.parse(data.at(-1) ?? "{}")).toHaveProperty("error");
		await until("the upstream to be dropped", () => upstream.requests[0]?.aborted(), 1_000);
	});

	test("a request still waiting for its answer is cut too", async () => {
		const { id, key } = await gateway.mint();
		upstream.script(() => fault.silent());
		const waiting = ask(key);
		await upstream.waitForRequests(1);
		await gateway.admin("DELETE", `/keys/${id}`);
		await until("the upstream to be dropped", () => upstream.requests[0]?.aborted(), 1_000);
		expect((await waiting.catch(() => ({ status: 0 }))).status).not.toBe(200);
	});

	test("a disabled key is refused and works again when enabled", async () => {
		const { id, key } = await gateway.mint();
		await gateway.admin("PATCH", `/keys/${id}`, { enabled: false });
		expect((await ask(key)).status).toBe(401);
		await gateway.admin("PATCH", `/keys/${id}`, { enabled: true });
		expect((await ask(key)).status).toBe(200);
	});
});

describe("spend", () => {
	test("rolls up by key, team, model, provider and day, and as CSV", async () => {
		const { id, key } = await gateway.mint({ team: "rollup" });
		await ask(key);
		await ask(key, { stream: true });
		const { data } = (await gateway.admin("GET", "/spend?group_by=key,team,model,provider")).json<{
			data: Record<string, unknown>[];
		}>();
		expect(data.find((row) => row.key === id)).toMatchObject({
			team: "rollup",
			model: "gpt-4o-mini",
			provider: "openai",
			requests: 2,
			errors: 0,
			prompt_tokens: 2 * SANITY_USAGE.prompt,
			completion_tokens: 2 * SANITY_USAGE.completion,
			cost_usd: "0.000198",
		});
		const csv = await gateway.admin("GET", "/spend?group_by=team", undefined, { accept: "text/csv" });
		expect(csv.headers.get("content-type")).toStartWith("text/csv");
		expect(csv.text).toContain("rollup");
	});

	test("a disabled deployment is not used, and its last one gone is 503", async () => {
		const { data } = (await gateway.admin("GET", "/deployments")).json<{
			data: { id: string; model_alias: string }[];
		}>();
		const { id } = data.find((entry) => entry.model_alias === "flaky") ?? {};
		const { key } = await gateway.mint();
		expect((await gateway.admin("POST", "/deployments/disable", { id })).status).toBe(200);
		expect((await gateway.post(CHAT, key, chatBody("flaky"))).status).toBe(503);
		expect(upstream.requests.length).toBe(0);
		expect((await gateway.admin("POST", "/deployments/enable", { id })).status).toBe(200);
		upstream.script(() => chatReply());
		expect((await gateway.post(CHAT, key, chatBody("flaky"))).status).toBe(200);
	});
});
