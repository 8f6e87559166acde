import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { occupancyOf } from "../support/occupancy.ts";
import { openRaw, type RawConnection, requestBytes } from "../support/raw.ts";
import { gatedSse, json } from "../support/replies.ts";
import { parseSse } from "../support/sse-events.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { gate, until, within } from "../support/wait.ts";

/* What a provider keeps for a key: responses that are read again, go on by themselves, or are built upon. */
const RESPONSES = "/v1/responses";
/** A revoked key is out of everything it runs by then. */
const REVOKED_WITHIN_MS = 1_000;
const SLASHED = ["openai/gpt-oss-120b", "team/a/b"] as const;
const never = new Promise<never>(() => undefined);
let upstream: Upstream;
let gateway: TestGateway;

beforeAll(async () => {
	upstream = await startUpstream(() => json(404, {}));
	gateway = await startTestGateway({
		aliases: {
			deep: { upstream, max_context_tokens: 100_000 },
			...Object.fromEntries(SLASHED.map((alias) => [alias, { upstream }])),
		},
		router: { retries: 0 },
	});
});
afterEach(() => {
	upstream.forget();
});
afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

function responseOf(id: string, usage: { readonly input: number; readonly output: number } | undefined) {
	return {
		id,
		object: "response",
		status: usage === undefined ? "in_progress" : "completed",
		output: [],
		usage: usage && {
			input_tokens: usage.input,
			output_tokens: usage.output,
			total_tokens: usage.input + usage.output,
		},
	};
}

async function send(key: string, method: "GET" | "POST", target: string, body?: unknown): Promise<RawConnection> {
	const client = await openRaw(gateway.url);
	const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
	const bytes = requestBytes({
		method,
		target,
		headers,
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});
	await client.write(bytes);
	return client;
}

describe("a stored response that is read as a stream", () => {
	test("ends in words when its key is revoked, and the provider is dropped", async () => {
		upstream.script(({ method }) =>
			method === "POST"
				? json(200, responseOf("resp_kept", { input: 1, output: 1 }))
				: gatedSse([{ data: { type: "response.created" } }, { data: "never", after: never }]),
		);
		const { id, key } = await gateway.mint();
		expect((await gateway.post(RESPONSES, key, { model: "deep", input: "think" })).status).toBe(200);
		await using client = await send(key, "GET", `${RESPONSES}/resp_kept?stream=true`);
		await client.bodyUntil("the first event", (text) => text.includes("response.created"));
		expect((await gateway.admin("DELETE", `/keys/${id}`)).status).toBe(200);
		await until("the end", () => client.completeCount() === 1, REVOKED_WITHIN_MS);
		const { data } = parseSse(client.response()?.text() ?? "");
		expect(JSON.parse(data.at(-1) ?? "{}")).toMatchObject({ error: { code: "key_revoked" } });
		await within("the upstream to be dropped", upstream.requests[1]?.gone ?? Promise.reject(new Error("not asked")));
	});
});

describe("background: true with stream: true", () => {
	test("a client that leaves early pays what the provider says in the end", async () => {
		let finished = false;
		upstream.script(({ method }) =>
			method === "GET"
				? json(200, responseOf("resp_bgs", finished ? { input: 1_000, output: 2_000 } : undefined))
				: gatedSse([
						{ data: { type: "response.created", response: responseOf("resp_bgs", undefined) } },
						{ data: { type: "response.output_text.delta", delta: "A" } },
						{ data: "never", after: never },
					]),
		);
		const { id, key } = await gateway.mint({ monthly_budget_usd: 10 });
		const body = { model: "deep", input: "think", background: true, stream: true, max_output_tokens: 5_000 };
		await using client = await send(key, "POST", RESPONSES, body);
		await client.bodyUntil("a token", (text) => text.includes("delta"));
		client.reset();
		await until("the slot", async () => (await occupancyOf(gateway, id, "deep")).slots === 0);
		// The client is gone, the bill is open: what was set aside stays so.
		const { reservedUsd, spentUsd } = await occupancyOf(gateway, id, "deep");
		expect({ held: reservedUsd > 0, spentUsd }).toEqual({ held: true, spentUsd: "0.000000" });
		finished = true;
		await until("the provider to be asked", () => upstream.requests.some(({ method }) => method === "GET"));
		expect(upstream.requests.find(({ method }) => method === "GET")?.target).toBe(`${RESPONSES}/resp_bgs`);
		// At $0.15 and $0.60 a million: 1,000 × 0.15 + 2,000 × 0.60.
		await until("the cost", async () => (await occupancyOf(gateway, id, "deep")).spentUsd === "0.001350");
		expect((await occupancyOf(gateway, id, "deep")).reservedUsd).toBe(0);
	});
});

describe("what the provider adds to a prompt", () => {
	/** A key that owns a response to build upon, which cost next to nothing. */
	async function keyWithHistory(budgetUsd: string) {
		upstream.script(() => json(200, responseOf("resp_first", { input: 5, output: 1 })));
		const owner = await gateway.mint({ monthly_budget_usd: budgetUsd });
		const first = { model: "deep", input: "hi", max_output_tokens: 10 };
		expect((await gateway.post(RESPONSES, owner.key, first)).status).toBe(200);
		return owner;
	}
	const following = { model: "deep", input: "hi", previous_response_id: "resp_first", max_output_tokens: 10 };

	test("previous_response_id: a budget that cannot pay the model's whole context refuses", async () => {
		// 100,000 tokens of context at $0.15 a million.
		const { key } = await keyWithHistory("0.014000");
		upstream.forget();
		const refused = await gateway.post(RESPONSES, key, following);
		expect([refused.status, refused.error()?.kind]).toEqual([429, "budget"]);
		expect(upstream.requests.length).toBe(0);
	});

	test("previous_response_id: a budget that can sets it aside, and gives back what was not used", async () => {
		const { id, key } = await keyWithHistory("0.020000");
		const door = gate();
		upstream.forget();
		upstream.script(async () => {
			await door.opened;
			return json(200, responseOf("resp_second", { input: 5, output: 1 }));
		});
		const answer = gateway.post(RESPONSES, key, following);
		await upstream.waitForRequests(1);
		expect((await occupancyOf(gateway, id, "deep")).reservedUsd).toBeGreaterThanOrEqual(0.015);
		door.open();
		expect((await answer).status).toBe(200);
		expect((await occupancyOf(gateway, id, "deep")).reservedUsd).toBe(0);
	});

	test.each([{ conversation: "conv_somebody" }, { conversation: { id: "conv_somebody" } }])(
		"%j is refused: it is no conversation of this key",
		async (more) => {
			const { key } = await gateway.mint();
			const answer = await gateway.post(RESPONSES, key, { model: "deep", input: "hi", ...more });
			expect({ status: answer.status, error: answer.error() }).toMatchObject({
				status: 404,
				error: { type: "not_found_error", code: "conversation_not_found", param: "conversation" },
			});
			expect(upstream.requests.length).toBe(0);
		},
	);
});

describe("what is looked up by its name", () => {
	test.each([...SLASHED])("the alias %s is found by models.retrieve of the openai package", async (alias) => {
		const { key } = await gateway.mint();
		const client = new OpenAI({ apiKey: key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
		expect(await client.models.retrieve(alias)).toMatchObject({ id: alias, object: "model" });
	});
});
