import { describe, expect, test } from "bun:test";
import { DONE, jsonEvent } from "../../../../src/dialects/event-data.ts";
import { responsesOverChat } from "../../../../src/dialects/responses-over-chat/translator.ts";
import type { Translation } from "../../../../src/dialects/translation.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";

const DETAILS = [{ type: "reasoning.text", text: "hm", signature: "sig", format: "anthropic-claude-v1", index: 0 }];
const CALL = { id: "toolu_1", type: "function", function: { name: "f", arguments: "{}" } };

function translate(request: JsonObject, stream: boolean): Translation {
	const target = { model: "m", stream, outputTokensMax: 100, answerId: "1", createdAtSeconds: 1 };
	return responsesOverChat.translate({ model: "a", input: "hi", stream, ...request }, target);
}

/** The response a client sees of an answer that thought before it called a tool. */
function answerOf(translation: Translation, stream: boolean): JsonObject | undefined {
	const message = { role: "assistant", content: null, reasoning_content: "hm", reasoning_details: DETAILS };
	if (!stream) {
		return translation.whole({
			choices: [{ index: 0, message: { ...message, tool_calls: [CALL] }, finish_reason: "tool_calls" }],
		});
	}
	const streamed = translation.openStream();
	const chunks: JsonObject[] = [
		{ choices: [{ index: 0, delta: { role: "assistant", reasoning_content: "hm" }, finish_reason: null }] },
		{ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...CALL }] }, finish_reason: null }] },
		{ choices: [{ index: 0, delta: { reasoning_details: DETAILS }, finish_reason: null }] },
		{ choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] },
	];
	const events = [...chunks.map((chunk) => jsonEvent(chunk)), { name: "", data: DONE }].flatMap((event) => {
		const said = streamed.step(event);
		return said === "malformed" ? [] : said;
	});
	return events.at(-1)?.json?.response as JsonObject | undefined;
}

function sealsOf(response: JsonObject | undefined): unknown[] {
	return ((response?.output ?? []) as JsonObject[]).flatMap((item) => item.encrypted_content ?? []);
}

describe("what is kept of an answer for the next turn", () => {
	test.each([false, true])(
		"holds the seal of its thinking, which the client did not ask to see (stream: %p)",
		(stream) => {
			const translation = translate({}, stream);
			expect(sealsOf(answerOf(translation, stream))).toEqual([]);
			const kept = translation.kept?.();
			expect(sealsOf(kept)).toHaveLength(1);
			const next = translate(
				{ input: [{ role: "user", content: "hi" }, ...((kept?.output ?? []) as JsonObject[])] },
				stream,
			);
			expect(next.body.messages).toMatchObject([
				{ role: "user" },
				{ role: "assistant", reasoning_details: [{ signature: "sig", text: "hm" }], tool_calls: [{ id: "toolu_1" }] },
			]);
		},
	);

	test.each([false, true])("is what the client sees where it asked for the seal (stream: %p)", (stream) => {
		const translation = translate({ include: ["reasoning.encrypted_content"] }, stream);
		const seen = answerOf(translation, stream);
		expect(sealsOf(seen)).toHaveLength(1);
		expect(translation.kept?.()).toEqual(seen ?? {});
	});

	test("is nothing before the answer has ended", () => {
		expect(translate({}, true).kept?.()).toBeUndefined();
	});
});
