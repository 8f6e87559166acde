import { describe, expect, test } from "bun:test";
import { type AnsweredChoice, chatCompletion } from "../../../../src/dialects/chat-hub/answer.ts";
import { createChunkWriter } from "../../../../src/dialects/chat-hub/chunks.ts";
import { writeChatUsage } from "../../../../src/dialects/chat-hub/usage.ts";
import { chatAnswer } from "../../../../src/dialects/openai-chat/answer.ts";
import { readTokenUsage } from "../../../../src/dialects/token-usage.ts";
import type { SseEvent } from "../../../../src/dialects/types.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { completionTokens, promptTokens } from "../../../../src/lib/usage.ts";
import { schemaFaults } from "../../../support/openai-schema.ts";

const FACTS = { id: "chatcmpl-1", model: "m", createdAtSeconds: 1_700_000_000 };

function choicesOf(events: readonly SseEvent[]): JsonObject[] {
	return events.flatMap(({ json }) => (json?.choices ?? []) as JsonObject[]);
}

describe("the chunks of a stream", () => {
	test("carry one id, the role once, and one finish reason", () => {
		const writer = createChunkWriter(FACTS);
		writer.name({ id: "msg_1", model: "claude" });
		writer.text("a");
		writer.name({ id: "msg_2" });
		writer.text("");
		writer.text("b");
		writer.finish("stop");
		writer.finish("length");
		writer.usage(writeChatUsage({ prompt: 1, completion: 2 }));
		writer.done();
		const events = writer.take();
		const chunks = events.flatMap(({ json }): JsonObject[] => (json === undefined ? [] : [json]));
		expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set(["msg_1"]));
		expect(chunks.map(({ model }) => model)).toEqual(chunks.map(() => "claude"));
		const choices = choicesOf(events);
		expect(choices.map(({ delta }) => delta)).toEqual([
			{ role: "assistant", content: "", refusal: null },
			{ content: "a" },
			{ content: "b" },
			{},
		]);
		expect(choices.map(({ finish_reason: reason }) => reason)).toEqual([null, null, null, "stop"]);
		expect(events.at(-1)).toEqual({ name: "", data: "[DONE]" });
		expect(writer.take()).toEqual([]);
	});

	test("number tool calls in order and give {} to a call without arguments", () => {
		const writer = createChunkWriter(FACTS);
		const first = writer.toolCall({ id: "a", name: "f" });
		const second = writer.toolCall({ id: "b", name: "g" });
		writer.toolArguments(second, '{"x":');
		writer.toolArguments(second, "1}");
		writer.toolArguments(9, "nobody's");
		writer.finish("tool_calls");
		expect([first, second]).toEqual([0, 1]);
		const fragments = choicesOf(writer.take()).flatMap(({ delta }) => {
			const { tool_calls: calls } = delta as { tool_calls?: { index: number; function: { arguments: string } }[] };
			return calls ?? [];
		});
		const joined = (index: number) =>
			fragments.flatMap((call) => (call.index === index ? call.function.arguments : [])).join("");
		expect([joined(0), joined(1)]).toEqual(["{}", '{"x":1}']);
	});

	test("answer old functions in their own words", () => {
		const writer = createChunkWriter({ ...FACTS, legacyFunctions: true });
		writer.toolArguments(writer.toolCall({ id: "a", name: "f" }), "{}");
		writer.finish("tool_calls");
		const choices = choicesOf(writer.take());
		expect(choices.map(({ delta }) => (delta as JsonObject).function_call)).toEqual([
			undefined,
			{ name: "f", arguments: "" },
			{ arguments: "{}" },
			undefined,
		]);
		expect(choices.at(-1)?.finish_reason).toBe("function_call");
	});

	test("are read by the gateway as any provider's: content, usage, end, and failures with their status", () => {
		const writer = createChunkWriter(FACTS);
		writer.begin();
		writer.reasoning("hm");
		writer.finish("stop");
		writer.usage(writeChatUsage({ prompt: 5, completion: 7 }));
		writer.done();
		const reader = chatAnswer.openStream();
		expect(writer.take().map((event) => reader.step(event))).toEqual(["meta", "content", "meta", "usage", "end"]);
		writer.fault({ status: 529, type: "overloaded_error", code: undefined, message: "busy" });
		const failing = chatAnswer.openStream();
		expect(writer.take().map((event) => failing.step(event))).toEqual(["error"]);
		expect(failing.fault()).toMatchObject({ status: 529, message: "busy" });
	});

	test("are valid by OpenAI's own document", () => {
		const writer = createChunkWriter(FACTS);
		writer.text("a");
		writer.toolArguments(writer.toolCall({ id: "a", name: "f" }), "{}");
		writer.reasoningDetails([{ type: "reasoning.text", text: "t", signature: "s", format: "anthropic-claude-v1" }]);
		writer.finish("tool_calls");
		writer.usage(writeChatUsage({ prompt: 1, completion: 2 }));
		for (const { json } of writer.take()) {
			expect(schemaFaults("CreateChatCompletionStreamResponse", json)).toEqual([]);
		}
	});
});

describe("a whole answer", () => {
	test("is valid by OpenAI's own document, with everything an answer can hold", () => {
		const answer = chatCompletion(
			FACTS,
			[
				{
					text: "see [1]",
					reasoning: "hm",
					reasoningDetails: [{ type: "reasoning.encrypted", data: "x", format: "google-gemini-v1", id: "a" }],
					toolCalls: [
						{ id: "a", name: "f", arguments: "", kind: "function", extra: { extra_content: { google: {} } } },
						{ id: "b", name: "c", arguments: "free text", kind: "custom" },
					],
					annotations: [
						{ type: "url_citation", url_citation: { start_index: 0, end_index: 3, title: "t", url: "https://x.test" } },
					],
					finishReason: "tool_calls",
				},
			],
			writeChatUsage({ prompt: 10, completion: 5, cacheRead: 2, cacheWrite: 3, reasoning: 1 }),
		);
		expect(schemaFaults("CreateChatCompletionResponse", answer)).toEqual([]);
		expect(answer).toMatchObject({
			choices: [{ message: { tool_calls: [{ function: { arguments: "{}" } }, { custom: { input: "free text" } }] } }],
		});
	});
});

describe("an answer without a word", () => {
	const call = { id: "a", name: "f", arguments: "", kind: "function" } as const;

	test.each<[string, Omit<AnsweredChoice, "text" | "finishReason">, string | null]>([
		["is an empty text", {}, ""],
		["is an empty text beside thinking", { reasoning: "hm" }, ""],
		["is null beside calls", { toolCalls: [call] }, null],
		["is null beside a refusal", { refusal: "no" }, null],
		["is null beside sound", { extra: { audio: { id: "s" } } }, null],
		["is null beside images", { extra: { images: [{}] } }, null],
	])("%s", (_name, choice, content) => {
		for (const text of [null, ""]) {
			const answer = chatCompletion(FACTS, [{ ...choice, text, finishReason: "stop" }], undefined);
			expect(answer).toMatchObject({ choices: [{ message: { content } }] });
		}
	});
});

describe("usage", () => {
	test("what a client is shown is what the ledger reads, bucket by bucket", () => {
		const shown = writeChatUsage({
			prompt: 100,
			completion: 50,
			cacheRead: 10,
			cacheWrite: 20,
			cacheWriteHour: 30,
			audioInput: 5,
			imageInput: 7,
			reasoning: 8,
			audioOutput: 9,
			imageOutput: 11,
			searches: 2,
		});
		const read = readTokenUsage(shown);
		expect(read).toMatchObject({ cacheRead: 10, cacheWrite: 20, audioInput: 5, reasoning: 8, audioOutput: 9 });
		expect(read === undefined ? 0 : promptTokens(read)).toBe(100);
		expect(read === undefined ? 0 : completionTokens(read)).toBe(50);
	});
});
