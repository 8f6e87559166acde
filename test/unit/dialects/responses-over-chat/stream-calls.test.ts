import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { call, callsOf, chunk, finish, kinds, output, streamed, streamFaults } from "./rig.ts";

describe("how servers write tool calls", () => {
	const A = { id: "a", name: "f", arguments: '{"x":1}' };
	const B = { id: "b", name: "g", arguments: '{"y":2}' };
	const CASES: readonly [string, JsonObject[], JsonObject[]][] = [
		[
			"in pieces",
			[call(0, { id: "a", name: "f", arguments: "" }), call(0, { arguments: '{"x"' }), call(0, { arguments: ":1}" })],
			[A],
		],
		[
			"in pieces that take turns",
			[
				call(0, { id: "a", name: "f", arguments: '{"x"' }),
				call(1, { id: "b", name: "g", arguments: '{"y"' }),
				call(0, { arguments: ":1}" }),
				call(1, { arguments: ":2}" }),
			],
			[A, B],
		],
		["without an index, in one piece", [call(undefined, A), call(undefined, B)], [A, B]],
		[
			"without an index, in pieces",
			[
				call(undefined, { id: "a", name: "f", arguments: "" }),
				call(undefined, { arguments: '{"x":1}' }),
				call(undefined, { id: "b", name: "g", arguments: '{"y"' }),
				call(undefined, { id: "b", arguments: ":2}" }),
			],
			[A, B],
		],
		["all numbered 0", [call(0, A), call(0, B)], [A, B]],
		[
			"with a new id for each piece",
			[call(0, { id: "a", name: "f", arguments: '{"x"' }), call(0, { id: "z", name: "", arguments: ":1}" })],
			[A],
		],
		[
			"with an empty id later",
			[call(0, { id: "a", name: "f", arguments: '{"x"' }), call(0, { id: "", name: "", arguments: ":1}" })],
			[A],
		],
		[
			"with the name in every piece",
			[call(0, { id: "a", name: "f", arguments: '{"x"' }), call(0, { id: "a", name: "f", arguments: ":1}" })],
			[A],
		],
		[
			"with the name last",
			[call(0, { id: "a", arguments: '{"x"' }), call(0, { arguments: ":1}" }), call(0, { name: "f" })],
			[A],
		],
		[
			"without an id",
			[call(0, { name: "f", arguments: '{"x":1}' }), call(1, { name: "g", arguments: '{"y":2}' })],
			[
				{ ...A, id: "call_01ANSWER_0" },
				{ ...B, id: "call_01ANSWER_1" },
			],
		],
		["with one id for two calls", [call(0, A), call(1, { ...B, id: "a" })], [A, { ...B, id: "call_01ANSWER_1" }]],
		[
			"without arguments",
			[call(0, { id: "a", name: "f" }), call(1, { id: "b", name: "g", arguments: "" })],
			[
				{ ...A, arguments: "{}" },
				{ ...B, arguments: "{}" },
			],
		],
		["with arguments as an object", [call(0, { id: "a", name: "f", arguments: { x: 1 } })], [A]],
		["with a placeholder first", [call(0, { id: "a", name: "f", arguments: "{}" })], [{ ...A, arguments: "{}" }]],
		[
			"in the old words",
			[chunk({ function_call: { name: "f", arguments: '{"x"' } }), chunk({ function_call: { arguments: ":1}" } })],
			[{ ...A, id: "call_01ANSWER_0" }],
		],
		[
			"as nothing at all",
			[chunk({ content: "x", tool_calls: null }), chunk({ tool_calls: [] }), chunk({ tool_calls: [{ index: 0 }] })],
			[],
		],
	];
	test.each(CASES)("%s", (_, chunks, expected) => {
		const said = streamed([...chunks, finish("tool_calls")]);
		expect(callsOf(said)).toEqual(expected);
		expect(streamFaults(said)).toEqual([]);
	});

	test("text between the pieces of a call does not cut it", () => {
		const said = streamed([
			chunk({ content: "a" }),
			call(0, { id: "a", name: "f", arguments: '{"x"' }),
			chunk({ content: "b" }),
			call(0, { arguments: ":1}" }),
			finish("tool_calls"),
		]);
		expect(callsOf(said)).toEqual([A]);
		expect(kinds(said)).toEqual(["message", "function_call", "message"]);
	});

	test("free text for a custom tool", () => {
		const said = streamed([
			chunk({ tool_calls: [{ index: 0, id: "c", type: "custom", custom: { name: "sql", input: "" } }] }),
			chunk({ tool_calls: [{ index: 0, custom: { input: "select" } }] }),
			chunk({ tool_calls: [{ index: 0, custom: { input: " 1" } }] }),
			finish("tool_calls"),
		]);
		expect(output(said)).toMatchObject([
			{ id: "ctc_01ANSWER_0", type: "custom_tool_call", call_id: "c", name: "sql", input: "select 1" },
		]);
		expect(streamFaults(said)).toEqual([]);
	});

	test("a call's fields of one vendor stay on it", () => {
		const extra = { extra_content: { google: { thought_signature: "s" } } };
		const said = streamed([
			chunk({
				tool_calls: [{ index: 0, id: "a", type: "function", function: { name: "f", arguments: "{}" }, ...extra }],
			}),
			finish("tool_calls"),
		]);
		expect(output(said)).toMatchObject([extra]);
	});
});
