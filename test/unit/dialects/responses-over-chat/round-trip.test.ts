import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readChatRequest } from "../../../../src/dialects/chat-hub/request.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../../src/lib/json-types.ts";
import { chatOf, chunk, finish, streamed, translate, WITH_SEALS } from "./rig.ts";

const DETAILS: readonly JsonObject[] = [
	{ type: "reasoning.text", format: "anthropic-claude-v1", index: 0, text: "I look it up.", signature: "EqQB/+==" },
	{ type: "reasoning.encrypted", format: "anthropic-claude-v1", index: 1, data: "redacted", of_tomorrow: { a: [1] } },
];
const CALL = { id: "toolu_1", type: "function", function: { name: "look", arguments: '{"at":"it"}' } };
const MESSAGE = {
	role: "assistant",
	content: "One moment.",
	reasoning_content: "I look it up.",
	reasoning_details: [...DETAILS],
	tool_calls: [CALL],
};
const USER = { role: "user", content: "What is it?" };
const RESULT = { type: "function_call_output", call_id: "toolu_1", output: "42" };

function itemsOf(response: JsonObject | undefined): JsonObject[] {
	return Array.isArray(response?.output) ? response.output.filter(isJsonObject) : [];
}

/** The next request of a client that keeps the conversation itself, as JSON on its way. */
function nextTurn(response: JsonObject | undefined): JsonValue | undefined {
	const input = [USER, ...itemsOf(response), RESULT];
	return chatOf({ input: JSON.parse(JSON.stringify(input)), store: false, ...WITH_SEALS }).messages;
}

describe("sealed thinking over two turns", () => {
	const whole = translate(WITH_SEALS).whole({ choices: [{ message: MESSAGE, finish_reason: "tool_calls" }] });
	const inStream = streamed(
		[
			chunk({ reasoning_content: "I look " }),
			chunk({ reasoning_content: "it up." }),
			chunk({ content: "One moment." }),
			chunk({ tool_calls: [{ index: 0, ...CALL }] }),
			chunk({ reasoning_details: [...DETAILS] }),
			finish("tool_calls"),
		],
		WITH_SEALS,
	);

	test.each([
		["whole", whole],
		["in a stream", inStream.response],
	])("%s: comes back to its provider unchanged, with its call", (_, response) => {
		expect(nextTurn(response)).toEqual([
			USER,
			{ role: "assistant", content: "One moment.", reasoning_details: [...DETAILS], tool_calls: [CALL] },
			{ role: "tool", tool_call_id: "toolu_1", content: "42" },
		]);
	});

	test("for clients that keep the items of `response.output_item.done`, in the order they came", () => {
		const done = inStream.json
			.filter(({ type }) => type === "response.output_item.done")
			.map(({ item }) => item ?? null);
		expect(nextTurn({ output: done })).toEqual(nextTurn(whole));
	});

	test("is read by the dialects behind as it was written", () => {
		const messages = nextTurn(whole) ?? null;
		expect(readChatRequest({ messages }).turns[1]?.reasoning).toMatchObject([
			{ type: "reasoning.text", text: "I look it up.", signature: "EqQB/+==", format: "anthropic-claude-v1" },
			{ type: "reasoning.encrypted", data: "redacted" },
		]);
	});

	test("is not handed out where nobody asked for it", () => {
		const plain = translate({}).whole({ choices: [{ message: MESSAGE, finish_reason: "tool_calls" }] });
		expect(itemsOf(plain).some((item) => "encrypted_content" in item)).toBe(false);
		expect(itemsOf(plain).map(({ type }) => type)).toEqual(["reasoning", "message", "function_call"]);
	});

	test("a provider that wants its plain thinking back gets it under its own name", () => {
		const message = { ...MESSAGE, reasoning_details: null };
		const response = translate(WITH_SEALS).whole({ choices: [{ message, finish_reason: "tool_calls" }] });
		expect(nextTurn(response)).toMatchObject([USER, { reasoning_content: "I look it up.", tool_calls: [CALL] }, {}]);
	});
});

describe("chat → Responses → chat", () => {
	test("keeps text, ids and order", () => {
		const word = fc.string({ minLength: 1 });
		const message = fc.record({
			text: fc.option(word, { nil: null }),
			calls: fc.uniqueArray(
				fc.record({ id: fc.stringMatching(/^[a-z:.]{1,9}$/), name: fc.stringMatching(/^[a-z]{1,5}$/) }),
				{
					selector: ({ id }) => id,
					maxLength: 4,
				},
			),
			details: fc.array(fc.record({ text: word, signature: word }), { maxLength: 3 }),
		});
		fc.assert(
			fc.property(fc.array(message, { minLength: 1, maxLength: 3 }), (turns) => {
				const seen = new Set<string>();
				const expected: JsonObject[] = [];
				const input: JsonValue[] = [];
				for (const [at, { text, calls, details }] of turns.entries()) {
					const own = calls.filter(({ id }) => !seen.has(id));
					for (const { id } of own) {
						seen.add(id);
					}
					if (text === null && own.length === 0) {
						continue;
					}
					const chat = chatMessage(text, own, details);
					const answer = { choices: [{ message: chat, finish_reason: "stop" }] };
					const outputs = own.map(({ id }) => ({ type: "function_call_output", call_id: id, output: `of ${id}` }));
					input.push(...itemsOf(translate(WITH_SEALS).whole(answer)), ...outputs, {
						role: "user",
						content: `turn ${at}`,
					});
					expected.push(chat, ...own.map(({ id }) => ({ role: "tool", tool_call_id: id, content: `of ${id}` })), {
						role: "user",
						content: `turn ${at}`,
					});
				}
				fc.pre(expected.length > 0);
				expect(chatOf({ input }).messages).toEqual(expected);
			}),
			{ numRuns: 300 },
		);
	});
});

function chatMessage(
	text: string | null,
	calls: readonly { readonly id: string; readonly name: string }[],
	details: readonly { readonly text: string; readonly signature: string }[],
): JsonObject {
	const written = details.map((detail, index) => ({
		type: "reasoning.text",
		format: "anthropic-claude-v1",
		index,
		...detail,
	}));
	return {
		role: "assistant",
		content: text,
		...(written.length === 0 ? {} : { reasoning_details: written }),
		...(calls.length === 0
			? {}
			: { tool_calls: calls.map(({ id, name }) => ({ id, type: "function", function: { name, arguments: "{}" } })) }),
	};
}
