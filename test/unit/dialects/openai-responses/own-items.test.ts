import { describe, expect, test } from "bun:test";
import { mayHoldOwnItems, withoutOwnItems } from "../../../../src/dialects/openai-responses/own-items.ts";
import { seal } from "../../../../src/dialects/responses-over-chat/reasoning.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";

const OURS = "01M82SC65NS1G4KCS23C94SK78";
const THEIRS = "68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b";
const SEALED = seal({ reasoning_content: "Hm." });

const user = { type: "message", role: "user", content: "Hi" };
const text = { type: "output_text", text: "Yo", annotations: [], logprobs: [] };
const message = { type: "message", status: "completed", role: "assistant", content: [text] };
const call = { type: "function_call", status: "completed", call_id: "toolu_1", name: "weather", arguments: "{}" };

function leftOf(...input: readonly JsonObject[]): unknown {
	return withoutOwnItems({ model: "m", input: [...input] }).input;
}

describe("for a provider that speaks Responses", () => {
	test.each<JsonObject>([
		{ id: `rs_${OURS}_0`, summary: [{ type: "summary_text", text: "Hm." }] },
		{ id: `rs_${OURS}_0`, summary: [], encrypted_content: SEALED },
		{ id: `rs_${OURS}_sealed`, summary: [], encrypted_content: SEALED },
		{ summary: [], encrypted_content: SEALED },
	])("thinking from elsewhere is left out: %j", (item) => {
		expect(leftOf(user, { type: "reasoning", ...item }, user)).toEqual([user, user]);
	});

	test.each<JsonObject>([
		{ ...message, id: `msg_${OURS}_1` },
		{ ...message, id: `msg_${OURS}` },
		{ ...message, id: `msg_${OURS}_1`, content: [{ ...text, citations: [{ start: 0 }] }] },
	])("what was said goes on without what is ours: %j", (item) => {
		expect(leftOf(item)).toEqual([message]);
	});

	test("calls go on without what is ours", () => {
		const custom = { type: "custom_tool_call", status: "completed", call_id: "c", name: "run", input: "ls" };
		const extra = { extra_content: { google: { thought_signature: "c2ln" } } };
		expect(leftOf({ ...call, id: `fc_${OURS}_1`, ...extra }, { ...custom, id: `ctc_${OURS}_2` })).toEqual([
			call,
			custom,
		]);
	});

	test("its own items go back as they came", () => {
		const own = [
			user,
			{ type: "reasoning", id: `rs_${THEIRS}`, summary: [] },
			{ type: "reasoning", id: `rs_${THEIRS}`, summary: [], encrypted_content: "gAAAAABo" },
			{ ...message, id: `msg_${THEIRS}`, phase: "final_answer" },
			{ ...call, id: `fc_${THEIRS}`, namespace: "n" },
			{ type: "item_reference", id: `msg_${THEIRS}` },
			{ type: "web_search_call", id: `ws_${THEIRS}`, status: "completed" },
		];
		expect(leftOf(...own)).toEqual(own);
		expect(withoutOwnItems({ input: "Hi" })).toEqual({ input: "Hi" });
	});
});

test.each([
	[true, [{ type: "reasoning", summary: [], encrypted_content: SEALED }]],
	[true, [{ ...message, id: `msg_${OURS}_1` }]],
	[false, [{ ...message, id: `msg_${THEIRS}` }]],
	[false, [{ type: "message", role: "user", content: `What is gwr1. or msg_${OURS}_1?` }]],
])("a request is only looked into where it may hold something of ours: %p", (expected, input) => {
	expect(mayHoldOwnItems(JSON.stringify({ model: "m", input }))).toBe(expected);
});
