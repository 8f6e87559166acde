import { expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { json } from "../support/replies.ts";
import { startUpstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";

const queued = { id: "resp_bg1", object: "response", status: "queued", background: true, output: [], usage: null };
const done = {
	...queued,
	status: "completed",
	usage: { input_tokens: 1_000, output_tokens: 2_000, total_tokens: 3_000 },
};

test("a background response is paid for when the provider is done with it, though nobody comes back to read it", async () => {
	let asked = 0;
	await using upstream = await startUpstream((request) => {
		if (request.method === "POST") {
			return json(200, queued);
		}
		asked += 1;
		return json(200, asked === 1 ? { ...queued, status: "in_progress" } : done);
	});
	await using gateway = await startTestGateway({ aliases: { deep: { upstream } } });
	const { id, key } = await gateway.mint({ monthly_budget_usd: 100 });
	const response = await gateway.post("/v1/responses", key, { model: "deep", input: "think", background: true });
	expect(response.status).toBe(200);
	expect(response.headers.get("x-gateway-cost-final")).toBe("false");
	expect(Number((await usageOf(gateway, id)).reserved_usd)).toBeGreaterThan(0);
	// At $0.15 and $0.60 a million: 1,000 × 0.15 + 2,000 × 0.60.
	await until("the settled cost", async () => (await usageOf(gateway, id)).spent_usd === "0.001350");
	expect(Number((await usageOf(gateway, id)).reserved_usd)).toBe(0);
	expect(asked).toBe(2);
});

test("a background response that is gone before it was counted is charged at what was reserved, never beyond the budget", async () => {
	await using upstream = await startUpstream((request) =>
		request.method === "POST" ? json(200, queued) : json(404, { error: { message: "gone" } }),
	);
	await using gateway = await startTestGateway({ aliases: { deep: { upstream } } });
	const { id, key } = await gateway.mint({ monthly_budget_usd: 0.001 });
	const response = await gateway.post("/v1/responses", key, { model: "deep", input: "think", background: true });
	expect(response.status).toBe(200);
	const { reserved_usd: reserved } = await usageOf(gateway, id);
	await until("the settled cost", async () => Number((await usageOf(gateway, id)).reserved_usd) === 0);
	expect((await usageOf(gateway, id)).spent_usd).toBe(reserved);
});

async function usageOf(gateway: TestGateway, id: string): Promise<{ spent_usd: string; reserved_usd: string }> {
	return (await gateway.admin("GET", `/keys/${id}`)).json<{ usage: { spent_usd: string; reserved_usd: string } }>()
		.usage;
}
