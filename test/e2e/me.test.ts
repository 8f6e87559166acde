import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { JsonObject } from "../../src/lib/json-types.ts";
import { nanoOf } from "../support/cost-formula.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatBody, type MintedKey } from "../support/gateway-client.ts";
import { chatFor } from "../support/openai-answers.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { gate } from "../support/wait.ts";
import { expectDocumented } from "../unit/admin/harness.ts";

const CHAT = "/v1/chat/completions";
let upstream: Upstream;
let gateway: TestGateway;

beforeAll(async () => {
	upstream = await startUpstream((request) => chatFor(request));
	gateway = await startTestGateway({
		aliases: {
			chat: { upstream },
			other: { upstream, model: "gpt-4o", price: { input_per_million: 1, output_per_million: 2 } },
		},
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

const ask = ({ key }: MintedKey, alias = "chat", more: Readonly<Record<string, unknown>> = {}) =>
	gateway.post(CHAT, key, chatBody(alias, more));

// The shape is what the test is about: its fields are asserted on, and the document checks the rest.
async function me({ key }: MintedKey) {
	const answer = await gateway.get("/v1/me", key);
	expect(answer.status).toBe(200);
	const body = answer.json<JsonObject>();
	expectDocumented("Me", body);
	return body;
}

function monthNow() {
	const now = new Date();
	const first = (months: number) =>
		new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1)).toISOString();
	return { from: first(0), to: first(1), today: now.toISOString().slice(0, 10) };
}

const UNLIMITED_WINDOW = { limit: null, remaining: null, full_in_seconds: 0 };

describe("GET /v1/me", () => {
	test("a key without limits that has done nothing", async () => {
		const key = await gateway.mint({ name: "quiet" });
		const { from, to } = monthNow();
		expect(await me(key)).toMatchObject({
			object: "virtual_key",
			id: key.id,
			name: "quiet",
			models: [],
			expires_at: null,
			limits: {
				rpm: UNLIMITED_WINDOW,
				tpm: UNLIMITED_WINDOW,
				parallel: { limit: null, in_flight: 0 },
				budget: {
					limit_usd: null,
					spent_usd: "0.000000",
					reserved_usd: "0.000000",
					remaining_usd: null,
					resets_at: to,
				},
			},
			spend: { from, to, total: { requests: 0, cost_usd: "0.000000" }, by_model: [], by_day: [] },
			team: null,
		});
	});

	test("its limits, what is left of them, and when they are full again", async () => {
		const key = await gateway.mint({
			rpm: 6,
			tpm: 600,
			max_parallel_requests: 3,
			monthly_budget_usd: "0.010000",
			models: ["chat"],
			expires_at: "2099-01-01T00:00:00Z",
		});
		await ask(key, "chat", { max_tokens: 150 });
		await ask(key, "chat", { max_tokens: 150 });
		const own = await me(key);
		expect(own).toMatchObject({
			models: ["chat"],
			expires_at: "2099-01-01T00:00:00.000Z",
			limits: {
				rpm: { limit: 6, remaining: 4 },
				tpm: { limit: 600 },
				parallel: { limit: 3, in_flight: 0 },
				budget: { limit_usd: "0.010000", spent_usd: "0.000198", remaining_usd: "0.009802" },
			},
		});
		// Two answers of 210 tokens; ten come back each second.
		const { rpm, tpm } = own.limits as Record<"rpm" | "tpm", { remaining: number; full_in_seconds: number }>;
		// One of six comes back every ten seconds.
		expect(rpm.full_in_seconds).toBeGreaterThan(17);
		expect(rpm.full_in_seconds).toBeLessThanOrEqual(20);
		expect(tpm.remaining).toBeGreaterThanOrEqual(180);
		expect(tpm.remaining).toBeLessThan(200);
		expect(tpm.full_in_seconds).toBeGreaterThan(38);
		expect(tpm.full_in_seconds).toBeLessThanOrEqual(42);
	});

	test("asking takes nothing, and is possible when every limit is used up", async () => {
		const key = await gateway.mint({ rpm: 1, monthly_budget_usd: "0.000100" });
		expect([(await ask(key, "chat", { max_tokens: 150 })).status, (await ask(key)).status]).toEqual([200, 429]);
		for (let asked = 0; asked < 5; asked += 1) {
			expect(await me(key)).toMatchObject({
				limits: { rpm: { limit: 1, remaining: 0 }, budget: { remaining_usd: "0.000001" } },
			});
		}
	});

	test("what is in flight is seen as in flight and as reserved", async () => {
		const key = await gateway.mint({ team: "flying", monthly_budget_usd: 1 });
		const door = gate();
		upstream.script(async (request) => {
			await door.opened;
			return chatFor(request);
		});
		const running = [ask(key, "chat", { max_tokens: 150 }), ask(key, "chat", { max_tokens: 150 })];
		await upstream.waitForRequests(2);
		const during = await me(key);
		const { reserved_usd: reserved, remaining_usd: remaining } = (
			during.limits as { budget: { reserved_usd: string; remaining_usd: string } }
		).budget;
		expect(nanoOf(reserved)).toBeGreaterThanOrEqual(2 * 90_000);
		expect(nanoOf(remaining)).toBe(1_000_000_000 - nanoOf(reserved));
		expect(during).toMatchObject({
			limits: { parallel: { in_flight: 2 } },
			team: { name: "flying", limits: { parallel: { in_flight: 2 }, budget: { reserved_usd: reserved } } },
		});
		door.open();
		await Promise.all(running);
		expect(await me(key)).toMatchObject({
			limits: { parallel: { in_flight: 0 }, budget: { reserved_usd: "0.000000", spent_usd: "0.000198" } },
		});
	});

	test("spend of this month by model and by day, its own alone, in every team it was in", async () => {
		const [key, mate] = [await gateway.mint({ team: "spenders" }), await gateway.mint({ team: "spenders" })];
		await ask(key);
		await ask(key, "chat", { stream: true });
		await gateway.admin("PATCH", `/keys/${key.id}`, { team: "spenders-2" });
		await ask(key, "other");
		await ask(mate);
		const { today } = monthNow();
		// 60 and 150 tokens, at 0.15 and 0.60, then at 1 and 2 dollars a million.
		const cheap = {
			model: "gpt-4o-mini",
			requests: 2,
			prompt_tokens: 120,
			completion_tokens: 300,
			cost_usd: "0.000198",
		};
		const dear = { model: "gpt-4o", requests: 1, cost_usd: "0.000360" };
		expect(await me(key)).toMatchObject({
			spend: {
				total: { requests: 3, cost_usd: "0.000558" },
				by_model: [dear, cheap],
				by_day: [{ day: today, requests: 3, cost_usd: "0.000558" }],
			},
			limits: { budget: { spent_usd: "0.000558" } },
			team: { name: "spenders-2", limits: { budget: { spent_usd: "0.000360" } } },
		});
	});

	test("the team's limits and what is left of them, and nothing of its other keys", async () => {
		await gateway.admin("PUT", "/teams/shared", { rpm: 10, monthly_budget_usd: "0.001000", max_parallel_requests: 4 });
		const key = await gateway.mint({ team: "shared", name: "mine" });
		const mate = await gateway.mint({ team: "shared", name: "not-mine" });
		await ask(mate, "chat", { max_tokens: 150 });
		const answer = await gateway.get("/v1/me", key.key);
		expect(answer.json()).toMatchObject({
			spend: { total: { requests: 0 } },
			team: {
				name: "shared",
				limits: {
					rpm: { limit: 10, remaining: 9 },
					tpm: UNLIMITED_WINDOW,
					parallel: { limit: 4, in_flight: 0 },
					budget: { limit_usd: "0.001000", spent_usd: "0.000099", remaining_usd: "0.000901" },
				},
			},
		});
		for (const secret of [mate.id, mate.key, key.key, "not-mine"]) {
			expect(answer.text).not.toContain(secret);
		}
	});

	test("a limit lowered below what was used leaves nothing, not less than nothing", async () => {
		const key = await gateway.mint({ rpm: 10, monthly_budget_usd: 1 });
		for (let asked = 0; asked < 5; asked += 1) {
			await ask(key);
		}
		await gateway.admin("PATCH", `/keys/${key.id}`, { rpm: 2, monthly_budget_usd: "0.000100" });
		expect(await me(key)).toMatchObject({
			limits: { rpm: { limit: 2, remaining: 0 }, budget: { remaining_usd: "0.000000" } },
		});
	});

	test("has the headers of every answer, is never cached, and takes GET alone", async () => {
		const { key } = await gateway.mint();
		const { headers } = await gateway.get("/v1/me", key);
		expect(headers.get("x-request-id")).toStartWith("req_");
		expect(headers.get("x-gateway-decision")).toBe("gateway-llm/me");
		expect(headers.get("x-gateway-cost-usd")).toBe("0.000000");
		expect(headers.get("cache-control")).toBe("no-store");
		const posted = await gateway.post("/v1/me", key, {});
		expect({ status: posted.status, allow: posted.headers.get("allow") }).toEqual({ status: 405, allow: "GET" });
	});
});
