import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { APIError } from "openai";
import { BRIDGED_WIRES, type BridgedRig, outputBound, startBridgedRig } from "../support/bridged-rig.ts";
import { nanoOf } from "../support/cost-formula.ts";
import { NATIVE_PRICE } from "../support/native-cost.ts";
import { hear, MANNERS, textOf } from "../support/responses-client.ts";

/* What bridged responses cost: by their own usage, in the ledger, and within a budget. */
let rig: BridgedRig;

beforeAll(async () => {
	rig = await startBridgedRig();
});
afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

const wires = BRIDGED_WIRES.map((wire) => ({ wire }));
const BUDGET_USD = 0.01;

test("the ledger holds every answer at the price its client was told", async () => {
	const client = await rig.client();
	const told: number[] = [];
	for (const [index, wire] of BRIDGED_WIRES.entries()) {
		for (const [turn, manner] of MANNERS.entries()) {
			// Each answer has a usage of its own, so that a mixed-up row shows.
			rig.provider.says(wire, { text: "Fine.", tokens: { input: 100 + 7 * index, output: 300 + 11 * turn + index } });
			told.push((await hear(client, manner, { model: wire, input: "How are you?" })).costNano);
		}
	}
	expect(new Set(told).size).toBe(told.length);
	const spend = await rig.gateway.admin("GET", "/spend?group_by=key");
	const { data } = spend.json<{ data: Record<string, string>[] }>();
	const row = data.find(({ key }) => key === client.key.id);
	expect(Number(row?.requests)).toBe(told.length);
	expect(nanoOf(row?.cost_usd)).toBe(told.reduce((sum, cost) => sum + cost, 0));
	const keys = await rig.gateway.admin("GET", `/keys/${client.key.id}`);
	const { usage } = keys.json<{ usage: Record<string, string> }>();
	expect(nanoOf(usage.spent_usd)).toBe(nanoOf(row?.cost_usd));
});

describe("a key with a small budget", () => {
	test.each(wires.flatMap(({ wire }) => MANNERS.map((manner) => ({ wire, manner }))))(
		"$wire, $manner: no more than it can pay for is asked of the provider",
		async ({ wire, manner }) => {
			rig.provider.says(wire, { text: "Fine." }, { text: "Fine." });
			const client = await rig.client({ monthly_budget_usd: BUDGET_USD });
			const { response } = await hear(client, manner, { model: wire, input: "How are you?" });
			expect(textOf(response)).toBe("Fine.");
			const first = Number(outputBound(wire, rig.provider.bodies[0]));
			// Priced at the dearest that an output can be, and most of it, since the prompt is short.
			const affordable = (BUDGET_USD / NATIVE_PRICE.image_output_per_million) * 1_000_000;
			expect(first).toBeLessThanOrEqual(affordable);
			expect(first).toBeGreaterThan(affordable / 2);
			// As at OpenAI, which is sent the bound as well, the answer says what it was made with.
			expect(response.max_output_tokens).toBe(first);
			await hear(client, manner, { model: wire, input: "And now?", previous_response_id: response.id });
			expect(Number(outputBound(wire, rig.provider.bodies[1]))).toBeLessThan(first);
		},
	);

	test.each(wires)("$wire: a client's own bound is kept, or refused where it does not fit", async ({ wire }) => {
		rig.provider.says(wire, { text: "Fine." });
		const client = await rig.client({ monthly_budget_usd: BUDGET_USD });
		await hear(client, "stream", { model: wire, input: "How are you?", max_output_tokens: 100 });
		expect(outputBound(wire, rig.provider.bodies[0])).toBe(100);
		const raised = await client.openai.responses
			.create({ model: wire, input: "A book.", max_output_tokens: 2_000 })
			.catch((error: unknown) => error);
		expect(raised).toBeInstanceOf(APIError);
		expect(raised).toMatchObject({ status: 429, type: "budget_exceeded" });
		expect(rig.provider.bodies.length).toBe(1);
	});

	test.each(wires)("$wire: may still think", async ({ wire }) => {
		rig.provider.says(wire, { thinking: { text: "Hm.", seal: "c2VhbA==" }, text: "Fine." });
		const client = await rig.client({ monthly_budget_usd: BUDGET_USD });
		const params = { model: wire, input: "Think hard.", reasoning: { effort: "high" as const } };
		expect(textOf((await hear(client, "whole", params)).response)).toBe("Fine.");
	});
});
