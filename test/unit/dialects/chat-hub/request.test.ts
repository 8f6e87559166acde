import { describe, expect, test } from "bun:test";
import { createDrops, dropUnmapped } from "../../../../src/dialects/chat-hub/drops.ts";
import { type ChatPart, readParts, textOf } from "../../../../src/dialects/chat-hub/parts.ts";
import { readReasoningDetails, readReasoningWish } from "../../../../src/dialects/chat-hub/reasoning.ts";
import { readChatRequest } from "../../../../src/dialects/chat-hub/request.ts";
import {
	argumentsObject,
	createCallIds,
	createConversationIds,
	plainToolId,
} from "../../../../src/dialects/chat-hub/tool-ids.ts";
import { customAsFunction, customInput, readTools } from "../../../../src/dialects/chat-hub/tools.ts";
import type { GatewayError } from "../../../../src/lib/errors.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";

function part(content: JsonObject): Partial<ChatPart> {
	const read = readParts([content], "messages[0].content")[0];
	if (read === undefined) {
		throw new Error("no part was read");
	}
	const { param: _place, cache: _cache, ...facts } = read;
	return facts;
}

describe("content parts", () => {
	test.each<[string, JsonObject, unknown]>([
		["text", { type: "text", text: "hi" }, { kind: "text", text: "hi" }],
		["text as Responses spells it", { type: "input_text", text: "hi" }, { kind: "text", text: "hi" }],
		["a refusal", { type: "refusal", refusal: "no" }, { kind: "text", text: "no" }],
		[
			"an image by address",
			{ type: "image_url", image_url: { url: "https://x.test/a.png", detail: "low" } },
			{ kind: "image", source: { kind: "url", url: "https://x.test/a.png" }, detail: "low" },
		],
		[
			"an image address without its object",
			{ type: "image_url", image_url: "https://x.test/a.png" },
			{ kind: "image", source: { kind: "url", url: "https://x.test/a.png" }, detail: undefined },
		],
		[
			"an image as data",
			{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
			{ kind: "image", source: { kind: "data", mediaType: "image/png", base64: "AAAA" }, detail: undefined },
		],
		[
			"a data URL that is not base64",
			{ type: "image_url", image_url: { url: "data:image/svg+xml;charset=utf-8,%3Csvg%2F%3E" } },
			{
				kind: "image",
				source: { kind: "data", mediaType: "image/svg+xml", base64: btoa("<svg/>") },
				detail: undefined,
			},
		],
		[
			"sound",
			{ type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } },
			{ kind: "audio", source: { kind: "data", mediaType: "audio/mpeg", base64: "AAAA" }, format: "mp3" },
		],
		[
			"a file as a data URL",
			{ type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AAAA" } },
			{ kind: "file", source: { kind: "data", mediaType: "application/pdf", base64: "AAAA" }, filename: "a.pdf" },
		],
		[
			"a file as bare base64, its kind told by its name",
			{ type: "file", file: { filename: "a.CSV", file_data: "AAAA" } },
			{ kind: "file", source: { kind: "data", mediaType: "text/csv", base64: "AAAA" }, filename: "a.CSV" },
		],
		[
			"a file by id",
			{ type: "file", file: { file_id: "file-1" } },
			{ kind: "file", source: { kind: "id", id: "file-1" }, filename: undefined },
		],
		[
			"a part of a vendor",
			{ type: "search_result", source: "x" },
			{ kind: "other", type: "search_result", raw: { type: "search_result", source: "x" } },
		],
	])("%s", (_, given, expected) => {
		expect(part(given)).toEqual(expected as Partial<ChatPart>);
	});

	test("a part without anything in it, or that cannot be read, is refused by its place", () => {
		for (const empty of [
			{ type: "image_url", image_url: {} },
			{ type: "file", file: {} },
			{ type: "input_audio", input_audio: {} },
			{ type: "image_url", image_url: { url: "data:image/gif,%FF%D8" } },
			{ type: "image_url", image_url: { url: "data:text/plain,100%" } },
		] as JsonObject[]) {
			expect(() => readParts([empty], "messages[3].content")).toThrow(
				expect.objectContaining({ status: 400, param: "messages[3].content[0]" }) as GatewayError,
			);
		}
	});

	test("cache marks are read with their time", () => {
		const [plain, hour, none] = readParts(
			[
				{ type: "text", text: "a", cache_control: { type: "ephemeral" } },
				{ type: "text", text: "b", cache_control: { type: "ephemeral", ttl: "1h" } },
				{ type: "text", text: "c" },
			],
			"p",
		);
		expect([plain?.cache, hour?.cache, none?.cache]).toEqual([{ ttl: undefined }, { ttl: "1h" }, undefined]);
	});

	test("an empty string is no part, and texts join without anything between", () => {
		expect(readParts("", "p")).toEqual([]);
		expect(
			textOf(
				readParts(
					[
						{ type: "text", text: "a" },
						{ type: "text", text: "b" },
					],
					"p",
				),
			),
		).toBe("ab");
	});
});

describe("a conversation", () => {
	test("tool calls, results and thinking are read, old spellings too", () => {
		const { turns } = readChatRequest({
			messages: [
				{ role: "user", content: "go" },
				{
					role: "assistant",
					content: null,
					reasoning_content: "hm",
					reasoning_details: [{ type: "reasoning.text", text: "hm", signature: "s", format: "anthropic-claude-v1" }],
					tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
				},
				{ role: "tool", tool_call_id: "a", content: "1" },
				{ role: "assistant", content: "", function_call: { name: "g", arguments: '{"x":1}' } },
				{ role: "function", name: "g", content: "2" },
			],
		});
		expect(turns.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant", "tool"]);
		expect(turns[1]?.reasoning).toHaveLength(1);
		expect(turns[1]?.reasoningText).toBeUndefined();
		expect(turns[1]?.toolCalls[0]).toMatchObject({ id: "a", name: "f", arguments: "{}", kind: "function" });
		expect(turns[2]?.toolCallId).toBe("a");
		expect(turns[4]?.toolCallId).toBe(turns[3]?.toolCalls[0]?.id);
	});

	test("a refusal stands in for an answer that had no text", () => {
		const { turns } = readChatRequest({ messages: [{ role: "assistant", content: null, refusal: "no" }] });
		expect(textOf(turns[0]?.parts ?? [])).toBe("no");
	});

	test.each<[JsonValue | undefined, unknown]>([
		[undefined, { kind: "text" }],
		[{ type: "text" }, { kind: "text" }],
		[{ type: "json_object" }, { kind: "json_object" }],
		[
			{ type: "json_schema", json_schema: { name: "n", schema: { type: "object" }, strict: true } },
			{ kind: "json_schema", name: "n", description: undefined, schema: { type: "object" }, strict: true },
		],
		[
			{ type: "grammar", grammar: "x" },
			{ kind: "other", type: "grammar" },
		],
	])("response_format %j", (format, expected) => {
		const request = readChatRequest(
			format === undefined ? { messages: [] } : { messages: [], response_format: format },
		);
		expect(request.format).toEqual(expected as typeof request.format);
	});
});

describe("tools", () => {
	const tools: JsonObject[] = [
		{ type: "function", function: { name: "f", parameters: { type: "object" }, strict: true } },
		{
			type: "custom",
			custom: { name: "c", format: { type: "grammar", grammar: { syntax: "regex", definition: "a+" } } },
		},
		{ type: "web_search_20250305", name: "web_search" },
	];

	test("functions, custom tools and tools of a vendor are told apart", () => {
		const wish = readTools({ tools, tool_choice: { type: "function", function: { name: "f" } } });
		expect(wish.tools.map(({ kind }) => kind)).toEqual(["function", "custom", "vendor"]);
		expect(wish.choice).toEqual({ mode: "named", name: "f" });
	});

	test.each<[JsonValue, unknown, unknown]>([
		["auto", { mode: "auto" }, undefined],
		["any", { mode: "required" }, undefined],
		[{ type: "custom", custom: { name: "c" } }, { mode: "named", name: "c" }, undefined],
		[
			{
				type: "allowed_tools",
				allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "f" } }] },
			},
			{ mode: "required" },
			["f"],
		],
	])("tool_choice %j", (choice, expected, allowed) => {
		const wish = readTools({ tools, tool_choice: choice });
		expect(wish.choice).toEqual(expected as typeof wish.choice);
		expect(wish.allowed).toEqual(allowed as typeof wish.allowed);
	});

	test("the old functions are tools, and are remembered as old", () => {
		const wish = readTools({ functions: [{ name: "f" }], function_call: { name: "f" } });
		expect(wish).toMatchObject({ legacy: true, choice: { mode: "named", name: "f" } });
	});

	test("a custom tool survives the way through a function, its grammar in words", () => {
		const [, custom] = readTools({ tools }).tools;
		if (custom?.kind !== "custom") {
			throw new Error("expected a custom tool");
		}
		const asFunction = customAsFunction(custom);
		expect(asFunction.description).toContain("regex");
		expect(customInput(JSON.stringify({ input: 'a "b"\n' }))).toBe('a "b"\n');
		expect(customInput("not json")).toBe("not json");
	});
});

describe("thinking", () => {
	test.each<[JsonObject, object]>([
		[{}, { field: undefined, effort: undefined, budgetTokens: undefined }],
		[{ reasoning_effort: "high" }, { field: "reasoning_effort", effort: "high" }],
		[{ reasoning: { max_tokens: 2000, exclude: true } }, { field: "reasoning", budgetTokens: 2000, hidden: true }],
		[{ thinking: { type: "enabled", budget_tokens: 1024 } }, { field: "thinking", budgetTokens: 1024, enabled: true }],
		[
			{ thinking: { type: "disabled" }, reasoning_effort: "high" },
			{ enabled: false, effort: undefined },
		],
		[
			{ thinking: { type: "adaptive" }, reasoning_effort: "low" },
			{ enabled: true, effort: "low" },
		],
		[
			{ reasoning: { exclude: true }, reasoning_effort: "high" },
			{ effort: "high", hidden: true },
		],
	])("%j", (request, expected) => {
		expect(readReasoningWish(request)).toMatchObject(expected);
	});

	test("fragments that a client collected from a stream are one detail again", () => {
		const details = readReasoningDetails({
			reasoning_details: [
				{ type: "reasoning.text", text: "a", index: 0, format: "f" },
				{ type: "reasoning.text", text: "b", index: 0, format: "f" },
				{ type: "reasoning.text", signature: "s", index: 0, format: "f" },
				{ type: "reasoning.text", text: "c", index: 1, format: "f" },
				{ type: "reasoning.encrypted", data: "x", index: 2, format: "f" },
				{ type: "nonsense" },
			],
		});
		expect(details.map((detail) => ("text" in detail ? detail.text : "data" in detail ? detail.data : ""))).toEqual([
			"ab",
			"c",
			"x",
		]);
		expect(details[0]).toMatchObject({ signature: "s" });
	});

	test("LiteLLM's thinking_blocks are read too", () => {
		const details = readReasoningDetails({
			thinking_blocks: [
				{ type: "thinking", thinking: "t", signature: "s" },
				{ type: "redacted_thinking", data: "d" },
			],
		});
		expect(details.map(({ type }) => type)).toEqual(["reasoning.text", "reasoning.encrypted"]);
	});

	test("an empty list of details hides nothing that is told in other words", () => {
		const message = { reasoning_details: [], thinking_blocks: [{ type: "thinking", thinking: "t", signature: "s" }] };
		expect(readReasoningDetails(message)).toMatchObject([{ type: "reasoning.text", text: "t", signature: "s" }]);
	});
});

describe("what is left out", () => {
	test("every field without a place is named, and none that says what would happen anyway", () => {
		const drops = createDrops();
		dropUnmapped(
			{ model: "m", messages: [], n: 1, seed: 7, logit_bias: {}, store: true, tool_choice: "auto", new_thing: [] },
			new Set(["temperature"]),
			drops,
		);
		expect(drops.list()).toEqual(["seed", "store", "new_thing"]);
	});

	test("a field may be called anything", () => {
		const names = ["__proto__", "constructor", "hasOwnProperty", "__defineGetter__", "toString"];
		const json = JSON.parse(`{${names.map((name) => `"${name}": "n"`).join()}}`);
		const drops = createDrops();
		dropUnmapped(json, new Set(), drops);
		expect(drops.list()).toEqual(names);
	});
});

describe("tool calls of other providers", () => {
	test("ids are kept where every provider takes them, and otherwise changed alike everywhere", () => {
		expect(plainToolId("toolu_01A-b")).toBe("toolu_01A-b");
		const changed = plainToolId("functions.get_weather:0");
		expect(changed).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
		expect(plainToolId("functions.get_weather:0")).toBe(changed);
		expect(plainToolId("functions.get_weather:1")).not.toBe(changed);
		expect(plainToolId("x".repeat(300))).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
	});

	test("an id that comes again in a later turn is changed, for the call and for its result", () => {
		const [first, second] = [{}, {}];
		const ids = createConversationIds();
		expect([ids.call("call_0", first), ids.result("call_0")]).toEqual(["call_0", "call_0"]);
		const again = ids.call("call_0", second);
		const beside = ids.call("call_0", second);
		expect(new Set(["call_0", again, beside]).size).toBe(3);
		expect([ids.result("call_0"), ids.result("call_0"), ids.result("call_0")]).toEqual([again, beside, beside]);
		expect(ids.result("nobody's")).toBe(plainToolId("nobody's"));
	});

	test("each call of an answer has an id of its own", () => {
		const id = createCallIds("a1");
		expect([id("x"), id("x"), id(""), id(7), id("y")]).toEqual(["x", "call_a1_1", "call_a1_2", "call_a1_3", "y"]);
	});

	test("arguments that are no object do not end a conversation", () => {
		expect(argumentsObject("")).toEqual({});
		expect(argumentsObject('{"a":1}')).toEqual({ a: 1 });
		expect(argumentsObject('{"a":')).toEqual({ INVALID_JSON: '{"a":' });
		expect(argumentsObject("[1]")).toEqual({ INVALID_JSON: "[1]" });
	});
});
