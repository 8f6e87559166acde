import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type {
	ChatCompletionCreateParamsNonStreaming,
	ChatCompletionMessageParam,
} from "openai/resources/chat/completions";
import { type BridgedRig, type KeyClient, startBridgedRig } from "../support/bridged-rig.ts";
import { expectValid } from "../support/faithful.ts";
import { NATIVE_WIRES } from "../support/native-deployment.ts";

/* `functions` and `function_call`, OpenAI's words before there were tools, with providers that have words of their own. */
let rig: BridgedRig;
let client: KeyClient;

beforeAll(async () => {
	rig = await startBridgedRig();
	client = await rig.client();
});
afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

const wires = NATIVE_WIRES.map((wire) => ({ wire }));
const CALLED = { toolCalls: [{ id: "toolu_01AbC", name: "weather", arguments: { city: "Rome" } }] };
const functions: ChatCompletionCreateParamsNonStreaming["functions"] = [
	{
		name: "weather",
		description: "Tells the weather of a city.",
		parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
	},
];
const question: ChatCompletionMessageParam = { role: "user", content: "Weather in Rome?" };

describe("a function is called, told its result, and answered", () => {
	test.each(wires)("$wire: whole", async ({ wire }) => {
		rig.provider.says(wire, CALLED, { text: "It is 21 degrees." });
		const params = { model: wire, functions };
		const first = await client.openai.chat.completions.create({ ...params, messages: [question] });
		const [choice] = first.choices;
		expect(choice?.finish_reason).toBe("function_call");
		expect(choice?.message.tool_calls).toBeUndefined();
		expect(choice?.message.function_call?.name).toBe("weather");
		expect(JSON.parse(choice?.message.function_call?.arguments ?? "")).toEqual({ city: "Rome" });
		expectValid("CreateChatCompletionResponse", [JSON.parse((await client.wire()).text)]);
		const messages: ChatCompletionMessageParam[] = [
			question,
			{ role: "assistant", content: null, function_call: choice?.message.function_call ?? null },
			{ role: "function", name: "weather", content: "21 degrees" },
		];
		const second = await client.openai.chat.completions.create({ ...params, messages });
		expect(second.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "It is 21 degrees." } });
		expect(JSON.stringify(rig.provider.bodies[1])).toContain("21 degrees");
	});

	test.each(wires)("$wire: as a stream", async ({ wire }) => {
		rig.provider.says(wire, CALLED);
		const events = await Array.fromAsync(
			await client.openai.chat.completions.create({ model: wire, functions, messages: [question], stream: true }),
		);
		expectValid("CreateChatCompletionStreamResponse", events);
		const deltas = events.flatMap(({ choices }) => choices.map(({ delta }) => delta));
		expect(deltas.some((delta) => delta.tool_calls !== undefined)).toBe(false);
		expect(deltas.map((delta) => delta.function_call?.name ?? "").join("")).toBe("weather");
		expect(JSON.parse(deltas.map((delta) => delta.function_call?.arguments ?? "").join(""))).toEqual({ city: "Rome" });
		const finishes = events.flatMap(({ choices }) => choices.flatMap(({ finish_reason }) => finish_reason ?? []));
		expect(finishes).toEqual(["function_call"]);
	});
});

test.each(wires)(
	"$wire: which function is to be called reaches the provider, or is refused by name",
	async ({ wire }) => {
		for (const choice of ["none", { name: "weather" }] as const) {
			rig.provider.says(wire, { text: "Yes." }, { text: "Yes." });
			const params = { model: wire, functions, messages: [question] };
			await client.openai.chat.completions.create(params);
			const raised = await client.openai.chat.completions
				.create({ ...params, function_call: choice })
				.catch((error: unknown) => error);
			if (raised instanceof Error) {
				expect(raised).toMatchObject({ status: 400, param: expect.stringMatching(/^(function_call|tool_choice)$/) });
			} else {
				expect(rig.provider.bodies[1]).not.toEqual(rig.provider.bodies[0]);
			}
		}
	},
);
