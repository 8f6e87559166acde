import { describe, expect, test } from "bun:test";
import { NATIVE_ANSWERS } from "../support/native/answers.ts";
import { anthropicFaults } from "../support/native/anthropic-rules.ts";
import { bedrockFaults } from "../support/native/bedrock-rules.ts";
import { cohereFaults } from "../support/native/cohere-rules.ts";
import { geminiFaults } from "../support/native/gemini-rules.ts";
import type { Saying } from "../support/native/saying.ts";
import { NATIVE_WIRES } from "../support/native-deployment.ts";
import { streamedAnthropic, wholeAnthropic } from "../support/oracle/anthropic.ts";
import { bedrockEvent, readAwsFrames } from "../support/oracle/aws-frames.ts";
import { streamedBedrock, wholeBedrock } from "../support/oracle/bedrock.ts";
import { streamedCohere, wholeCohere } from "../support/oracle/cohere.ts";
import { streamedGemini, wholeGemini } from "../support/oracle/gemini.ts";
import type { Json } from "../support/oracle/json.ts";
import { NATIVE_APIS } from "../support/oracle/oracle.ts";
import { type RecordedCase, recordedCases } from "../support/recorded.ts";
import { parseSse } from "../support/sse-events.ts";

/* The tools of the native tests, tested themselves: by what real providers took, and by what they are known to refuse. */

/** Titan takes two turns of one role in a row; Claude on Bedrock and most others do not. */
const LENIENT = /bedrock\/openllmetry\.test_guardrails_test_guardrail_converse/;

const taken = recordedCases(({ api, status }) => NATIVE_APIS.has(api) && status === 200)
	.filter(({ id, request }) => request.body !== null && request.path !== "/v1/chat" && !LENIENT.test(id))
	.map((recorded) => ({ name: recorded.id, recorded }));

const SONNET = { host: "anthropic", thinking: "budget" } as const;

function faultsOf({ api, request }: RecordedCase): string[] {
	const body = request.body ?? {};
	switch (api.split(".")[0]) {
		case "anthropic":
			return anthropicFaults(body, [], SONNET);
		case "vertex":
			return anthropicFaults(body, [], { ...SONNET, host: "vertex" });
		case "gemini":
			return geminiFaults(body, [], { needsSeals: true });
		case "bedrock":
			return bedrockFaults(body, []);
		default:
			return cohereFaults(body);
	}
}

test("the strict providers take every recorded request that the real ones took", () => {
	// What was said before is not known here, and so whether a seal is genuine.
	const complaints = taken.map(({ name, recorded }) => ({
		name,
		faults: faultsOf(recorded).filter((fault) => !fault.startsWith("invalid")),
	}));
	expect(complaints.filter(({ faults }) => faults.length > 0)).toEqual([]);
	expect(taken.length).toBeGreaterThan(100);
});

const user = { role: "user", content: "Hello" };
const said: Saying = {
	thinking: { text: "Hm.", seal: "c2VhbA==" },
	toolCalls: [{ id: "t1", name: "weather", arguments: { city: "Rome" } }],
};
const claude = { model: "claude", max_tokens: 4000 };
const thinking = { type: "enabled", budget_tokens: 2000 };
const use = { type: "tool_use", id: "t1", name: "weather", input: { city: "Rome" } };
const result = { type: "tool_result", tool_use_id: "t1", content: "21" };
const turn = (...content: Json[]) => ({ role: "assistant", content });
const answered = { role: "user", content: [result] };
const sealed = { type: "thinking", thinking: "Hm.", signature: "c2VhbA==" };

describe("the strict Anthropic", () => {
	const refused: [string, Json, string][] = [
		["an unknown field", { ...claude, seed: 1, messages: [user] }, "extra inputs"],
		["no bound", { model: "claude", messages: [user] }, "max_tokens"],
		[
			"a budget above the bound",
			{ ...claude, thinking: { ...thinking, budget_tokens: 4000 }, messages: [user] },
			"greater",
		],
		[
			"empty text",
			{ ...claude, messages: [{ role: "user", content: [{ type: "text", text: "" }] }] },
			"non-whitespace",
		],
		["two users in a row", { ...claude, messages: [user, user] }, "alternate"],
		["a call without a result", { ...claude, messages: [user, turn(use), user] }, "without tool_result"],
		["a result without a call", { ...claude, messages: [answered] }, "unexpected tool_use_id"],
		[
			"lost thinking",
			{ ...claude, thinking, messages: [user, turn(use), answered] },
			"must start with a thinking block",
		],
		[
			"another seal",
			{ ...claude, thinking, messages: [user, turn({ ...sealed, signature: "x" }, use), answered] },
			"invalid signature",
		],
	];
	test.each(refused)("refuses %s", (_what, body, fault) => {
		expect(anthropicFaults(body, [said], SONNET).join("; ")).toContain(fault);
	});
	test("of today refuses what it took once", () => {
		const opus = { ...SONNET, thinking: "adaptive" } as const;
		const body = { ...claude, thinking, temperature: 0.5, messages: [user] };
		expect(anthropicFaults(body, [], opus).length).toBe(3);
		expect(anthropicFaults({ ...claude, thinking: { type: "adaptive" }, messages: [user] }, [], opus)).toEqual([]);
	});
	test("takes the loop as it should be", () => {
		const body = { ...claude, thinking, messages: [user, turn(sealed, use), answered] };
		expect(anthropicFaults(body, [said], SONNET)).toEqual([]);
		expect(anthropicFaults(body, [said], { ...SONNET, host: "vertex" }).length).toBeGreaterThan(0);
	});
});

describe("the strict Gemini", () => {
	const asked = { role: "user", parts: [{ text: "Hello" }] };
	const call = { functionCall: { name: "weather", args: { city: "Rome" } } };
	const response = { functionResponse: { name: "weather", response: { output: "21" } } };
	const refused: [string, Json, string][] = [
		["an unknown field", { contents: [asked], seed: 1 }, "extra inputs"],
		["an empty turn", { contents: [{ role: "user", parts: [] }] }, "must not be empty"],
		["empty text", { contents: [{ role: "user", parts: [{ text: "" }] }] }, "must not be empty"],
		[
			"a missing response",
			{ contents: [asked, { role: "model", parts: [call] }, asked] },
			"number of function response",
		],
		[
			"a lost seal",
			{ contents: [asked, { role: "model", parts: [call] }, { role: "user", parts: [response] }] },
			"missing a thought_signature",
		],
		[
			"a schema it cannot read",
			{ contents: [asked], generationConfig: { responseSchema: { type: "object", additionalProperties: false } } },
			"unknown name",
		],
	];
	test.each(refused)("refuses %s", (_what, body, fault) => {
		expect(geminiFaults(body, [said], { needsSeals: true }).join("; ")).toContain(fault);
	});
});

describe("the strict Bedrock", () => {
	const asked = { role: "user", content: [{ text: "Hello" }] };
	const toolUse = { toolUse: { toolUseId: "t1", name: "weather", input: {} } };
	const toolConfig = { tools: [{ toolSpec: { name: "weather", inputSchema: { json: { type: "object" } } } }] };
	const toolResult = { toolResult: { toolUseId: "t1", content: [{ text: "21" }] } };
	const loop = [asked, { role: "assistant", content: [toolUse] }, { role: "user", content: [toolResult] }];
	const refused: [string, Json, string][] = [
		["an unknown field", { messages: [asked], stream: true }, "extra inputs"],
		["blank text", { messages: [{ role: "user", content: [{ text: " " }] }] }, "blank"],
		["calls without tools", { messages: loop }, "toolConfig"],
		["a call without a result", { toolConfig, messages: [...loop.slice(0, 2), asked] }, "expected toolResult"],
		[
			"lost thinking",
			{ toolConfig, messages: loop, additionalModelRequestFields: { thinking } },
			"must start with its reasoningContent",
		],
	];
	test.each(refused)("refuses %s", (_what, body, fault) => {
		expect(bedrockFaults(body, [said]).join("; ")).toContain(fault);
	});
});

describe("the strict Cohere", () => {
	const calls = [{ id: "t1", type: "function", function: { name: "weather", arguments: "" } }];
	const refused: [string, Json, string][] = [
		["an unknown field", { model: "command", messages: [user], top_p: 1 }, "extra inputs"],
		[
			"arguments that are no JSON",
			{ model: "command", messages: [{ role: "assistant", tool_calls: calls }] },
			"JSON text",
		],
		[
			"a call without a result",
			{ model: "command", messages: [{ role: "assistant", tool_calls: calls }, user] },
			"without results",
		],
	];
	test.each(refused)("refuses %s", (_what, body, fault) => {
		expect(cohereFaults(body).join("; ")).toContain(fault);
	});
});

describe("the scripted answers, read by the oracle", () => {
	const READ = {
		anthropic: [wholeAnthropic, (body: Buffer) => streamedAnthropic(parseSse(body.toString()).data)],
		"vertex-anthropic": [wholeAnthropic, (body: Buffer) => streamedAnthropic(parseSse(body.toString()).data)],
		gemini: [wholeGemini, (body: Buffer) => streamedGemini(parseSse(body.toString()).data)],
		vertex: [wholeGemini, (body: Buffer) => streamedGemini(parseSse(body.toString()).data)],
		bedrock: [wholeBedrock, (body: Buffer) => streamedBedrock(readAwsFrames(body))],
		cohere: [wholeCohere, (body: Buffer) => streamedCohere(parseSse(body.toString()).data)],
	} as const;
	test.each([...NATIVE_WIRES])("%s: whole and stream mean the same", (wire) => {
		const [whole, stream] = READ[wire];
		const saying = { ...said, text: "Hello there, you two." };
		const answer = whole(JSON.stringify(NATIVE_ANSWERS[wire].whole(saying)));
		expect(stream(Buffer.concat(NATIVE_ANSWERS[wire].events(saying)))).toEqual(answer);
		expect(answer).toMatchObject({ text: saying.text, reasoning: "Hm.", finishReason: "tool_calls" });
		expect(answer.toolCalls).toMatchObject([{ name: "weather", arguments: { city: "Rome" } }]);
		expect(answer.seals).toEqual(wire === "cohere" ? [] : ["c2VhbA=="]);
	});

	test("a frame with a wrong checksum, or cut short, is none", () => {
		const frame = bedrockEvent("messageStart", { role: "assistant" });
		expect(readAwsFrames(frame)).toMatchObject([{ payload: '{"role":"assistant"}' }]);
		expect(() => readAwsFrames(frame.subarray(0, -1))).toThrow("broken frame");
		const turned = Buffer.from(frame);
		turned[30] = (turned[30] ?? 0) ^ 1;
		expect(() => readAwsFrames(turned)).toThrow("broken frame");
	});
});
