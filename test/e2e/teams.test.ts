import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nanoOf } from "../support/cost-formula.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type Answer, chatBody, type MintedKey } from "../support/gateway-client.ts";
import { type ConfigSpec, configText } from "../support/gateway-config.ts";
import { chatFor } from "../support/openai-answers.ts";
import { startGatewayProcess } from "../support/process.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { gate, until } from "../support/wait.ts";

const CHAT = "/v1/chat/completions";
let upstream: Upstream;
let gateway: TestGateway;

beforeAll(async () => {
	upstream = await startUpstream((request) => chatFor(request));
	gateway = await startTestGateway({
		aliases: { chat: { upstream }, unpriced: { upstream, model: "nobody-knows-this", price: null } },
		router: { retries: 0 },
		more: { team_budgets: { filed: { rpm: 2 } } },
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

interface TeamState {
	readonly usage: {
		readonly rpm_used: number;
		readonly parallel_in_use: number;
		readonly spent_usd: string;
		readonly reserved_usd: string;
	};
}

const ask = ({ key }: MintedKey, more: Readonly<Record<string, unknown>> = {}) =>
	gateway.post(CHAT, key, chatBody("chat", more));
const limit = (team: string, limits: Readonly<Record<string, unknown>>) =>
	gateway.admin("PUT", `/teams/${team}`, limits);
const stateOf = async (team: string) => (await gateway.admin("GET", `/teams/${team}`)).json<TeamState>();
const spentBy = async ({ id }: MintedKey) =>
	nanoOf((await gateway.admin("GET", `/keys/${id}`)).json<TeamState>().usage.spent_usd);

/** A refusal that says whose limit it was: status, headers and body. */
function expectRefused(answer: Answer, expected: { kind: string; scope: "key" | "team"; names: string }): number {
	expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 429 });
	const error = answer.error();
	expect(error).toMatchObject({
		type: expected.kind === "budget" ? "budget_exceeded" : "rate_limit_exceeded",
		kind: expected.kind,
		message: expect.stringContaining(expected.names),
	});
	expect(answer.headers.get("x-gateway-limit-kind")).toBe(expected.kind);
	expect(answer.headers.get("x-gateway-limit-scope")).toBe(expected.scope);
	expect(answer.headers.get("retry-after")).toBe(String(error?.retry_after_seconds));
	return error?.retry_after_seconds ?? 0;
}

describe("the limits of a team hold for all its keys together", () => {
	test("rpm, with the exact wait", async () => {
		await limit("rpm", { rpm: 3 });
		const [a, b] = [await gateway.mint({ team: "rpm", rpm: 100 }), await gateway.mint({ team: "rpm" })];
		expect([(await ask(a)).status, (await ask(b)).status, (await ask(a)).status]).toEqual([200, 200, 200]);
		const seconds = expectRefused(await ask(b), {
			kind: "rpm",
			scope: "team",
			names: "Team 'rpm' exceeded its 3 req/min",
		});
		expect(seconds).toBeGreaterThan(17);
		expect(seconds).toBeLessThanOrEqual(20);
		expect(upstream.requests.length).toBe(3);
		// The refused request took nothing of its key.
		const { usage } = (await gateway.admin("GET", `/keys/${b.id}`)).json<TeamState>();
		expect(usage).toMatchObject({ parallel_in_use: 0 });
	});

	test("tpm", async () => {
		await limit("tpm", { tpm: 400 });
		const keys = [await gateway.mint({ team: "tpm" }), await gateway.mint({ team: "tpm" })] as const;
		expect([(await ask(keys[0])).status, (await ask(keys[1])).status]).toEqual([200, 200]);
		expectRefused(await ask(keys[0]), { kind: "tpm", scope: "team", names: "Team 'tpm' exceeded its 400 tokens/min" });
	});

	test("parallel requests, also those that ran before the limit was set", async () => {
		const keys = [await gateway.mint({ team: "slots" }), await gateway.mint({ team: "slots" })] as const;
		const door = gate();
		upstream.script(async (request) => {
			await door.opened;
			return chatFor(request);
		});
		const running = [ask(keys[0]), ask(keys[1])];
		await upstream.waitForRequests(2);
		await limit("slots", { max_parallel_requests: 2 });
		expectRefused(await ask(keys[0]), { kind: "parallel", scope: "team", names: "Team 'slots'" });
		expect((await stateOf("slots")).usage.parallel_in_use).toBe(2);
		door.open();
		expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
		expect((await ask(keys[1])).status).toBe(200);
	});

	test("the key's own limit refuses in the key's name", async () => {
		await limit("own", { rpm: 50, monthly_budget_usd: 5 });
		const key = await gateway.mint({ team: "own", rpm: 1 });
		await ask(key);
		expectRefused(await ask(key), { kind: "rpm", scope: "key", names: `Key ${key.id} exceeded its 1 req/min` });
		expect((await stateOf("own")).usage.rpm_used).toBe(1);
		const poor = await gateway.mint({ team: "own", monthly_budget_usd: 0 });
		expectRefused(await ask(poor), { kind: "budget", scope: "key", names: `Key ${poor.id} has $0.000000 left` });
	});

	test("budget: whichever is less", async () => {
		await limit("money", { monthly_budget_usd: "0.000150" });
		const [a, b] = [
			await gateway.mint({ team: "money", monthly_budget_usd: 5 }),
			await gateway.mint({ team: "money" }),
		];
		const first = await ask(a, { max_tokens: 150 });
		expect(first.status).toBe(200);
		const names = "Team 'money' has $0.000051 left of its $0.000150 monthly budget";
		const seconds = expectRefused(await ask(b, { max_tokens: 150 }), { kind: "budget", scope: "team", names });
		const now = new Date();
		const nextMonth = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
		expect(Math.abs(seconds - (nextMonth - now.getTime()) / 1_000)).toBeLessThan(5);
		await limit("money", { monthly_budget_usd: 1 });
		expect((await ask(b, { max_tokens: 150 })).status).toBe(200);
	});

	test("a model without a price cannot be had on a team's budget", async () => {
		await limit("unpriced", { monthly_budget_usd: 5 });
		const { key } = await gateway.mint({ team: "unpriced" });
		const answer = await gateway.post(CHAT, key, chatBody("unpriced"));
		expect({ status: answer.status, code: answer.error()?.code }).toEqual({ status: 403, code: "price_unknown" });
	});

	test("of the file hold without a word to the API", async () => {
		const key = await gateway.mint({ team: "filed" });
		expect([(await ask(key)).status, (await ask(key)).status, (await ask(key)).status]).toEqual([200, 200, 429]);
		// Not of another team, and not of a key without one.
		expect((await ask(await gateway.mint({ team: "filed2" }))).status).toBe(200);
		expect(gateway.logs().join("\n")).not.toContain("team_budgets");
	});

	test("a change holds from the next request on; the limit of a revoked key's team is not forgotten with it", async () => {
		await limit("change", { rpm: 1 });
		const [a, b] = [await gateway.mint({ team: "change" }), await gateway.mint({ team: "change" })];
		expect([(await ask(a)).status, (await ask(b)).status]).toEqual([200, 429]);
		await gateway.admin("DELETE", `/keys/${a.id}`);
		expect((await ask(b)).status).toBe(429);
		await limit("change", { rpm: 2 });
		expect([(await ask(b)).status, (await ask(b)).status]).toEqual([200, 429]);
		await limit("change", { rpm: null });
		expect((await ask(b)).status).toBe(200);
	});

	test("a key that moves counts for its new team from then on", async () => {
		await limit("before", { rpm: 1 });
		await limit("after", { rpm: 1, monthly_budget_usd: 5 });
		const key = await gateway.mint({ team: "before" });
		expect([(await ask(key)).status, (await ask(key)).status]).toEqual([200, 429]);
		await gateway.admin("PATCH", `/keys/${key.id}`, { team: "after" });
		expect((await ask(key)).status).toBe(200);
		expectRefused(await ask(key), { kind: "rpm", scope: "team", names: "Team 'after'" });
		expect((await stateOf("before")).usage.spent_usd).toBe("0.000099");
		expect((await stateOf("after")).usage.spent_usd).toBe("0.000099");
		await gateway.admin("PATCH", `/keys/${key.id}`, { team: null });
		expect((await ask(key)).status).toBe(200);
		expect((await stateOf("after")).usage.spent_usd).toBe("0.000099");
	});
});

describe("500 requests at once, over five keys of one team", () => {
	const CASES = [
		{ what: "max_tokens set", stream: false },
		{ what: "max_tokens set, half of them streams", stream: true },
	];
	test.each(CASES)(
		"never overrun its budget: $what",
		async ({ stream }) => {
			const team = stream ? "flood-streams" : "flood";
			const budgetNano = 61 * 99_000;
			await limit(team, { monthly_budget_usd: "0.006039" });
			const keys = await Promise.all(
				// One of them has a budget of its own that is even smaller.
				Array.from({ length: 5 }, (_, index) =>
					gateway.mint({ team, ...(index === 0 ? { monthly_budget_usd: "0.000500" } : {}) }),
				),
			);
			upstream.script((request) => {
				const { max_tokens: bound } = request.json() as { max_tokens: number };
				return chatFor(request, { prompt: 20, completion: Math.min(150, bound) });
			});
			const answers = await Promise.all(
				Array.from({ length: 500 }, (_, index) => {
					const key = keys[index % keys.length];
					if (key === undefined) {
						throw new Error("five keys were minted");
					}
					return ask(key, { max_tokens: 150, ...(stream && index % 2 === 0 ? { stream: true } : {}) });
				}),
			);
			expect([...new Set(answers.map(({ status }) => status))].sort()).toEqual([200, 429]);
			const { usage } = await stateOf(team);
			expect(usage).toMatchObject({ reserved_usd: "0.000000", parallel_in_use: 0 });
			const spent = nanoOf(usage.spent_usd);
			expect(spent).toBeLessThanOrEqual(budgetNano);
			const { prompt, completion } = upstream.ledger();
			expect(spent).toBe(prompt * 150 + completion * 600);
			const own = await Promise.all(keys.map(spentBy));
			expect(own.reduce((sum, nano) => sum + nano, 0)).toBe(spent);
			expect(own[0]).toBeLessThanOrEqual(500_000);
			for (const answer of answers.filter(({ status }) => status === 429)) {
				expect(answer.error()?.kind).toBe("budget");
			}
			expect(spent).toBeGreaterThan(budgetNano / 2);
		},
		60_000,
	);
});

test("500 requests at once pass no more than a team's rpm and what is refilled meanwhile", async () => {
	await limit("rush", { rpm: 120 });
	const keys = await Promise.all(Array.from({ length: 5 }, () => gateway.mint({ team: "rush", rpm: 90 })));
	const startedAt = performance.now();
	const answers = await Promise.all(
		Array.from({ length: 500 }, (_, index) => ask(keys[index % 5] ?? { id: "", key: "" })),
	);
	const refilled = Math.ceil((performance.now() - startedAt) / 500);
	const passed = answers.filter(({ status }) => status === 200).length;
	expect(passed).toBeGreaterThanOrEqual(120);
	expect(passed).toBeLessThanOrEqual(120 + refilled);
	expect(upstream.requests.length).toBe(passed);
}, 60_000);

describe("X-Gateway-Budget-Remaining", () => {
	const REMAINING = "x-gateway-budget-remaining";

	test("is what is left after the answer's cost: the smaller of the key's and the team's", async () => {
		await limit("shown", { monthly_budget_usd: "0.001000" });
		const rich = await gateway.mint({ team: "shown", monthly_budget_usd: 5 });
		const poor = await gateway.mint({ team: "shown", monthly_budget_usd: "0.000500" });
		expect((await ask(rich, { max_tokens: 150 })).headers.get(REMAINING)).toBe("0.000901");
		expect((await ask(poor, { max_tokens: 150 })).headers.get(REMAINING)).toBe("0.000401");
		expect((await ask(await gateway.mint({ team: "shown" }), { max_tokens: 150 })).headers.get(REMAINING)).toBe(
			"0.000703",
		);
		expect((await gateway.get("/v1/models", poor.key)).headers.get(REMAINING)).toBe("0.000401");
		expect((await gateway.get("/v1/me", rich.key)).headers.get(REMAINING)).toBe("0.000703");
	});

	test("on a stream is what is left after its reservation, known at its start", async () => {
		const key = await gateway.mint({ monthly_budget_usd: "0.010000" });
		const answer = await ask(key, { max_tokens: 150, stream: true });
		const shown = nanoOf(answer.headers.get(REMAINING) ?? "");
		// At least the output's bound is reserved: 150 tokens at $0.60 a million.
		expect(shown).toBeLessThanOrEqual(10_000_000 - 90_000);
		expect(shown).toBeGreaterThan(10_000_000 - 90_000 - 50_000);
		const after = await ask(key, { max_tokens: 150 });
		expect(after.headers.get(REMAINING)).toBe("0.009802");
	});

	test("is not told where there is no budget", async () => {
		const answer = await ask(await gateway.mint({ team: "free", rpm: 100 }));
		expect(answer.headers.get(REMAINING)).toBeNull();
		const stream = await ask(await gateway.mint(), { stream: true });
		expect(stream.headers.get(REMAINING)).toBeNull();
	});
});

describe("a team's path", () => {
	test("that is no encoding of anything is no team, and no fault of the gateway", async () => {
		for (const method of ["GET", "PUT"]) {
			const answer = await gateway.admin(method, "/teams/%ff", method === "PUT" ? { rpm: 1 } : undefined);
			expect([400, 404]).toContain(answer.status);
		}
	});
});

describe("over restarts and reloads", () => {
	const spec = (teams: Readonly<Record<string, unknown>>): ConfigSpec => ({
		aliases: { chat: { upstream } },
		more: { team_budgets: teams },
	});

	test("limits that were set and what was spent are still there after a kill", async () => {
		const dataDirectory = await mkdtemp(join(tmpdir(), "gateway-teams-"));
		const config = spec({ blue: { monthly_budget_usd: 7, rpm: 500 } });
		const first = await startGatewayProcess({ config, dataDirectory });
		const [a, b] = [await first.mint({ team: "blue" }), await first.mint({ team: "blue" })];
		await first.admin("PUT", "/teams/blue", { monthly_budget_usd: "0.000350" });
		for (const { key } of [a, b]) {
			expect((await first.post(CHAT, key, chatBody("chat", { max_tokens: 150 }))).status).toBe(200);
		}
		// The key moves on; what it has spent stays with the team.
		await first.admin("PATCH", `/keys/${a.id}`, { team: "red" });
		first.signal("SIGKILL");
		await first.exited;
		await using second = await startGatewayProcess({ config, dataDirectory });
		expect((await second.admin("GET", "/teams/blue")).json()).toMatchObject({
			rpm: 500,
			monthly_budget_usd: 0.00035,
			sources: { rpm: "config", monthly_budget_usd: "api" },
			usage: { spent_usd: "0.000198", reserved_usd: "0.000000", remaining_usd: "0.000152" },
		});
		expect((await second.admin("GET", "/teams/red")).json()).toMatchObject({ usage: { spent_usd: "0.000000" } });
		const third = await second.post(CHAT, b.key, chatBody("chat", { max_tokens: 150 }));
		expect(third.headers.get("x-gateway-budget-remaining")).toBe("0.000053");
		expect((await second.post(CHAT, b.key, chatBody("chat", { max_tokens: 150 }))).status).toBe(429);
		await first[Symbol.asyncDispose]();
		await rm(dataDirectory, { recursive: true, force: true });
	}, 40_000);

	test("a new file changes a team's limit for the next request, and gives way to what was set", async () => {
		await using running = await startGatewayProcess({ config: spec({ blue: { rpm: 1 } }) });
		const { key } = await running.mint({ team: "blue" });
		const status = async () => (await running.post(CHAT, key, chatBody("chat"))).status;
		expect([await status(), await status()]).toEqual([200, 429]);
		const rpm = async () => (await running.admin("GET", "/teams/blue")).json<{ rpm: number | null }>().rpm;
		await writeFile(running.configPath ?? "", configText(spec({ blue: { rpm: 3 } })));
		running.signal("SIGHUP");
		await until("the new limit", async () => (await rpm()) === 3);
		expect([await status(), await status(), await status()]).toEqual([200, 200, 429]);
		await running.admin("PUT", "/teams/blue", { rpm: 4 });
		await writeFile(running.configPath ?? "", configText(spec({ blue: { rpm: 1, tpm: 100_000 } })));
		running.signal("SIGHUP");
		const team = async () => (await running.admin("GET", "/teams/blue")).json<{ tpm: number | null }>();
		await until("the newer file", async () => (await team()).tpm === 100_000);
		expect(await rpm()).toBe(4);
		expect(await status()).toBe(200);
	}, 40_000);
});
