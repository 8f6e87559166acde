import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
	generateText,
	jsonSchema,
	Output,
	type StreamTextResult,
	stepCountIs,
	streamText,
	type ToolSet,
	tool,
} from "ai";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import type { Saying } from "../support/native/saying.ts";
import { createStrictProvider } from "../support/native/strict-provider.ts";
import { NATIVE_WIRES, nativeDeployment } from "../support/native-deployment.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

/*
 * The same loops as in native-conversations, held by the Vercel AI SDK: it runs the tools and writes the history itself,
 * and of what a provider sealed it keeps only what it knows.
 */
const provider = createStrictProvider();
let upstream: Upstream;
let gateway: TestGateway;
let models: ReturnType<typeof createOpenAICompatible>;

beforeAll(async () => {
	upstream = await startUpstream((request) => provider.answer(request));
	gateway = await startTestGateway({
		aliases: Object.fromEntries(NATIVE_WIRES.map((wire) => [wire, nativeDeployment(wire, upstream)])),
	});
	const { key } = await gateway.mint({ name: "ai sdk" });
	const supports = { includeUsage: true, supportsStructuredOutputs: true };
	models = createOpenAICompatible({ name: "gateway", baseURL: `${gateway.url}/v1`, apiKey: key, ...supports });
});

afterAll(async () => {
	await gateway?.stop();
	await upstream?.[Symbol.asyncDispose]();
});

const CALLS: Saying["toolCalls"] = [
	{ id: "toolu_01AbC", name: "weather", arguments: { city: "Rome" } },
	{ id: "toolu_02DeF", name: "local_time", arguments: { city: "Rome" } },
];
const THINKING = { text: "Both tools are needed.", seal: "EvYBCkgICxABGAIqQA9E+VC377/UnbjdfXCw==" };
const ANSWER = "It is 14:05 in Rome, 21 degrees.";
const RESULTS = { weather: "21 degrees", local_time: "14:05" };

const inputSchema = jsonSchema<{ city: string }>({
	type: "object",
	properties: { city: { type: "string" } },
	required: ["city"],
	additionalProperties: false,
});
const tools: ToolSet = Object.fromEntries(
	Object.entries(RESULTS).map(([name, result]) => [
		name,
		tool({ description: `Tells the ${name}.`, inputSchema, execute: async () => result }),
	]),
);

const settings = (wire: string) => ({
	model: models(wire),
	maxRetries: 0,
	tools,
	stopWhen: stepCountIs(3),
	providerOptions: { gateway: { reasoningEffort: "low" } },
	prompt: "Weather and time in Rome?",
});

/** What was asked in the second step. */
function expectResults(): void {
	expect(provider.bodies.length).toBe(2);
	expect(Object.values(RESULTS).filter((result) => !provider.latest().includes(result))).toEqual([]);
}

const wires = NATIVE_WIRES.map((wire) => ({ wire }));

describe("a loop with tools and thinking that the SDK runs by itself", () => {
	test.each(wires)("$wire, whole", async ({ wire }) => {
		provider.says(wire, { thinking: THINKING, text: "Let me look.", toolCalls: CALLS }, { text: ANSWER });
		const result = await generateText(settings(wire));
		expect(result.text).toBe(ANSWER);
		expect(result.steps[0]?.reasoningText).toBe(THINKING.text);
		expect(result.steps[0]?.finishReason).toBe("tool-calls");
		expect(result.totalUsage).toMatchObject({ inputTokens: 120, outputTokens: 300 });
		expectResults();
	});

	test.each(wires)("$wire, streamed", async ({ wire }) => {
		provider.says(wire, { thinking: THINKING, text: "Let me look.", toolCalls: CALLS }, { text: ANSWER });
		const result: StreamTextResult<ToolSet, never> = streamText({ ...settings(wire), onError: () => undefined });
		expect((await Array.fromAsync(result.textStream)).join("")).toBe(`Let me look.${ANSWER}`);
		const [first] = await result.steps;
		expect(first?.reasoningText).toBe(THINKING.text);
		expect(first?.toolCalls.map(({ toolName, input }) => ({ toolName, input }))).toEqual(
			CALLS.map(({ name, arguments: input }) => ({ toolName: name, input })),
		);
		expect(await result.totalUsage).toMatchObject({ inputTokens: 120, outputTokens: 300 });
		expectResults();
	});
});

test.each(wires)("$wire: an object by a schema", async ({ wire }) => {
	const value = { city: "Rome", high: 21 };
	provider.says(wire, { text: JSON.stringify(value) });
	const schema = jsonSchema<typeof value>({
		type: "object",
		properties: { city: { type: "string" }, high: { type: "number" } },
		required: ["city", "high"],
		additionalProperties: false,
	});
	const { output } = await generateText({
		model: models(wire),
		maxRetries: 0,
		prompt: "The forecast for Rome.",
		output: Output.object({ schema }),
	});
	expect(output).toEqual(value);
	expect(provider.latest()).toContain("high");
});
