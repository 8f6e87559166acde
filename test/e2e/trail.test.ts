import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { RequestTrail } from "../../src/admin/requests/service.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Answer, chatBody } from "../support/gateway-client.ts";
import { chatFor } from "../support/openai-answers.ts";
import { errorJson, json } from "../support/replies.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const CHAT = "/v1/chat/completions";
const PICTURE = { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } };
const SOUND = { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } };
const TOOL = { type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } };
const SCHEMA = { type: "json_schema", json_schema: { name: "a", schema: { type: "object" } } };

let one: Upstream;
let two: Upstream;
let gateway: TestGateway;
let key: string;

/** `first` is tried before `second`. */
const pair = (first: Readonly<Record<string, unknown>> = {}, router: Readonly<Record<string, unknown>> = {}) => ({
	deployments: [
		{ upstream: one, model: "first", priority: 1, ...first },
		{ upstream: two, model: "second", priority: 2 },
	],
	router: { retries: 0, ...router },
});

beforeAll(async () => {
	one = await startUpstream((request) => chatFor(request));
	two = await startUpstream((request) => chatFor(request));
	gateway = await startTestGateway({
		aliases: {
			plain: pair(),
			failing: pair({}, { retries: 1 }),
			off: pair(),
			cooling: pair(),
			broken: pair(),
			unable: pair({ supports: [] }),
			"chat only": pair({ operations: ["chat"] }),
			small: pair({ max_context_tokens: 50 }),
			"of no price": pair({ price: null, model: "nobody-knows-this-one" }),
			"by turns": { deployments: [{ upstream: one }, { upstream: two }], router: { strategy: "round_robin" } },
			"all off": { upstream: one },
			limited: { upstream: one },
			"blind only": { upstream: one, supports: [] },
			classified: {
				deployments: [
					{ upstream: one, model: "small", tier: "simple" },
					{ upstream: one, model: "middle", tier: "medium" },
					{ upstream: two, model: "large", tier: "complex" },
				],
				router: { strategy: "classifier", shadow: { percent: 100, strategy: "cheapest" } },
			},
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

const idOf = (answer: Answer) => answer.headers.get("x-request-id") ?? "";

/** What the key itself is told of its request, at once. */
async function trailOf(answer: Answer, secret = key): Promise<RequestTrail> {
	const trail = await gateway.get(`/v1/requests/${idOf(answer)}`, secret);
	expect(trail.status).toBe(200);
	return trail.json<RequestTrail>();
}

const excludedBy = ({ routing }: RequestTrail) => routing?.excluded.map(({ model, reason }) => [model, reason]);
const triedBy = ({ routing }: RequestTrail) => routing?.candidates.map(({ model }) => model);

async function deploymentsOf(alias: string): Promise<readonly { id: string; model: string }[]> {
	const { data } = (await gateway.admin("GET", "/deployments")).json<{
		data: { id: string; model: string; model_alias: string }[];
	}>();
	return data.filter((entry) => entry.model_alias === alias);
}

async function disable(alias: string, model?: string): Promise<void> {
	for (const { id } of (await deploymentsOf(alias)).filter((entry) => model === undefined || entry.model === model)) {
		expect((await gateway.admin("POST", "/deployments/disable", { id })).status).toBe(200);
	}
}

describe("the trail of a request tells", () => {
	test("where it could go, in the order of trial, and what was counted against its score", async () => {
		const answer = await gateway.post(CHAT, key, chatBody("classified"));
		const trail = await trailOf(answer);
		expect(trail).toMatchObject({
			status: "ok",
			http_status: null,
			error_code: null,
			routing: { strategy: "classifier", bucket: "simple", excluded: [], shadow: { strategy: "cheapest" } },
		});
		expect(triedBy(trail)).toEqual(["small", "middle", "large"]);
		expect(trail.routing?.candidates.map(({ tier }) => tier)).toEqual(["simple", "medium", "complex"]);
		expect(answer.headers.get("x-gateway-decision")).toBe("openai/small");
		const { score = Number.NaN, signals = [] } = trail.routing ?? {};
		expect(signals.length).toBeGreaterThan(0);
		expect(signals.length).toBeLessThanOrEqual(9);
		expect(signals.reduce((sum, { contribution }) => sum + contribution, 0)).toBeCloseTo(score, 9);
		expect(trail.attempts).toMatchObject([{ attempt: 0, model: "small", status: "ok", upstream_status: 200 }]);
		const [attempt] = trail.attempts;
		expect(attempt?.deployment_id).toBe(trail.routing?.candidates[0]?.deployment_id ?? "");
		expect(attempt?.ttft_ms).toBeGreaterThanOrEqual(0);
		expect(attempt?.duration_ms).toBeGreaterThanOrEqual(0);
		expect(Date.parse(attempt?.started_at ?? "")).toBeGreaterThan(Date.now() - 60_000);
	});

	test("a request without text to have no score", async () => {
		one.script(() => json(200, { object: "list", data: [], model: "m", usage: { prompt_tokens: 1, total_tokens: 1 } }));
		two.script(() => json(200, { object: "list", data: [], model: "m", usage: { prompt_tokens: 1, total_tokens: 1 } }));
		const trail = await trailOf(await gateway.post("/v1/embeddings", key, { model: "plain", input: [[1, 2, 3]] }));
		expect(trail.routing).toMatchObject({ score: 0, signals: [], session: null, shadow: null });
	});

	test("failover: every attempt with what went wrong and how long it took", async () => {
		one.script(() => errorJson(500, {}));
		const answer = await gateway.post(CHAT, key, chatBody("failing"));
		expect([answer.status, answer.headers.get("x-gateway-retries")]).toEqual([200, "1"]);
		const trail = await trailOf(answer);
		expect(triedBy(trail)).toEqual(["first", "second"]);
		expect(trail).toMatchObject({ status: "ok", retries: 1, cost_final: true });
		expect(trail.attempts).toMatchObject([
			{ attempt: 0, model: "first", status: "upstream_failed", upstream_status: 500, error_class: "upstream_5xx" },
			{ attempt: 1, model: "second", status: "ok", upstream_status: 200, error_class: null },
		]);
		const [first, second] = trail.attempts;
		expect(Date.parse(second?.started_at ?? "")).toBeGreaterThanOrEqual(Date.parse(first?.started_at ?? ""));
		expect(trail.attempts.map(({ duration_ms }) => typeof duration_ms)).toEqual(["number", "number"]);
	});

	test("nothing of it to other keys: to them it never was", async () => {
		const stranger = (await gateway.mint({ team: "other" })).key;
		const served = await gateway.post(CHAT, key, chatBody("plain"));
		const refused = await gateway.post(CHAT, key, chatBody("blind only", withContent([PICTURE])));
		expect(refused.status).toBe(400);
		for (const id of [idOf(served), idOf(refused)]) {
			expect((await gateway.get(`/v1/requests/${id}`, stranger)).error()?.code).toBe("request_not_found");
			expect((await gateway.get(`/v1/requests/${id}`)).status).toBe(401);
			expect((await gateway.get(`/v1/requests/${id}`, key)).status).toBe(200);
			expect((await gateway.admin("GET", `/requests/${id}`)).status).toBe(200);
		}
	});
});

function withContent(content: readonly unknown[]) {
	return { messages: [{ role: "user", content: [{ type: "text", text: "Look." }, ...content] }] };
}

describe("a deployment that is passed over is told with its reason", () => {
	test.each([
		["tools", { tools: [TOOL] }],
		["images", withContent([PICTURE])],
		["audio", withContent([SOUND])],
		["json_schema", { response_format: SCHEMA }],
	])("%s", async (reason, more) => {
		const trail = await trailOf(await gateway.post(CHAT, key, chatBody("unable", more)));
		expect([triedBy(trail), excludedBy(trail)]).toEqual([["second"], [["first", reason]]]);
	});

	test("context", async () => {
		const body = chatBody("small", { messages: [{ role: "user", content: "word ".repeat(400) }] });
		expect(excludedBy(await trailOf(await gateway.post(CHAT, key, body)))).toEqual([["first", "context"]]);
	});

	test("operation", async () => {
		two.script(() => json(200, { object: "list", data: [], model: "m", usage: { prompt_tokens: 1, total_tokens: 1 } }));
		const answer = await gateway.post("/v1/embeddings", key, { model: "chat only", input: "hello" });
		expect(excludedBy(await trailOf(answer))).toEqual([["first", "operation"]]);
	});

	test("unpriced, with a budget only", async () => {
		const saving = (await gateway.mint({ monthly_budget_usd: "1" })).key;
		const trail = await trailOf(await gateway.post(CHAT, saving, chatBody("of no price")), saving);
		expect(excludedBy(trail)).toEqual([["nobody-knows-this-one", "unpriced"]]);
		expect(excludedBy(await trailOf(await gateway.post(CHAT, key, chatBody("of no price"))))).toEqual([]);
	});

	test("disabled", async () => {
		await disable("off", "first");
		const trail = await trailOf(await gateway.post(CHAT, key, chatBody("off")));
		expect([triedBy(trail), excludedBy(trail)]).toEqual([["second"], [["first", "disabled"]]]);
	});

	test("cooling, after a 429 that says for how long", async () => {
		one.script(() => errorJson(429, {}, { "retry-after": "60" }));
		await gateway.post(CHAT, key, chatBody("cooling"));
		const trail = await trailOf(await gateway.post(CHAT, key, chatBody("cooling")));
		expect([triedBy(trail), excludedBy(trail)]).toEqual([["second"], [["first", "cooling"]]]);
	});

	test("breaker_open, after five failures", async () => {
		one.script(() => errorJson(500, {}));
		for (let failures = 0; failures < 5; failures += 1) {
			expect(excludedBy(await trailOf(await gateway.post(CHAT, key, chatBody("broken"))))).toEqual([]);
		}
		const trail = await trailOf(await gateway.post(CHAT, key, chatBody("broken")));
		expect([triedBy(trail), excludedBy(trail)]).toEqual([["second"], [["first", "breaker_open"]]]);
	});

	test("pinned, where another one made what the request goes on from", async () => {
		const made = (id: string) =>
			json(200, {
				...{ id, object: "response", created_at: 1, status: "completed", model: "m", output: [] },
				usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
			});
		one.script(() => made("resp_one"));
		two.script(() => made("resp_two"));
		const ask = (more: object) => gateway.post("/v1/responses", key, { model: "by turns", input: "hi", ...more });
		const before = await ask({});
		const after = await ask({ previous_response_id: before.json<{ id: string }>().id });
		const [first, second] = [await trailOf(before), await trailOf(after)];
		const servedBy = first.attempts[0]?.deployment_id;
		expect(second.routing?.candidates.map(({ deployment_id }) => deployment_id)).toEqual([servedBy ?? ""]);
		expect(second.routing?.excluded.map(({ reason }) => reason)).toEqual(["pinned"]);
	});
});

describe("a request that no provider was asked for has its trail", () => {
	const unservedBy = ({ status, http_status, error_code, attempts, cost_usd, cost_final }: RequestTrail) => ({
		...{ status, http_status, error_code, attempts, cost_usd, cost_final },
	});
	const UNSERVED = { status: "unserved" as const, attempts: [], cost_usd: "0.000000", cost_final: true };

	test("503, every deployment out of rotation", async () => {
		await disable("all off");
		const answer = await gateway.post(CHAT, key, chatBody("all off", { stream: true }));
		const trail = await trailOf(answer);
		expect(answer.status).toBe(503);
		expect(unservedBy(trail)).toEqual({ ...UNSERVED, http_status: 503, error_code: "no_deployment" });
		expect([triedBy(trail), excludedBy(trail)]).toEqual([[], [["gpt-4o-mini", "disabled"]]]);
		expect(trail).toMatchObject({ model_alias: "all off", operation: "chat", stream: true, team: null });
	});

	test("429, every provider asked to be left alone", async () => {
		one.script(() => errorJson(429, {}, { "retry-after": "60" }));
		await gateway.post(CHAT, key, chatBody("limited"));
		one.forget();
		const answer = await gateway.post(CHAT, key, chatBody("limited"));
		expect([answer.status, one.requests.length]).toEqual([429, 0]);
		const trail = await trailOf(answer);
		expect(unservedBy(trail)).toEqual({ ...UNSERVED, http_status: 429, error_code: "rate_limit_exceeded" });
		expect(excludedBy(trail)).toEqual([["gpt-4o-mini", "cooling"]]);
	});

	test("429, dearer than what is left of the budget: it had somewhere to go", async () => {
		const poor = (await gateway.mint({ monthly_budget_usd: "0.000150" })).key;
		const answer = await gateway.post(CHAT, poor, chatBody("plain", { max_tokens: 4_000 }));
		const trail = await trailOf(answer, poor);
		expect(unservedBy(trail)).toEqual({
			...UNSERVED,
			http_status: answer.status,
			error_code: answer.error()?.code ?? null,
		});
		expect(answer.status).toBe(429);
		expect(triedBy(trail)).toEqual(["first", "second"]);
	});

	test("400, nobody can do what it asks", async () => {
		const answer = await gateway.post(CHAT, key, chatBody("blind only", withContent([PICTURE])));
		const trail = await trailOf(answer);
		expect(unservedBy(trail)).toEqual({ ...UNSERVED, http_status: 400, error_code: "unsupported_feature" });
		expect(excludedBy(trail)).toEqual([["gpt-4o-mini", "images"]]);
	});

	test("but one that was not let in has none", async () => {
		const { key: broke } = await gateway.mint({ rpm: 1 });
		await gateway.post(CHAT, broke, chatBody("plain"));
		const answer = await gateway.post(CHAT, broke, chatBody("plain"));
		expect(answer.status).toBe(429);
		expect((await gateway.get(`/v1/requests/${idOf(answer)}`, broke)).status).toBe(404);
	});
});
