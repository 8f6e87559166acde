import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../src/lib/json-types.ts";
import { asInput, inputList, isReference, outputItems, toItem } from "../../../src/responses/items.ts";
import { recordedCases } from "../../support/recorded.ts";

describe("an input item", () => {
	test.each([
		[{ role: "user", content: "hi" }, "msg_"],
		[{ type: "message", role: "assistant", content: [] }, "msg_"],
		[{ type: "function_call", call_id: "c", name: "f", arguments: "{}" }, "fc_"],
		[{ type: "function_call_output", call_id: "c", output: "1" }, "fco_"],
		[{ type: "reasoning", summary: [] }, "rs_"],
		[{ type: "web_search_call" }, "ws_"],
		[{ type: "mcp_approval_response", approve: true }, "mcpa_"],
		[{ type: "kind_of_tomorrow" }, "item_"],
		[{ something: "else" }, "item_"],
	])("%j gets an id as OpenAI gives it: %s", (given: JsonObject, prefix) => {
		expect(toItem(given).id).toMatch(new RegExp(`^${prefix}[0-9A-Z]{26}$`));
		expect(toItem(given).id).not.toBe(toItem(given).id);
	});

	test.each(["msg_abc", "anything else", "ü"])("the id %p that it has is kept", (id) => {
		expect(toItem({ type: "reasoning", id }).id).toBe(id);
	});

	test.each(["", null, 7, "x".repeat(257)])("%p is no id", (id) => {
		expect(toItem({ type: "reasoning", id }).id).toMatch(/^rs_/);
	});

	test("a message is listed with its type, its status and its parts", () => {
		expect(toItem({ role: "user", content: "hi", phase: "x" })).toMatchObject({
			type: "message",
			status: "completed",
			role: "user",
			phase: "x",
			content: [{ type: "input_text", text: "hi" }],
		});
		expect(toItem({ role: "assistant", content: "ho", status: "incomplete" })).toMatchObject({
			status: "incomplete",
			content: [{ type: "output_text", text: "ho", annotations: [], logprobs: [] }],
		});
		const content = [{ type: "input_image", image_url: "https://example.com/a.png" }];
		expect(toItem({ role: "user", content }).content).toEqual(content);
	});

	test("nothing of it is lost, and its status is told where OpenAI tells one", () => {
		const given = {
			type: "function_call_output",
			call_id: "c",
			output: [{ type: "input_text", text: "1" }],
			new: { a: 1 },
		};
		expect(toItem(given)).toEqual({ ...given, id: expect.any(String), status: "completed" });
		const reasoning = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "sealed" };
		expect(toItem(reasoning)).toEqual(reasoning);
	});
});

test("a text as input is what a user says, and entries that are no objects are no items", () => {
	expect(inputList("hi")).toEqual([{ type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] }]);
	expect(inputList(undefined)).toEqual([]);
	expect(inputList([1, "x", null, { type: "a" }])).toEqual([{ type: "a" }]);
});

test.each([
	[{ type: "item_reference", id: "msg_1" }, true],
	[{ id: "msg_1" }, true],
	[{ type: null, id: "msg_1" }, true],
	[{ role: "user", content: "x" }, false],
	[{ id: "msg_1", role: "user", content: "x" }, false],
	[{ type: "reasoning", id: "rs_1" }, false],
	[{ content: "x" }, false],
	[{}, false],
])("%j is a reference: %p", (item: JsonObject, expected) => {
	expect(isReference(item)).toBe(expected);
});

test("ids of the gateway's making do not travel with what the client said; a model's items travel whole", () => {
	expect(asInput(toItem({ role: "user", content: "hi" }))).toEqual({
		type: "message",
		role: "user",
		content: [{ type: "input_text", text: "hi" }],
	});
	expect(asInput(toItem({ type: "function_call_output", call_id: "c", output: "1" }))).toEqual({
		type: "function_call_output",
		call_id: "c",
		output: "1",
	});
	for (const item of [
		{ id: "rs_1", type: "reasoning", summary: [], encrypted_content: "sealed" },
		{ id: "msg_1", type: "message", status: "completed", role: "assistant", content: [] },
		{ id: "fc_1", type: "function_call", status: "completed", call_id: "c", name: "f", arguments: "{}" },
		{ id: "x_1", type: "kind_of_tomorrow" },
	]) {
		expect(asInput(item)).toEqual(item);
	}
});

const answers = recordedCases(({ api, stream, status }) => api === "openai.responses" && !stream && status === 200);

test.each(answers.map((recorded) => [recorded.id, recorded] as const))(
	"%s: every output item stays what it is, in its order",
	(_, { response }) => {
		const json: JsonObject = JSON.parse(response.body.toString());
		expect(outputItems(json)).toEqual((json.output ?? []) as never);
	},
);
