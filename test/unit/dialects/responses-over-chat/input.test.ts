import { describe, expect, test } from "bun:test";
import { readChatRequest } from "../../../../src/dialects/chat-hub/request.ts";
import { seal } from "../../../../src/dialects/responses-over-chat/reasoning.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { chatOf, refusalOf, translate } from "./rig.ts";

const CALL = {
	type: "function_call",
	id: "fc_1",
	call_id: "call_1",
	name: "f",
	arguments: '{"a":1}',
	status: "completed",
};
const CHAT_CALL = { id: "call_1", type: "function", function: { name: "f", arguments: '{"a":1}' } };
const OUTPUT = { type: "function_call_output", call_id: "call_1", output: "one" };
const RESULT = { role: "tool", tool_call_id: "call_1", content: "one" };
const USER = { role: "user", content: "next" };
const TEXT = { type: "message", role: "assistant", content: [{ type: "output_text", text: "Hi", annotations: [] }] };
const DETAIL = { type: "reasoning.text", text: "Hm", signature: "s", format: "anthropic-claude-v1", index: 0 };
const SEALED = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: seal({ reasoning_details: [DETAIL] }) };

function messagesOf(input: JsonValue, rest: JsonObject = {}): JsonValue | undefined {
	return chatOf({ input, ...rest }).messages;
}

describe("messages", () => {
	const CASES: readonly [string, JsonValue, JsonValue][] = [
		[
			"easy ones",
			[
				{ role: "user", content: "a" },
				{ role: "assistant", content: "b" },
			],
			[
				{ role: "user", content: "a" },
				{ role: "assistant", content: "b" },
			],
		],
		[
			"developer is system",
			[
				{ role: "developer", content: "d" },
				{ role: "system", content: "s" },
			],
			[
				{ role: "system", content: "d" },
				{ role: "system", content: "s" },
			],
		],
		[
			"one text is a string",
			[{ type: "message", role: "user", content: [{ type: "input_text", text: "a" }] }],
			[{ role: "user", content: "a" }],
		],
		[
			"several texts stay apart",
			[
				{
					role: "user",
					content: [
						{ type: "input_text", text: "a" },
						{ type: "input_text", text: "b" },
					],
				},
			],
			[
				{
					role: "user",
					content: [
						{ type: "text", text: "a" },
						{ type: "text", text: "b" },
					],
				},
			],
		],
		[
			"a refusal",
			[{ role: "assistant", content: [{ type: "refusal", refusal: "No." }] }, USER],
			[{ role: "assistant", content: null, refusal: "No." }, USER],
		],
		[
			"cache marks",
			[
				{
					role: "user",
					cache_control: { type: "ephemeral" },
					content: [{ type: "input_text", text: "a", cache_control: { type: "ephemeral" } }],
				},
			],
			[
				{
					role: "user",
					content: [{ type: "text", text: "a", cache_control: { type: "ephemeral" } }],
					cache_control: { type: "ephemeral" },
				},
			],
		],
		["no content at all", [{ role: "user", content: [] }], [{ role: "user", content: "" }]],
	];
	test.each(CASES)("%s", (_, input, expected) => {
		expect(messagesOf(input)).toEqual(expected as JsonValue);
	});

	test("instructions stand in front, in either form", () => {
		const system = { role: "system", content: "Be kind." };
		expect(messagesOf("a", { instructions: "Be kind." })).toEqual([system, { role: "user", content: "a" }]);
		expect(messagesOf("a", { instructions: [{ role: "developer", content: "Be kind." }] })).toEqual([
			system,
			{ role: "user", content: "a" },
		]);
	});

	const PARTS: readonly [JsonObject, JsonObject][] = [
		[
			{ type: "input_image", image_url: "https://e.example/a.png", detail: "auto" },
			{ type: "image_url", image_url: { url: "https://e.example/a.png" } },
		],
		[
			{ type: "input_image", image_url: "data:image/png;base64,AA==", detail: "high" },
			{ type: "image_url", image_url: { url: "data:image/png;base64,AA==", detail: "high" } },
		],
		[
			{ type: "input_image", file_id: "file-1" },
			{ type: "image_url", image_url: {}, file_id: "file-1" },
		],
		[
			{ type: "input_file", file_data: "data:application/pdf;base64,AA==", filename: "a.pdf" },
			{ type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AA==" } },
		],
		[
			{ type: "input_file", file_url: "https://e.example/a.pdf" },
			{ type: "file", file: { file_url: "https://e.example/a.pdf" } },
		],
		[
			{ type: "input_file", file_id: "file-2", filename: null },
			{ type: "file", file: { file_id: "file-2" } },
		],
		[
			{ type: "input_audio", input_audio: { data: "AA==", format: "wav" } },
			{ type: "input_audio", input_audio: { data: "AA==", format: "wav" } },
		],
		[
			{ type: "input_video", video_url: "https://e.example/a.mp4" },
			{ type: "video_url", video_url: { url: "https://e.example/a.mp4" } },
		],
		[
			{ type: "image_url", image_url: { url: "https://e.example/a.png" } },
			{ type: "image_url", image_url: { url: "https://e.example/a.png" } },
		],
		[
			{ type: "of_a_vendor", x: 1 },
			{ type: "of_a_vendor", x: 1 },
		],
	];
	test.each(PARTS)("%j", (part, expected) => {
		const text = { type: "input_text", text: "see" };
		const body = chatOf({ input: [{ role: "user", content: [text, part] }] });
		expect(body.messages).toEqual([{ role: "user", content: [{ type: "text", text: "see" }, expected] }]);
		// What the dialects behind read of it.
		expect(readChatRequest(body).turns[0]?.parts.length).toBe(2);
	});

	const BROKEN: readonly [JsonValue, string][] = [
		[[{ role: "king", content: "a" }], "input[0].role"],
		[[{ role: "user", content: 5 }], "input[0].content"],
		[[{ role: "user", content: [{ type: "input_text" }] }], "input[0].content[0].text"],
		[[{ role: "user", content: [{ type: "input_image" }] }], "input[0].content[0]"],
		[[{ role: "user", content: [{ type: "input_file", filename: "a" }] }], "input[0].content[0]"],
		[[{ role: "user", content: ["a"] }], "input[0].content[0]"],
		[["a"], "input[0]"],
		[[{ type: "function_call", name: "f", arguments: "{}" }], "input[0].call_id"],
		[[{ type: "function_call", call_id: "c", arguments: "{}" }], "input[0].name"],
		[[{ type: "function_call_output", output: "a" }], "input[0].call_id"],
	];
	test.each(BROKEN)("%j is refused", (input, param) => {
		expect(refusalOf({ input })).toMatchObject({ status: 400, param });
	});
});

describe("what an assistant did", () => {
	test("thinking, text and calls are one message", () => {
		expect(messagesOf([SEALED, TEXT, CALL, OUTPUT, USER])).toEqual([
			{ role: "assistant", content: "Hi", reasoning_details: [DETAIL], tool_calls: [CHAT_CALL] },
			RESULT,
			USER,
		]);
	});

	test("each turn keeps its own", () => {
		const other = { ...CALL, call_id: "call_2" };
		const result = { ...OUTPUT, call_id: "call_2", output: "two" };
		expect(messagesOf([CALL, OUTPUT, SEALED, other, result])).toEqual([
			{ role: "assistant", content: null, tool_calls: [CHAT_CALL] },
			RESULT,
			{ role: "assistant", content: null, reasoning_details: [DETAIL], tool_calls: [{ ...CHAT_CALL, id: "call_2" }] },
			{ role: "tool", tool_call_id: "call_2", content: "two" },
		]);
	});

	test("parallel calls are one message, their results follow it", () => {
		const other = { ...CALL, call_id: "call_2" };
		const result = { ...OUTPUT, call_id: "call_2", output: "two" };
		const expected = [
			{ role: "assistant", content: null, tool_calls: [CHAT_CALL, { ...CHAT_CALL, id: "call_2" }] },
			RESULT,
			{ role: "tool", tool_call_id: "call_2", content: "two" },
			USER,
		];
		expect(messagesOf([CALL, other, OUTPUT, result, USER])).toEqual(expected);
		// A message that has come in between is no reason to refuse.
		expect(messagesOf([CALL, other, OUTPUT, USER, result])).toEqual(expected);
		expect(messagesOf([CALL, other, USER, OUTPUT, result])).toEqual(expected);
	});

	test("calls of tools that take free text", () => {
		const call = { type: "custom_tool_call", call_id: "c", name: "sql", input: "select 1" };
		expect(messagesOf([call, { type: "custom_tool_call_output", call_id: "c", output: "1" }])).toEqual([
			{
				role: "assistant",
				content: null,
				tool_calls: [{ id: "c", type: "custom", custom: { name: "sql", input: "select 1" } }],
			},
			{ role: "tool", tool_call_id: "c", content: "1" },
		]);
	});

	const OUTPUTS: readonly [JsonValue, JsonValue][] = [
		["text", "text"],
		[[{ type: "input_text", text: "one" }], "one"],
		[
			[
				{ type: "input_text", text: "one" },
				{ type: "input_image", image_url: "data:image/png;base64,AA==" },
			],
			[
				{ type: "text", text: "one" },
				{ type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
			],
		],
		[
			[{ type: "input_file", file_data: "AA==", filename: "a.txt" }],
			[{ type: "file", file: { filename: "a.txt", file_data: "AA==" } }],
		],
		[[], ""],
		[{ ok: true }, '{"ok":true}'],
	];
	test.each(OUTPUTS)("the output %j", (output, content) => {
		expect(messagesOf([CALL, { ...OUTPUT, output }])).toEqual([
			{ role: "assistant", content: null, tool_calls: [CHAT_CALL] },
			{ ...RESULT, content },
		]);
	});

	test("a call's fields of one vendor stay on it", () => {
		const extra = { extra_content: { google: { thought_signature: "s" } } };
		expect(messagesOf([{ ...CALL, ...extra }])).toEqual([
			{ role: "assistant", content: null, tool_calls: [{ ...CHAT_CALL, ...extra }] },
		]);
	});

	test("a picture it drew is shown to it again", () => {
		const drawn = {
			type: "image_generation_call",
			id: "ig_1",
			status: "completed",
			result: "AA==",
			output_format: "webp",
		};
		expect(messagesOf([TEXT, drawn, USER])).toEqual([
			{
				role: "assistant",
				content: [
					{ type: "text", text: "Hi" },
					{ type: "image_url", image_url: { url: "data:image/webp;base64,AA==" } },
				],
			},
			USER,
		]);
	});
});

describe("thinking that comes back", () => {
	const FOREIGN: readonly JsonObject[] = [
		{ type: "reasoning", summary: [{ type: "summary_text", text: "Hm" }] },
		{ type: "reasoning", summary: [], encrypted_content: "gAAAAABo" },
		{ type: "reasoning", summary: [], encrypted_content: "gwr1.%%%" },
		{ type: "reasoning", summary: [], encrypted_content: `gwr1.${Buffer.from("[1]").toString("base64url")}` },
		{
			type: "reasoning",
			summary: [],
			encrypted_content: seal({ content: "no field of thinking", reasoning_details: "x" }),
		},
		{ type: "reasoning", summary: [], encrypted_content: null },
	];
	test.each(FOREIGN)("%j is left out", (item) => {
		const translation = translate({ input: [item, TEXT, USER] });
		expect(translation.body.messages).toEqual([{ role: "assistant", content: "Hi" }, USER]);
		expect(translation.dropped).toEqual([]);
	});

	test("of several items is numbered anew, so that none is taken for a piece of another", () => {
		const second = {
			...SEALED,
			encrypted_content: seal({ reasoning_details: [{ ...DETAIL, text: "Ha", signature: "t" }] }),
		};
		const body = chatOf({ input: [SEALED, second, TEXT] });
		expect(readChatRequest(body).turns[0]?.reasoning).toEqual([
			{ type: "reasoning.text", text: "Hm", signature: "s", format: "anthropic-claude-v1", id: undefined },
			{ type: "reasoning.text", text: "Ha", signature: "t", format: "anthropic-claude-v1", id: undefined },
		]);
	});

	test("with nothing it led to is no message", () => {
		expect(messagesOf([SEALED, USER])).toEqual([USER]);
	});
});

describe("items that chat cannot tell", () => {
	test.each(["web_search_call", "file_search_call", "mcp_list_tools"])("the record %s is left out by name", (type) => {
		const translation = translate({ input: [{ type, id: "x" }, TEXT, USER] });
		expect(translation.dropped).toEqual([`input[].${type}`]);
		expect(translation.body.messages).toEqual([{ role: "assistant", content: "Hi" }, USER]);
	});

	test.each([
		"item_reference",
		"computer_call",
		"code_interpreter_call",
		"local_shell_call_output",
		"mcp_call",
		"compaction",
		"additional_tools",
		"of_tomorrow",
	])("%s is refused by name", (type) => {
		const refused = refusalOf({ input: [USER, { type, id: "x" }] });
		expect(refused).toMatchObject({ status: 400, code: "unsupported_content" });
		expect(refused.message).toContain("input[1]");
	});

	test("an id alone is a reference", () => {
		expect(refusalOf({ input: [{ id: "msg_1" }] })).toMatchObject({ code: "unsupported_content", param: "input[0]" });
	});

	test("hints are named", () => {
		const items = [{ ...TEXT, phase: "commentary" }, { ...CALL, namespace: "n", caller: null }, OUTPUT];
		expect(translate({ input: items }).dropped).toEqual(["input[].phase", "input[].namespace"]);
	});
});
