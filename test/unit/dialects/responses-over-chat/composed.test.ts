import { describe, expect, test } from "bun:test";
import { anthropicMessages } from "../../../../src/dialects/anthropic-messages/translator.ts";
import { chain } from "../../../../src/dialects/chain.ts";
import { cohereV2 } from "../../../../src/dialects/cohere-v2/translator.ts";
import { geminiGenerate } from "../../../../src/dialects/gemini-generate/translator.ts";
import { readerOf } from "../../../../src/dialects/registry.ts";
import { responsesOverChat } from "../../../../src/dialects/responses-over-chat/translator.ts";
import type { Translation, Translator } from "../../../../src/dialects/translation.ts";
import { isJsonObject, type JsonObject } from "../../../../src/lib/json-types.ts";
import { type RecordedCase, recordedCases } from "../../../support/recorded.ts";
import { parseSse } from "../../../support/sse-events.ts";
import { drain, responseFaults, streamFaults, TARGET, WITH_SEALS } from "./rig.ts";

const BEHIND: readonly [string, Translator, string, string][] = [
	["Anthropic", anthropicMessages, "anthropic.messages", "anthropic.messages"],
	["Gemini", geminiGenerate, "gemini.generateContent", "gemini.streamGenerateContent"],
	["Cohere", cohereV2, "cohere.chat", "cohere.chat"],
];

function composed(behind: Translator, request: JsonObject, isStream: boolean): Translation {
	const target = { ...TARGET, stream: isStream };
	const outer = responsesOverChat.translate({ model: "alias", input: "Hello", ...request }, target);
	return chain(outer, behind.translate(outer.body, target));
}

/** Cohere's API before its second version is no wire of ours. */
function cases(api: string, isStream: boolean): (readonly [string, RecordedCase])[] {
	return recordedCases((entry) => entry.api === api && entry.stream === isStream && entry.status === 200)
		.filter(({ id }) => !id.includes("legacy"))
		.map((recorded) => [recorded.id, recorded] as const);
}

describe.each(BEHIND)("Responses by way of chat to %s", (_, behind, wholeApi, streamApi) => {
	test.each(cases(streamApi, true))("streams %s", (_id, recorded) => {
		const { data, names } = parseSse(recorded.response.body.toString());
		for (const request of [{}, WITH_SEALS]) {
			const translator = composed(behind, request, true).openStream();
			const said = drain(
				translator,
				data.map((text, index) => ({ name: names[index] ?? "", data: text })),
			);
			if (said.types.at(-1) !== "error") {
				expect(streamFaults(said)).toEqual([]);
				expect(responseFaults(said.response)).toEqual([]);
			}
			const reader = readerOf.responses.openStream();
			for (const { name, data: text } of said.events) {
				reader.step({ name, data: text });
			}
			expect(reader.finished() || reader.fault() !== undefined).toBe(true);
		}
	});

	test.each(cases(wholeApi, false))("answers %s", (_id, recorded) => {
		const answer: unknown = JSON.parse(recorded.response.body.toString());
		const response = composed(behind, WITH_SEALS, false).whole(isJsonObject(answer) ? answer : {}) ?? {};
		if (response.error === null) {
			expect(responseFaults(response)).toEqual([]);
			expect(readerOf.responses.usage(response)).toBeDefined();
		}
	});
});

describe("thinking that Anthropic signed", () => {
	const TOOL = { type: "function", name: "look", parameters: { type: "object", properties: {} } };
	const thinking = { type: "thinking", thinking: "I look it up.", signature: "c2ln" };
	const toolUse = { type: "tool_use", id: "toolu_1", name: "look", input: { at: "it" } };
	const request = { reasoning: { effort: "high" }, tools: [TOOL], ...WITH_SEALS };

	test("goes round through a client that keeps the conversation", () => {
		const first = composed(anthropicMessages, request, false).whole({
			id: "msg_1",
			type: "message",
			role: "assistant",
			model: "claude",
			content: [thinking, { type: "text", text: "One moment." }, toolUse],
			stop_reason: "tool_use",
			usage: { input_tokens: 5, output_tokens: 9 },
		});
		const output = Array.isArray(first?.output) ? first.output : [];
		const input = [
			{ role: "user", content: "What is it?" },
			...output,
			{ type: "function_call_output", call_id: "toolu_1", output: "42" },
		];
		const { body } = composed(anthropicMessages, { ...request, input, store: false }, false);
		const messages = Array.isArray(body.messages) ? body.messages.filter(isJsonObject) : [];
		expect(messages[1]).toMatchObject({
			role: "assistant",
			content: [thinking, { type: "text", text: "One moment." }, toolUse],
		});
		expect(messages[2]).toMatchObject({ role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1" }] });
	});
});
