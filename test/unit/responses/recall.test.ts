import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { JsonObject } from "../../../src/lib/json-types.ts";
import { toItem } from "../../../src/responses/items.ts";
import { expandInput, itemsOf, withContinuation } from "../../../src/responses/recall.ts";
import type { Item } from "../../../src/responses/types.ts";
import { assistantMessage, responseObject, turnRecord, userMessage } from "../../support/kept-samples.ts";

const sealed: Item = { id: "rs_1", type: "reasoning", summary: [], encrypted_content: "sealed" };
const call: Item = {
	id: "fc_1",
	type: "function_call",
	status: "completed",
	call_id: "c1",
	name: "f",
	arguments: "{}",
};
const history = [userMessage("msg_1", "What is the weather?"), sealed, call];

function refusalOf(act: () => unknown) {
	try {
		act();
	} catch (error) {
		const { status, param, code } = error as { status: number; param: string; code: string };
		return { status, param, code };
	}
	return undefined;
}

describe("a request that builds upon earlier turns", () => {
	test("carries them in front of its own input, in their order", () => {
		const result = { type: "function_call_output", call_id: "c1", output: "sunny" };
		const { json, turn } = expandInput(
			{ model: "m", previous_response_id: "resp_1", conversation: null, input: [result], temperature: 0 },
			{ items: history },
		);
		expect(json).toEqual({
			model: "m",
			temperature: 0,
			input: [
				{ type: "message", role: "user", content: [{ type: "input_text", text: "What is the weather?" }] },
				sealed,
				call,
				result,
			],
		});
		expect(turn).toEqual([{ ...result, id: expect.stringMatching(/^fco_/), status: "completed" }]);
	});

	test("may say a text, or nothing more", () => {
		expect(expandInput({ input: "And tomorrow?" }, { items: [] }).json.input).toEqual([
			{ type: "message", role: "user", content: [{ type: "input_text", text: "And tomorrow?" }] },
		]);
		expect(expandInput({ conversation: "conv_1" }, { items: [sealed] })).toEqual({
			json: { input: [sealed] },
			turn: [],
		});
	});

	test("keeps its own instructions and takes none of earlier turns", () => {
		const earlier = turnRecord("resp_1", {
			response: responseObject("resp_1", [], { instructions: "Talk like a pirate." }),
		});
		const { json } = expandInput({ instructions: "Be brief.", input: "hi" }, { items: itemsOf([earlier]) });
		expect(json.instructions).toBe("Be brief.");
		expect(JSON.stringify(json)).not.toContain("pirate");
		expect(expandInput({ input: "hi" }, { items: itemsOf([earlier]) }).json).not.toHaveProperty("instructions");
	});

	test("leaves the request it was given as it is", () => {
		const request = { previous_response_id: "resp_1", input: [{ role: "user", content: "hi" }] };
		const before = structuredClone(request);
		expandInput(request, { items: history });
		expect(request).toEqual(before);
	});

	test("that has too many items is refused", () => {
		const many = Array.from({ length: 10_000 }, (_, index) => userMessage(`msg_${index}`, "x"));
		expect(refusalOf(() => expandInput({ input: "one more" }, { items: many }))).toEqual({
			status: 400,
			param: "input",
			code: "history_too_long",
		});
		expect(expandInput({ input: [] }, { items: many }).json.input).toHaveLength(10_000);
	});
});

describe("a reference to an item", () => {
	const answer = assistantMessage("msg_9", "Sunny.");

	test("becomes the item, where it stands elsewhere", () => {
		const { json, turn } = expandInput(
			{ input: [{ role: "user", content: "hi" }, { type: "item_reference", id: "msg_9" }, { id: "rs_1" }] },
			{
				items: [],
				referenced: new Map([
					["msg_9", answer],
					["rs_1", sealed],
				]),
			},
		);
		expect(json.input).toEqual([{ role: "user", content: "hi" }, answer, sealed]);
		expect(turn.slice(1)).toEqual([answer, sealed]);
	});

	test("to what stands in front anyway adds nothing", () => {
		const { json, turn } = expandInput(
			{
				input: [
					{ type: "item_reference", id: "fc_1" },
					{ type: "item_reference", id: "rs_1" },
					{ role: "user", content: "hi" },
				],
			},
			{ items: history },
		);
		expect(json.input).toHaveLength(history.length + 1);
		expect(turn).toHaveLength(1);
	});

	test.each([
		["that nobody knows", [{ type: "item_reference", id: "msg_x" }], "item_not_found"],
		["without an id", [{ type: "item_reference" }], "item_not_found"],
	])("%s is refused", (_, input: JsonObject[], code) => {
		expect(refusalOf(() => expandInput({ input }, { items: history }))).toEqual({ status: 400, param: "input", code });
	});
});

test.each([
	["as in what came before", [{ ...sealed }]],
	[
		"as another of its own",
		[
			{ id: "msg_7", role: "user", content: "a" },
			{ id: "msg_7", role: "user", content: "b" },
		],
	],
])("an item with the same id %s is refused, as OpenAI does", (_, input: JsonObject[]) => {
	expect(refusalOf(() => expandInput({ input }, { items: history }))).toEqual({
		status: 400,
		param: "input",
		code: "duplicate_item",
	});
});

test("a turn is what was asked, then what was answered", () => {
	const turns = [turnRecord("resp_1"), turnRecord("resp_2")];
	expect(itemsOf(turns).map(({ id }) => id)).toEqual([
		"msg_in_resp_1",
		"msg_out_resp_1",
		"msg_in_resp_2",
		"msg_out_resp_2",
	]);
});

test("an answer tells its client what it was built upon", () => {
	const response = { id: "resp_2", previous_response_id: null, new_field: 1 };
	const neither = { previousResponseId: undefined, conversationId: undefined };
	expect(withContinuation(response, { ...neither, previousResponseId: "resp_1" })).toEqual({
		...response,
		previous_response_id: "resp_1",
	});
	expect(withContinuation(response, { ...neither, conversationId: "conv_1" })).toEqual({
		...response,
		conversation: { id: "conv_1" },
	});
	expect(withContinuation(response, neither)).toEqual(response);
});

test("turn after turn, a chain says what one long request would have said", () => {
	const texts = fc.array(fc.string(), { minLength: 1, maxLength: 6 });
	fc.assert(
		fc.property(texts, (said) => {
			const turns = said.map((text, index) =>
				turnRecord(`resp_${index}`, {
					inputItems: [toItem({ role: "user", content: text })],
					response: responseObject(`resp_${index}`, [assistantMessage(`msg_${index}`, `${text}!`)]),
				}),
			);
			const { json } = expandInput({ input: "last" }, { items: itemsOf(turns) });
			const user = (text: string) => ({ type: "message", role: "user", content: [{ type: "input_text", text }] });
			const whole = said.flatMap((text, index) => [user(text), assistantMessage(`msg_${index}`, `${text}!`)]);
			expect(json.input).toEqual([...whole, user("last")] as never);
		}),
	);
});
