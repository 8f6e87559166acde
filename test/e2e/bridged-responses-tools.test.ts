import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type {
	CustomTool,
	FunctionTool,
	Response,
	ResponseFunctionToolCall,
	ResponseInput,
	ResponseInputItem,
} from "openai/resources/responses/responses";
import { BRIDGED_WIRES, type BridgedRig, startBridgedRig } from "../support/bridged-rig.ts";
import type { Wire } from "../support/native/answers.ts";
import type { Saying } from "../support/native/saying.ts";
import { hear, itemsOf, MANNERS, type Manner, type ResponseParams, textOf } from "../support/responses-client.ts";
import type { SdkClient } from "../support/sdk-client.ts";
import { responseFaults } from "../unit/dialects/responses-over-chat/rig.ts";

/*
 * Tools and thinking over several turns, as an app holds them with the real `openai` package: the history kept by the
 * app, or by the gateway. The providers refuse what the real ones refuse.
 */
let rig: BridgedRig;
let client: SdkClient;

beforeAll(async () => {
	rig = await startBridgedRig();
	client = await rig.client();
});
afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

const wires = BRIDGED_WIRES.map((wire) => ({ wire }));

const TOOLS: FunctionTool[] = ["weather", "local_time"].map((name) => ({
	type: "function",
	name,
	description: `Tells the ${name} of a city.`,
	parameters: {
		type: "object",
		properties: { city: { type: "string" } },
		required: ["city"],
		additionalProperties: false,
	},
	strict: true,
}));
const RESULTS: Readonly<Record<string, string>> = { weather: "21 degrees, sunny", local_time: "14:05" };
const CALLS: Saying["toolCalls"] = [
	{ id: "a1B2c3D4e", name: "weather", arguments: { city: "Rome" } },
	{ id: "f5G6h7I8j", name: "local_time", arguments: { city: "Rome" } },
];
const THINKING = { text: "Both tools are needed. I ask them at once.", seal: "EvYBCkgICxABGAIqQA9E+VC377/UnbjdfXCw==" };
const ANSWER = "It is 14:05 in Rome, 21 degrees and sunny.";
const QUESTION = "Weather and time in Rome?";

/** Who keeps the conversation, and what of it comes back to the gateway. */
const KEEPERS = ["the app", "the app, store: false", "previous_response_id", "conversation"] as const;
type Keeper = (typeof KEEPERS)[number];

/** One conversation: says something in its next turn. */
type Say = (input: ResponseInput) => Promise<Response>;

async function converse(wire: Wire, manner: Manner, keeper: Keeper, more: Partial<ResponseParams> = {}): Promise<Say> {
	const history: ResponseInput = [];
	const conversation = keeper === "conversation" ? (await client.openai.conversations.create()).id : undefined;
	let previous: string | undefined;
	return async (input) => {
		history.push(...input);
		const params: ResponseParams = { model: wire, tools: TOOLS, ...more };
		const asked: ResponseParams =
			keeper === "previous_response_id"
				? { ...params, input, previous_response_id: previous ?? null }
				: keeper === "conversation"
					? { ...params, input, conversation: conversation ?? null }
					: { ...params, input: history, ...(keeper === "the app" ? {} : { store: false }) };
		const { response } = await hear(client, manner, asked);
		previous = response.id;
		// Outputs are inputs, which is how the documentation of OpenAI carries a conversation on.
		history.push(...(response.output as ResponseInputItem[]));
		return response;
	};
}

/** What the tools say to all calls of a response, the later call answered first. */
function results(response: Response): ResponseInputItem[] {
	const calls = itemsOf(response, "function_call");
	expect(calls.map(({ name }) => name)).toEqual(["weather", "local_time"]);
	expect(calls.map(({ arguments: text }) => JSON.parse(text))).toEqual([{ city: "Rome" }, { city: "Rome" }]);
	expect(new Set(calls.map(({ call_id }) => call_id)).size).toBe(2);
	return calls.map(resultOf).toReversed();
}

function resultOf({ call_id, name }: ResponseFunctionToolCall): ResponseInputItem {
	return { type: "function_call_output", call_id, output: RESULTS[name] ?? "" };
}

const loops = BRIDGED_WIRES.flatMap((wire) =>
	MANNERS.flatMap((manner) => KEEPERS.map((keeper) => ({ wire, manner, keeper }))),
);

describe("a loop with tools called in parallel", () => {
	test.each(loops)("$wire, $manner, history kept by $keeper", async ({ wire, manner, keeper }) => {
		rig.provider.says(wire, { toolCalls: CALLS }, { text: ANSWER }, { text: "Much the same." });
		const say = await converse(wire, manner, keeper);
		const called = await say([{ role: "user", content: QUESTION }]);
		expect(called.output.map(({ type }) => type)).toEqual(["function_call", "function_call"]);
		expect(textOf(await say(results(called)))).toBe(ANSWER);
		expect(textOf(await say([{ role: "user", content: "And tomorrow?" }]))).toBe("Much the same.");
		const last = JSON.stringify(rig.provider.bodies[2]);
		const words = [QUESTION, ...Object.values(RESULTS), ANSWER, "And tomorrow?"];
		expect(words.filter((said) => !last.includes(said))).toEqual([]);
		expect(last).not.toMatch(/resp_|conv_|"previous_response_id"|"store"/);
	});

	test.each(wires)("$wire: a word before the calls, a result as parts", async ({ wire }) => {
		rig.provider.says(wire, { text: "Let me look.", toolCalls: CALLS.slice(0, 1) }, { text: ANSWER });
		const say = await converse(wire, "stream", "previous_response_id");
		const called = await say([{ role: "user", content: QUESTION }]);
		expect(called.output.map(({ type }) => type)).toEqual(["message", "function_call"]);
		const [call] = itemsOf(called, "function_call");
		const output = [{ type: "input_text" as const, text: "21 degrees" }];
		const answer = await say([{ type: "function_call_output", call_id: call?.call_id ?? "", output }]);
		expect(textOf(answer)).toBe(ANSWER);
		const last = JSON.stringify(rig.provider.bodies[1]);
		expect(["Let me look.", "21 degrees"].filter((said) => !last.includes(said))).toEqual([]);
	});

	test.each(wires)("$wire: a call without arguments", async ({ wire }) => {
		rig.provider.says(wire, { toolCalls: [{ id: "a1B2c3D4e", name: "now", arguments: {} }] }, { text: ANSWER });
		const now: FunctionTool = {
			type: "function",
			name: "now",
			parameters: { type: "object", properties: {} },
			strict: null,
		};
		const say = await converse(wire, "stream", "the app", { tools: [now] });
		const called = await say([{ role: "user", content: QUESTION }]);
		expect(itemsOf(called, "function_call")).toMatchObject([{ name: "now", arguments: "{}" }]);
		const [call] = itemsOf(called, "function_call");
		const answer = await say([{ type: "function_call_output", call_id: call?.call_id ?? "", output: "14:05" }]);
		expect(textOf(answer)).toBe(ANSWER);
	});
});

describe("a loop with tools and thinking: what the provider sealed comes back to it unchanged", () => {
	const kept = loops.map((loop) => ({ ...loop, include: loop.keeper.startsWith("the app") }));
	test.each(kept)("$wire, $manner, history kept by $keeper", async ({ wire, manner, keeper, include }) => {
		const said = { thinking: THINKING, toolCalls: CALLS };
		rig.provider.says(wire, said, { text: ANSWER }, { text: "Much the same." });
		const say = await converse(wire, manner, keeper, {
			reasoning: { effort: "low" },
			// An app that keeps the history has to ask for it; the gateway keeps it unasked.
			...(include ? { include: ["reasoning.encrypted_content"] } : {}),
		});
		const called = await say([{ role: "user", content: QUESTION }]);
		expect(called.output.map(({ type }) => type)).toEqual(["reasoning", "function_call", "function_call"]);
		expect(itemsOf(called, "reasoning")).toMatchObject([{ summary: [{ type: "summary_text", text: THINKING.text }] }]);
		expect(typeof itemsOf(called, "reasoning")[0]?.encrypted_content).toBe(include ? "string" : "undefined");
		expect(textOf(await say(results(called)))).toBe(ANSWER);
		expect(textOf(await say([{ role: "user", content: "And tomorrow?" }]))).toBe("Much the same.");
		// Cohere and Mistral take their thinking back in plain words, all others by what they sealed.
		const mark = wire === "cohere" || wire === "mistral" ? THINKING.text : THINKING.seal;
		expect(JSON.stringify(rig.provider.bodies[1])).toContain(mark);
	});

	const sealing = loops.filter(({ wire }) => wire !== "cohere" && wire !== "mistral");
	test.each(sealing)("$wire, $manner, never shown, kept by $keeper", async ({ wire, manner, keeper }) => {
		rig.provider.says(wire, { thinking: { ...THINKING, text: "" }, toolCalls: CALLS }, { text: ANSWER });
		const isApp = keeper.startsWith("the app");
		const say = await converse(wire, manner, keeper, {
			reasoning: { effort: "low" },
			...(isApp ? { include: ["reasoning.encrypted_content"] } : {}),
		});
		const called = await say([{ role: "user", content: QUESTION }]);
		expect(called.output.filter(({ type }) => type === "function_call").length).toBe(2);
		expect(itemsOf(called, "reasoning").map(({ summary }) => summary)).toEqual(isApp ? [[]] : []);
		if (keeper === "previous_response_id") {
			// What is read later is what was answered, and the seal is there for those who ask.
			expect((await client.openai.responses.retrieve(called.id)).output).toEqual(called.output);
			const sealed = await client.openai.responses.retrieve(called.id, { include: ["reasoning.encrypted_content"] });
			expect(itemsOf(sealed, "reasoning")).toMatchObject([{ summary: [] }]);
			expect(responseFaults(JSON.parse((await client.wire()).text))).toEqual([]);
		}
		expect(textOf(await say(results(called)))).toBe(ANSWER);
		expect(JSON.stringify(rig.provider.bodies[1])).toContain(THINKING.seal);
	});

	test.each(wires)("$wire: thinking alone, then text, sealed", async ({ wire }) => {
		rig.provider.says(wire, { thinking: THINKING, text: "Hello." }, { text: "Fine." });
		const say = await converse(wire, "stream", "the app, store: false", {
			reasoning: { effort: "low" },
			include: ["reasoning.encrypted_content"],
		});
		const first = await say([{ role: "user", content: "Hi." }]);
		expect(first.output.map(({ type }) => type)).toEqual(["reasoning", "message"]);
		expect(textOf(await say([{ role: "user", content: "How are you?" }]))).toBe("Fine.");
	});

	test.each(wires)("$wire: a seal that somebody has tampered with never arrives", async ({ wire }) => {
		rig.provider.says(wire, { text: "Fine." });
		const forged = `gwr1.${Buffer.from("not json").toString("base64url")}`;
		const { response } = await hear(client, "whole", {
			model: wire,
			input: [
				{ role: "user", content: "Hi." },
				{ type: "reasoning", id: "rs_1", summary: [], encrypted_content: forged },
				{ role: "assistant", content: "Hello." },
				{ type: "reasoning", id: "rs_2", summary: [], encrypted_content: "gAAAAABsomebody-elses" },
				{ role: "user", content: "How are you?" },
			],
		});
		expect(textOf(response)).toBe("Fine.");
		expect(JSON.stringify(rig.provider.bodies[0])).not.toMatch(/gwr1|gAAAAAB|rs_1/);
	});
});

describe("a tool that takes free text", () => {
	const shell: CustomTool = { type: "custom", name: "run_code", description: "Runs a program." };
	const program = 'print("hello")\nprint("world")';
	const call = { id: "a1B2c3D4e", name: "run_code", arguments: { input: program } };
	const able = BRIDGED_WIRES.flatMap((wire) => MANNERS.map((manner) => ({ wire, manner })));

	test.each(able)("$wire, $manner", async ({ wire, manner }) => {
		const said: Saying = { toolCalls: [wire === "chat" ? { ...call, input: program } : call] };
		rig.provider.says(wire, said, { text: "It says hello." });
		const say = await converse(wire, manner, "previous_response_id", { tools: [shell] });
		const called = await say([{ role: "user", content: "Say hello to the world." }]);
		expect(itemsOf(called, "custom_tool_call")).toMatchObject([{ name: "run_code", input: program }]);
		const [made] = itemsOf(called, "custom_tool_call");
		const answer = await say([
			{ type: "custom_tool_call_output", call_id: made?.call_id ?? "", output: "hello world" },
		]);
		expect(textOf(answer)).toBe("It says hello.");
		expect(JSON.stringify(rig.provider.bodies[1])).toContain("hello world");
	});
});

describe("which tool is to be called reaches the provider, or is refused by name", () => {
	const wishes: readonly { readonly what: string; readonly fields: Partial<ResponseParams> }[] = [
		{ what: "required", fields: { tool_choice: "required" } },
		{ what: "none", fields: { tool_choice: "none" } },
		{ what: "one by its name", fields: { tool_choice: { type: "function", name: "weather" } } },
		{
			what: "some of them",
			fields: {
				tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "weather" }] },
			},
		},
		{ what: "one at a time", fields: { parallel_tool_calls: false } },
	];
	test.each(BRIDGED_WIRES.flatMap((wire) => wishes.map((wish) => ({ wire, ...wish }))))(
		"$wire: $what",
		async ({ wire, fields }) => {
			const params: ResponseParams = { model: wire, input: "Hi.", tools: TOOLS };
			rig.provider.says(wire, { text: "Yes." }, { text: "Yes." });
			await hear(client, "whole", params);
			const heard = await hear(client, "whole", { ...params, ...fields }).catch((error: unknown) => error);
			const [field = ""] = Object.keys(fields);
			if (heard instanceof Error) {
				expect(heard).toMatchObject({
					status: 400,
					param: expect.stringMatching(/^(tool_choice|parallel_tool_calls)/),
				});
				expect(rig.provider.bodies.length).toBe(1);
				return;
			}
			const { dropped } = heard as Awaited<ReturnType<typeof hear>>;
			const [plain, wished] = rig.provider.bodies;
			expect(Bun.deepEquals(plain, wished)).toBe(dropped.includes(field));
			if (field === "tool_choice" && typeof fields.tool_choice === "object") {
				expect(JSON.stringify(wished)).toContain("weather");
			}
		},
	);
});

test.each(["file_search", "code_interpreter", "mcp", "computer_use_preview", "image_generation"])(
	"a tool that only OpenAI runs is refused by name: %s",
	async (type) => {
		rig.provider.says("anthropic", { text: "No." });
		// Only its type matters.
		const tools = [{ type } as unknown as FunctionTool];
		const raised = await client.openai.responses
			.create({ model: "anthropic", input: "Hi.", tools })
			.catch((error: unknown) => error);
		expect(raised).toMatchObject({ status: 400, code: "unsupported_tool", param: "tools[0].type" });
		expect(rig.provider.bodies.length).toBe(0);
	},
);
