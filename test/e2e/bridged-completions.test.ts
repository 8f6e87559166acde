import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { APIError } from "openai";
import type { Completion, CompletionCreateParamsNonStreaming } from "openai/resources/completions";
import {
	BRIDGED_WIRES,
	type BridgedRig,
	type KeyClient,
	outputBound,
	startBridgedRig,
} from "../support/bridged-rig.ts";
import { nanoOf } from "../support/cost-formula.ts";
import { expectValid } from "../support/faithful.ts";
import { nativeCost } from "../support/native-cost.ts";
import { finalCost, parseSse } from "../support/sse-events.ts";

/* OpenAI's legacy completions with providers that only chat, by the real `openai` package. */
let rig: BridgedRig;
let client: KeyClient;

beforeAll(async () => {
	rig = await startBridgedRig();
	client = await rig.client();
});
afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

const wires = BRIDGED_WIRES.map((wire) => ({ wire }));
const PROMPT = "Once upon a time";

type Params = Omit<CompletionCreateParamsNonStreaming, "stream">;

/** A completion whole, checked against OpenAI's document and its own count. */
async function whole(params: Params): Promise<Completion> {
	const completion = await client.openai.completions.create(params);
	const { text, headers } = await client.wire();
	expectValid("CreateCompletionResponse", [JSON.parse(text)]);
	expect(nanoOf(headers.get("x-gateway-cost-usd"))).toBe(nativeCost(completion.usage ?? NO_USAGE));
	return completion;
}

const NO_USAGE = { prompt_tokens: Number.NaN, completion_tokens: 0, total_tokens: 0 };

/** The chunks of a stream, checked likewise. The count is asked for, or known from the script. */
async function chunks(params: Params, includeUsage = true): Promise<Completion[]> {
	const options = includeUsage ? { stream_options: { include_usage: true } } : {};
	const events = await Array.fromAsync(await client.openai.completions.create({ ...params, stream: true, ...options }));
	const { text } = await client.wire();
	const stream = parseSse(text);
	expect(stream.data.at(-1)).toBe("[DONE]");
	expectValid("CreateCompletionResponse", events);
	expect(new Set(events.map(({ id, object, model }) => `${id} ${object} ${model}`)).size).toBe(1);
	const counted = { prompt_tokens: 60, completion_tokens: 150, total_tokens: 210 };
	expect(nanoOf(finalCost(stream)?.cost_usd)).toBe(nativeCost(counted));
	return events;
}

function textOf(events: readonly Completion[]): string {
	return events.flatMap(({ choices }) => choices.map(({ text }) => text)).join("");
}

describe("a prompt is answered", () => {
	test.each(wires)("$wire: whole", async ({ wire }) => {
		rig.provider.says(wire, { text: " there was a gateway." });
		const completion = await whole({ model: wire, prompt: PROMPT, max_tokens: 50 });
		expect(completion).toMatchObject({
			object: "text_completion",
			choices: [{ index: 0, text: " there was a gateway.", finish_reason: "stop", logprobs: null }],
			usage: { prompt_tokens: 60, completion_tokens: 150, total_tokens: 210 },
		});
		expect(completion.id).toStartWith("cmpl-");
		expect(JSON.stringify(rig.provider.bodies[0])).toContain(PROMPT);
		expect(outputBound(wire, rig.provider.bodies[0])).toBe(50);
	});

	test.each(wires)("$wire: as a stream, with its count when it is asked for", async ({ wire }) => {
		rig.provider.says(wire, { text: " there was a gateway." });
		const events = await chunks({ model: wire, prompt: PROMPT, max_tokens: 50 });
		expect(textOf(events)).toBe(" there was a gateway.");
		expect(events.flatMap(({ choices }) => choices.flatMap(({ finish_reason }) => finish_reason ?? []))).toEqual([
			"stop",
		]);
		expect(events.filter(({ usage }) => usage).length).toBe(1);
		expect(events.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 210 } });
	});

	test.each(wires)("$wire: as a stream, without a count nobody asked for", async ({ wire }) => {
		rig.provider.says(wire, { text: " there was a gateway." });
		const events = await chunks({ model: wire, prompt: PROMPT, max_tokens: 50 }, false);
		expect(textOf(events)).toBe(" there was a gateway.");
		expect(events.filter(({ usage, choices }) => usage || choices.length === 0)).toEqual([]);
	});

	test.each(wires)("$wire: with the prompt before it", async ({ wire }) => {
		const said = { text: " there was a gateway." };
		rig.provider.says(wire, said, said);
		const params = { model: wire, prompt: [PROMPT], max_tokens: 50, echo: true };
		expect((await whole(params)).choices[0]?.text).toBe(`${PROMPT} there was a gateway.`);
		expect(textOf(await chunks(params))).toBe(`${PROMPT} there was a gateway.`);
	});

	test.each(wires)("$wire: without its thinking, and with the reason it ended for", async ({ wire }) => {
		const thinking = { text: "A tale.", seal: "c2VhbA==" };
		const said = (ending: "length" | "filter") => ({ thinking, text: " there was", ending });
		rig.provider.says(wire, said("length"), said("length"), said("filter"), said("filter"));
		const params = { model: wire, prompt: PROMPT };
		for (const reason of ["length", "content_filter"] as const) {
			const [choice] = (await whole(params)).choices;
			expect(choice).toMatchObject({ text: " there was", finish_reason: reason });
			const events = await chunks(params);
			expect(textOf(events)).toBe(" there was");
			expect(events.findLast(({ choices }) => choices.length > 0)?.choices[0]?.finish_reason).toBe(reason);
		}
		// OpenAI's own bound where a request has none.
		expect(outputBound(wire, rig.provider.bodies[0])).toBe(16);
	});
});

describe("what a chat model cannot do is refused by name, before any call", () => {
	const wishes: readonly { readonly field: string; readonly fields: Partial<Params> }[] = [
		{ field: "suffix", fields: { suffix: " the end." } },
		{ field: "logprobs", fields: { logprobs: 3 } },
		{ field: "best_of", fields: { best_of: 3 } },
		{ field: "prompt", fields: { prompt: ["One", "Two"] } },
		{ field: "prompt", fields: { prompt: [1, 2, 3] } },
		{ field: "prompt", fields: { prompt: [[1, 2, 3]] } },
	];
	const some = ["gemini", "chat"].flatMap((wire) => wishes.map((wish) => ({ wire, ...wish })));
	test.each(some)("$wire: $field $fields", async ({ wire, field, fields }) => {
		rig.provider.says("chat", { text: "No." });
		for (const stream of [false, true]) {
			const raised = await client.openai.completions
				.create({ model: wire, prompt: PROMPT, ...fields, stream })
				.catch((error: unknown) => error);
			expect(raised).toBeInstanceOf(APIError);
			expect(raised).toMatchObject({ status: 400, param: field, type: "invalid_request_error" });
		}
		expect(rig.provider.bodies.length).toBe(0);
	});
});
