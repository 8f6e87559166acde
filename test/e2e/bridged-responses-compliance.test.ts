import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isJsonObject, type JsonObject } from "../../src/lib/json-types.ts";
import { BRIDGED_WIRES, type BridgedRig, startBridgedRig } from "../support/bridged-rig.ts";
import type { MintedKey } from "../support/gateway-client.ts";
import type { Wire } from "../support/native/answers.ts";
import type { Saying } from "../support/native/saying.ts";
import { readStream } from "../support/responses-client.ts";
import { responseFaults } from "../unit/dialects/responses-over-chat/rig.ts";

/*
 * What the compliance suite of Open Responses asks for over HTTP, case by case, with every provider that only chats:
 * https://github.com/openresponses/openresponses/blob/main/src/lib/compliance-tests.ts (specification of 2026-04-24).
 * Its cases of the WebSocket transport and of `/responses/compact` are of things that the gateway does not offer.
 */
let rig: BridgedRig;
let key: MintedKey;

beforeAll(async () => {
	rig = await startBridgedRig();
	key = await rig.gateway.mint();
});
afterAll(async () => {
	await rig?.[Symbol.asyncDispose]();
});

interface Case {
	readonly id: string;
	readonly stream?: boolean;
	readonly request: JsonObject;
	readonly says: Saying;
	/** Words that the provider must have been told. */
	readonly heard: readonly string[];
	readonly item: "message" | "function_call";
}

const WEATHER: JsonObject = {
	type: "function",
	name: "get_weather",
	description: "Get the current weather for a location",
	parameters: {
		type: "object",
		properties: { location: { type: "string", description: "The city and state, e.g. San Francisco, CA" } },
		required: ["location"],
	},
};
const CALLS: Saying = {
	toolCalls: [{ id: "a1B2c3D4e", name: "get_weather", arguments: { location: "San Francisco, CA" } }],
};
/** A dot. */
const IMAGE =
	"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

function said(role: string, content: JsonObject[string], more: JsonObject = {}): JsonObject {
	return { type: "message", role, content, ...more };
}

const toolCalling: Omit<Case, "id"> = {
	request: { input: [said("user", "What's the weather like in San Francisco?")], tools: [WEATHER] },
	says: CALLS,
	heard: ["get_weather", "San Francisco"],
	item: "function_call",
};

const CASES: readonly Case[] = [
	{
		id: "basic-response",
		request: { input: [said("user", "Say hello in exactly 3 words.")] },
		says: { text: "Hello, dear friend." },
		heard: ["Say hello in exactly 3 words."],
		item: "message",
	},
	{
		id: "assistant-phase",
		request: {
			input: [
				said("assistant", "I should answer with the saved number.", { phase: "commentary" }),
				said("assistant", "The number is four.", { phase: "final_answer" }),
				said("user", "Repeat only the number."),
			],
		},
		says: { text: "Four." },
		heard: ["I should answer with the saved number.", "The number is four.", "Repeat only the number."],
		item: "message",
	},
	{
		id: "streaming-response",
		stream: true,
		request: { input: [said("user", "Count from 1 to 5.")] },
		says: { text: "1, 2, 3, 4, 5" },
		heard: ["Count from 1 to 5."],
		item: "message",
	},
	{
		id: "system-prompt",
		request: {
			input: [said("system", "You are a pirate. Always respond in pirate speak."), said("user", "Say hello.")],
		},
		says: { text: "Ahoy!" },
		heard: ["You are a pirate. Always respond in pirate speak.", "Say hello."],
		item: "message",
	},
	{ id: "tool-calling", ...toolCalling },
	{ id: "tool-calling-streaming", stream: true, ...toolCalling },
	{
		id: "image-input",
		request: {
			input: [
				said("user", [
					{ type: "input_text", text: "What do you see in this image? Answer in one sentence." },
					{ type: "input_image", image_url: IMAGE },
				]),
			],
		},
		says: { text: "I see a dot." },
		heard: ["What do you see in this image?", IMAGE.slice("data:image/png;base64,".length)],
		item: "message",
	},
	{
		id: "multi-turn",
		request: {
			input: [
				said("user", "My name is Alice."),
				said("assistant", "Hello Alice! Nice to meet you. How can I help you today?"),
				said("user", "What is my name?"),
			],
		},
		says: { text: "Alice." },
		heard: ["My name is Alice.", "Hello Alice!", "What is my name?"],
		item: "message",
	},
];

async function ask(wire: Wire, { request, stream = false }: Case) {
	const response = await rig.gateway.open("/v1/responses", key.key, { model: wire, ...request, stream });
	const text = await response.text();
	expect({ status: response.status, text }).toMatchObject({ status: 200 });
	if (!stream) {
		return { types: [], response: JSON.parse(text), items: [] };
	}
	const { json } = readStream({ status: response.status, headers: response.headers, text });
	return {
		types: json.map(({ type }) => type),
		response: json.at(-1)?.response,
		/** What was added and done, by its kind. */
		items: json.flatMap(({ type, item }) => (isJsonObject(item) ? [`${type} ${item.type}`] : [])),
	};
}

describe.each(CASES)("$id", (each) => {
	test.each(BRIDGED_WIRES)("%s", async (wire) => {
		rig.provider.says(wire, each.says);
		const { response, types, items } = await ask(wire, each);
		expect(responseFaults(response)).toEqual([]);
		expect(response).toMatchObject({ status: "completed", output: [{ type: each.item }] });
		const told = JSON.stringify(rig.provider.bodies[0]);
		expect(each.heard.filter((words) => !told.includes(words))).toEqual([]);
		if (each.item === "function_call") {
			const [{ name, arguments: text }] = response.output;
			expect([name, JSON.parse(text)]).toEqual(["get_weather", { location: "San Francisco, CA" }]);
		}
		if (each.stream === true) {
			const delta = each.item === "message" ? "output_text" : "function_call_arguments";
			expect(types).toContain(`response.${delta}.delta`);
			expect(types).toContain(`response.${delta}.done`);
			expect(items).toEqual([`response.output_item.added ${each.item}`, `response.output_item.done ${each.item}`]);
		}
	});
});
