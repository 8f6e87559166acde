import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { version } from "../../package.json" with { type: "json" };
import { type Exposition, parseExposition } from "../support/exposition.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { chatBody } from "../support/gateway-client.ts";
import { configText, MASTER_KEY, PROVIDER_KEY } from "../support/gateway-config.ts";
import { chatEvents, chatFor, SANITY_USAGE } from "../support/openai-answers.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/process.ts";
import { errorJson, sse } from "../support/replies.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { gate, until } from "../support/wait.ts";

const CHAT = "/v1/chat/completions";
const ODD_ALIAS = 'odd "alias" \\ 模型';

async function scrape(gateway: Pick<TestGateway, "get">): Promise<Exposition> {
	const answer = await gateway.get("/metrics", MASTER_KEY);
	expect({ status: answer.status, type: answer.headers.get("content-type") }).toEqual({
		status: 200,
		type: "text/plain; version=0.0.4; charset=utf-8",
	});
	return parseExposition(answer.text);
}

describe("what was done", () => {
	let good: Upstream;
	let bad: Upstream;
	let gateway: TestGateway;
	let read: Exposition;
	let text: string;
	const keys: { readonly id: string; readonly key: string }[] = [];

	/** Ten successes, two of them streams and two after a failover, failures, and refusals. */
	async function doIt(): Promise<void> {
		const [plain, poor, slow] = [
			await gateway.mint({ team: "team-canary", name: "name-canary" }),
			await gateway.mint({ monthly_budget_usd: 0.000001 }),
			await gateway.mint({ rpm: 1 }),
		];
		keys.push(plain, poor, slow);
		const ask = (key: string, alias: string, more = {}) => gateway.post(CHAT, key, chatBody(alias, more));
		const statuses: number[] = [];
		for (let index = 0; index < 5; index += 1) {
			statuses.push((await ask(plain.key, "chat")).status);
		}
		statuses.push((await ask(plain.key, "chat", { stream: true })).status);
		statuses.push((await ask(plain.key, "chat", { stream: true })).status);
		statuses.push((await ask(plain.key, ODD_ALIAS)).status);
		statuses.push((await ask(plain.key, "pair")).status, (await ask(plain.key, "pair")).status);
		expect(statuses).toEqual(Array.from({ length: 10 }, () => 200));
		const others = [
			await ask(plain.key, "only-bad"),
			await ask(plain.key, "unpriced"),
			await ask(plain.key, "no-such-alias"),
			await ask("gw_virt_wrong", "chat"),
			await ask(poor.key, "chat", { max_tokens: 1_000 }),
			await ask(slow.key, "chat"),
			await ask(slow.key, "chat"),
		];
		expect(others.map(({ status }) => status)).toEqual([502, 200, 404, 401, 429, 200, 429]);
	}

	beforeAll(async () => {
		good = await startUpstream((request) => chatFor(request));
		bad = await startUpstream(() => errorJson(500, {}));
		const badOne = { upstream: bad, model: "bad", priority: 1 };
		gateway = await startTestGateway({
			aliases: {
				chat: { upstream: good },
				[ODD_ALIAS]: { upstream: good, model: 'a "model"' },
				pair: { deployments: [badOne, { upstream: good, priority: 2 }] },
				"only-bad": badOne,
				unpriced: { upstream: good, model: "nobody-knows-its-price", price: null },
			},
			router: { retries: 1, retry_after_ms: 1 },
		});
		await doIt();
		// The last byte may have left a moment before its request is over.
		await until(
			"the end of all requests",
			async () => (await scrape(gateway)).sum("gateway_llm_requests_total") === 17,
		);
		text = (await gateway.get("/metrics", MASTER_KEY)).text;
		read = parseExposition(text);
	});

	afterAll(async () => {
		await gateway?.stop();
		await Promise.all([good, bad].map((upstream) => upstream?.[Symbol.asyncDispose]()));
	});

	test("is what the metrics say of requests", () => {
		const requests = (labels: Record<string, string>) => read.sum("gateway_llm_requests_total", labels);
		expect(requests({ operation: "chat", alias: "chat", code: "200" })).toBe(8);
		expect(requests({ alias: "chat", code: "429" })).toBe(2);
		expect(requests({ alias: ODD_ALIAS, code: "200" })).toBe(1);
		expect(requests({ alias: "pair", code: "200" })).toBe(2);
		expect(requests({ alias: "only-bad", code: "502" })).toBe(1);
		expect(requests({ alias: "", code: "404" })).toBe(1);
		expect(requests({ alias: "", code: "401" })).toBe(1);
		expect(read.sum("gateway_llm_request_duration_seconds_count")).toBe(17);
		expect(read.sum("gateway_llm_requests_in_flight")).toBe(0);
		expect(read.sum("gateway_llm_upstream_attempts_open")).toBe(0);
		expect(read.sum("gateway_llm_refusals_total", { kind: "budget", scope: "key" })).toBe(1);
		expect(read.sum("gateway_llm_refusals_total", { kind: "rpm", scope: "key" })).toBe(1);
		expect(read.sum("gateway_llm_refusals_total")).toBe(2);
	});

	test("is what they say of attempts", () => {
		const attempts = (labels: Record<string, string>) => read.sum("gateway_llm_upstream_attempts_total", labels);
		expect(attempts({ outcome: "ok" })).toBe(good.requests.length);
		expect(attempts({ outcome: "upstream_failed", error_class: "upstream_5xx" })).toBe(bad.requests.length);
		expect(attempts({})).toBe(good.requests.length + bad.requests.length);
		expect(attempts({ alias: "chat", provider: "openai", outcome: "ok" })).toBe(8);
		expect(read.sum("gateway_llm_failovers_total", { alias: "pair" })).toBe(2);
		expect(read.sum("gateway_llm_time_to_first_token_seconds_count", { provider: "openai", alias: "chat" })).toBe(2);
		expect(read.sum("gateway_llm_unpriced_attempts_total", { alias: "unpriced" })).toBe(1);
		const served = good.ledger();
		expect(read.sum("gateway_llm_tokens_total", { kind: "input" })).toBe(served.prompt);
		expect(read.sum("gateway_llm_tokens_total", { kind: "output" })).toBe(served.completion);
	});

	test("cost what /admin/spend says, to the nano-dollar", async () => {
		const { data } = (await gateway.admin("GET", "/spend?group_by=model")).json<{ data: { cost_usd: string }[] }>();
		const { total } = (await gateway.admin("GET", "/spend")).json<{
			total: { cost_usd: string; unpriced_requests: number; errors: number };
		}>();
		expect(data.length).toBeGreaterThan(1);
		const costs = read.find("gateway_llm_cost_usd_total").map(({ value }) => nanoOf(value));
		expect(costs.reduce((sum, nano) => sum + nano, 0n)).toBe(nanoOf(total.cost_usd));
		expect(nanoOf(total.cost_usd)).toBe(11n * 99_000n);
		expect(read.sum("gateway_llm_unpriced_attempts_total")).toBe(total.unpriced_requests);
		expect(read.sum("gateway_llm_upstream_attempts_total", { outcome: "upstream_failed" })).toBe(total.errors);
	});

	test("is told of the deployments as an administrator sees them", async () => {
		const { data: deployments } = (await gateway.admin("GET", "/deployments")).json<{
			data: { id: string; model_alias: string; model: string }[];
		}>();
		const told = read.find("gateway_llm_deployment_info").map(({ labels }) => labels);
		expect(told.map(({ deployment, alias, model }) => ({ id: deployment, alias, model }))).toEqual(
			deployments.map(({ id, model_alias: alias, model }) => ({ id, alias, model })),
		);
		const [first] = deployments;
		await gateway.admin("POST", "/deployments/disable", { id: first?.id });
		const enabled = async () =>
			(await scrape(gateway)).sum("gateway_llm_deployment_enabled", { deployment: first?.id ?? "" });
		expect(await enabled()).toBe(0);
		await gateway.admin("POST", "/deployments/enable", { id: first?.id });
		expect(await enabled()).toBe(1);
	});

	test("is told without a key, a secret, a team or an address", () => {
		const secrets = keys.flatMap(({ id, key }) => [id, key]);
		for (const secret of [...secrets, MASTER_KEY, PROVIDER_KEY, "team-canary", "name-canary", good.url, bad.url]) {
			expect(text).not.toContain(secret);
		}
	});

	test("stands beside the state of the gateway", () => {
		expect(read.sum("gateway_llm_store_ready")).toBe(1);
		expect(read.sum("gateway_llm_ledger_healthy")).toBe(1);
		expect(read.find("gateway_llm_build_info")[0]?.labels.version).toBe(version);
		expect(read.sum("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
		expect(read.sum("process_open_fds")).toBeGreaterThan(3);
	});
});

function rewrite({ configPath }: GatewayProcess, config: string): Promise<void> {
	return writeFile(configPath ?? "", config);
}

/** Exact. */
function nanoOf(usd: string): bigint {
	const [whole = "", fraction = ""] = usd.split(".");
	return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

describe("a request under way", () => {
	test("is counted as one in flight, at its deployment too, and when it is over no more", async () => {
		const door = gate();
		await using upstream = await startUpstream(async (request) => {
			await door.opened;
			return chatFor(request);
		});
		await using gateway = await startTestGateway({ aliases: { chat: { upstream } } });
		const { key } = await gateway.mint();
		const answer = gateway.post(CHAT, key, chatBody("chat"));
		await upstream.waitForRequests(1);
		const names = ["requests_in_flight", "upstream_attempts_open", "deployment_in_flight"];
		const inFlight = async () => {
			const read = await scrape(gateway);
			return names.map((name) => read.sum(`gateway_llm_${name}`));
		};
		expect(await inFlight()).toEqual([1, 1, 1]);
		door.open();
		await answer;
		expect(await inFlight()).toEqual([0, 0, 0]);
	});

	test("that breaks off in the middle is an attempt that failed, and its tokens count", async () => {
		await using upstream = await startUpstream(() =>
			sse(chatEvents(["one", "two"], { usage: null }).slice(0, 3), { done: false }),
		);
		await using gateway = await startTestGateway({ aliases: { chat: { upstream } }, router: { retries: 0 } });
		const { key } = await gateway.mint();
		await gateway.post(CHAT, key, chatBody("chat", { stream: true }));
		const read = await until("the end of the request", async () => {
			const now = await scrape(gateway);
			return now.sum("gateway_llm_requests_total") === 1 && now;
		});
		expect(read.sum("gateway_llm_upstream_attempts_total", { error_class: "broken_stream" })).toBe(1);
		expect(read.sum("gateway_llm_requests_total", { alias: "chat", code: "200" })).toBe(1);
		expect(read.sum("gateway_llm_time_to_first_token_seconds_count")).toBe(0);
		const { total } = (await gateway.admin("GET", "/spend")).json<{ total: { cost_usd: string } }>();
		expect(nanoOf(read.find("gateway_llm_cost_usd_total")[0]?.value ?? "")).toBe(nanoOf(total.cost_usd));
		expect(nanoOf(total.cost_usd)).toBeGreaterThan(0n);
	});
});

describe("who may read the metrics", () => {
	let upstream: Upstream;

	beforeAll(async () => {
		upstream = await startUpstream((request) => chatFor(request, SANITY_USAGE));
	});

	afterAll(async () => {
		await upstream?.[Symbol.asyncDispose]();
	});

	test("whoever has the master key: nobody else, unless the file says so", async () => {
		await using gateway = await startTestGateway({ aliases: { chat: { upstream } } });
		const { key } = await gateway.mint();
		const asked = [
			await gateway.get("/metrics"),
			await gateway.get("/metrics", "gw_virt_wrong"),
			await gateway.get("/metrics", key),
			await gateway.get("/metrics", MASTER_KEY),
		];
		expect(asked.map(({ status }) => status)).toEqual([401, 401, 403, 200]);
		expect(asked.map((answer) => answer.error()?.code)).toEqual([
			"missing_api_key",
			"invalid_api_key",
			"master_key_required",
			undefined,
		]);
		expect(asked[0]?.headers.get("www-authenticate")).toBe("Bearer");
		for (const answer of asked) {
			expect(answer.headers.get("cache-control")).toBe("no-store");
			expect(answer.headers.get("x-request-id")).toMatch(/^req_/);
		}
		expect(asked[2]?.text).not.toContain("gateway_llm_");
		const posted = await gateway.post("/metrics", MASTER_KEY, {});
		expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET"]);
	});

	test("everybody where the file says open, and nobody where it says off", async () => {
		await using open = await startTestGateway({ aliases: { chat: { upstream } }, server: { metrics: "open" } });
		const answer = await open.get("/metrics");
		expect(answer.status).toBe(200);
		parseExposition(answer.text);
		await using off = await startTestGateway({ aliases: { chat: { upstream } }, server: { metrics: "off" } });
		const refused = [
			await off.get("/metrics"),
			await off.get("/metrics", MASTER_KEY),
			await off.post("/metrics", MASTER_KEY, {}),
		];
		const unknown = await off.get("/no-such-path");
		for (const { status, error } of refused) {
			expect([status, error()?.message]).toEqual([404, unknown.error()?.message]);
		}
	});

	test("changes with the file, which is counted, and so is a file with mistakes", async () => {
		const config = { aliases: { chat: { upstream } } };
		await using gateway = await startGatewayProcess({ config });
		const read = async () => parseExposition((await gateway.get("/metrics", gateway.masterKey)).text);
		expect((await gateway.get("/metrics")).status).toBe(401);
		await rewrite(gateway, configText({ ...config, server: { metrics: "open" } }));
		await until("the reload", async () => (await gateway.get("/metrics")).status === 200);
		expect((await read()).sum("gateway_llm_config_version")).toBe(2);
		await rewrite(gateway, "server: [");
		await until("the refusal", async () => (await read()).sum("gateway_llm_config_last_reload_successful") === 0);
		const last = await read();
		expect(last.sum("gateway_llm_config_version")).toBe(2);
		expect(last.sum("gateway_llm_config_reloads_total", { outcome: "applied" })).toBe(1);
	});

	test("also while the gateway drains, when they matter most", async () => {
		const door = gate();
		await using slow = await startUpstream(async (request) => {
			await door.opened;
			return chatFor(request);
		});
		await using gateway = await startGatewayProcess({ config: { aliases: { chat: { upstream: slow } } } });
		const { key } = await gateway.mint();
		const answer = gateway.post(CHAT, key, chatBody("chat"));
		await slow.waitForRequests(1);
		gateway.signal("SIGTERM");
		await until("the draining", async () => (await gateway.get("/health/ready")).status === 503);
		expect((await gateway.get("/metrics")).status).toBe(401);
		const read = await scrape(gateway);
		expect(read.sum("gateway_llm_requests_in_flight")).toBe(1);
		door.open();
		expect((await answer).status).toBe(200);
	});
});
