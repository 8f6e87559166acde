import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { mistralToolId } from "../../../../src/dialects/mistral-chat/tool-ids.ts";
import { mistralChat } from "../../../../src/dialects/mistral-chat/translator.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { refusal, TARGET } from "../completions-over-chat/samples.ts";

const MESSAGES = [{ role: "user", content: "Hi" }];
const TOOL = { type: "function", function: { name: "f", parameters: { type: "object" }, strict: true } };

function translate(request: JsonObject, model = TARGET.model) {
	return mistralChat.translate({ model: "alias", messages: MESSAGES, ...request }, { ...TARGET, model });
}

/** What becomes of one message that another one follows. */
function message(given: JsonObject, request: JsonObject = {}): JsonValue | undefined {
	return conversation([given, ...MESSAGES], request)[0];
}

function conversation(messages: JsonObject[], request: JsonObject = {}): JsonObject[] {
	return translate({ ...request, messages }).body.messages as JsonObject[];
}

describe("the fields of a request", () => {
	test("that Mistral knows, or may know one day, travel as they are", () => {
		const fields = {
			temperature: 0.3,
			top_p: 0.9,
			stop: ["a"],
			n: 2,
			stream: true,
			frequency_penalty: 0.5,
			presence_penalty: 0.5,
			response_format: { type: "json_schema", json_schema: { name: "x", schema: {}, strict: true } },
			prediction: { type: "content", content: "x" },
			safe_prompt: true,
			prompt_mode: "reasoning",
			prompt_cache_key: "k",
			metadata: { a: "b" },
			reasoning_effort: "high",
			a_field_of_tomorrow: [1],
		};
		const { body, dropped } = translate(fields);
		expect(body).toEqual({ ...fields, model: "chatty-1", messages: MESSAGES });
		expect(dropped).toEqual([]);
	});

	test.each<[string, JsonObject, JsonObject]>([
		["the newer bound", { max_completion_tokens: 5 }, { max_tokens: 5 }],
		["the older bound", { max_tokens: 6 }, { max_tokens: 6 }],
		["the seed", { seed: 7 }, { random_seed: 7 }],
		["its own word for the seed", { seed: 7, random_seed: 8 }, { random_seed: 8 }],
		["options of the stream", { stream: true, stream_options: { include_usage: true } }, { stream: true }],
		["a tool that must be called", { tools: [TOOL], tool_choice: "required" }, { tools: [TOOL], tool_choice: "any" }],
		[
			"one tool that must be called",
			{ tools: [TOOL], tool_choice: { type: "function", function: { name: "f" } } },
			{ tools: [TOOL], tool_choice: { type: "function", function: { name: "f" } } },
		],
		[
			"some tools that may be called",
			{
				tools: [TOOL, { type: "function", function: { name: "g" } }],
				tool_choice: {
					type: "allowed_tools",
					allowed_tools: { mode: "required", tools: [{ type: "function", name: "f" }] },
				},
			},
			{ tools: [TOOL], tool_choice: "any" },
		],
		["no tools", { tools: [], tool_choice: "auto", parallel_tool_calls: true }, {}],
		["what would happen anyway", { logprobs: false, store: false, modalities: ["text"], service_tier: "auto" }, {}],
		["nulls", { stop: null, seed: null, max_tokens: null, tools: null, user: null }, {}],
		["OpenRouter's effort", { reasoning: { effort: "medium" } }, { reasoning_effort: "medium" }],
		["OpenRouter's switch", { reasoning: { enabled: true } }, { reasoning_effort: "high" }],
		["thinking switched off", { thinking: { type: "disabled" } }, { reasoning_effort: "none" }],
	])("mapped: %s", (_name, request, expected) => {
		const { body, dropped } = translate(request);
		expect(body).toEqual({ ...expected, model: "chatty-1", messages: MESSAGES });
		expect(dropped).toEqual([]);
	});

	test.each<[JsonObject, string]>([
		[{ user: "u" }, "user"],
		[{ store: true }, "store"],
		[{ logit_bias: { "1": 2 } }, "logit_bias"],
		[{ safety_identifier: "s" }, "safety_identifier"],
		[{ verbosity: "low" }, "verbosity"],
		[{ seed: -1 }, "seed"],
		[{ tools: [{ ...TOOL, cache_control: { type: "ephemeral" } }] }, "tools[].cache_control"],
		[{ thinking: { type: "enabled", budget_tokens: 2_000 } }, "thinking.budget_tokens"],
		[{ reasoning: { effort: "low", exclude: true } }, "reasoning.exclude"],
		[{ top_k: 40 }, "top_k"],
		[{ temperature: 2 }, "temperature"],
	])("a hint that Mistral would refuse is left out by name: %o", (request, name) => {
		const { body, dropped } = translate(request);
		expect(dropped).toEqual([name]);
		expect(JSON.stringify(body)).not.toContain("cache_control");
	});

	test("a temperature beyond Mistral's scale is its highest", () => {
		expect(translate({ temperature: 2 }).body.temperature).toBe(1.5);
	});

	test.each<[JsonObject, string]>([
		[{ tool_choice: "required" }, "tool_choice"],
		[{ tools: [TOOL], tool_choice: { type: "function", function: { name: "g" } } }, "tool_choice"],
		[{ functions: [{ name: "f" }], function_call: { name: "g" } }, "function_call"],
	])("a call that cannot be demanded is refused by name: %o", (request, param) => {
		expect(refusal(() => translate(request))).toMatchObject({ status: 400, param });
	});

	test("fields that are named like what every object has are fields as all others", () => {
		const { body } = translate(JSON.parse('{"constructor": 1, "__defineGetter__": "x", "toString": 2}'));
		expect(body).toMatchObject({ constructor: 1, __defineGetter__: "x", toString: 2 });
	});

	test("the client's request is not changed", () => {
		const request = { messages: [{ role: "developer", content: "x", name: "n" }], tools: [TOOL], seed: 1 };
		const before = structuredClone(request);
		translate(request);
		expect(request).toEqual(before);
	});
});

describe("messages", () => {
	test.each<[string, JsonObject, JsonObject]>([
		["a developer is the system", { role: "developer", content: "x" }, { role: "system", content: "x" }],
		[
			"a refusal is what was said",
			{ role: "assistant", content: null, refusal: "No" },
			{ role: "assistant", content: "No" },
		],
		[
			"what an answer of OpenAI's holds besides",
			{ role: "assistant", content: "x", refusal: null, annotations: [] },
			{ role: "assistant", content: "x" },
		],
		[
			"calls and results have ids of nine characters",
			{
				role: "assistant",
				content: null,
				tool_calls: [{ id: "abcDEF123", type: "function", function: { name: "f" } }],
			},
			{
				role: "assistant",
				content: null,
				tool_calls: [{ id: "abcDEF123", type: "function", function: { name: "f", arguments: "{}" } }],
			},
		],
		[
			"what OpenAI's own client adds, and the old words that hold nothing",
			{
				role: "assistant",
				content: null,
				parsed: null,
				function_call: null,
				tool_calls: [
					{ id: "abcDEF123", type: "function", function: { name: "f", arguments: "{}", parsed_arguments: {} } },
				],
			},
			{
				role: "assistant",
				content: null,
				tool_calls: [{ id: "abcDEF123", type: "function", function: { name: "f", arguments: "{}" } }],
			},
		],
		[
			"the name of a result stays",
			{ role: "tool", name: "f", content: "1" },
			{ role: "tool", name: "f", content: "1" },
		],
	])("%s", (_name, given, expected) => {
		expect(message(given)).toEqual(expected);
	});

	test("a foreign id is the same on the call and on its result", () => {
		const call = { id: "call_0123456789", type: "function", function: { name: "f", arguments: "{}" } };
		const { messages } = translate({
			messages: [
				{ role: "assistant", content: null, tool_calls: [{ ...call, extra_content: { google: {} } }] },
				{ role: "tool", tool_call_id: "call_0123456789", content: "1" },
			],
		}).body;
		const id = mistralToolId("call_0123456789");
		expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
		expect(messages).toEqual([
			{ role: "assistant", content: null, tool_calls: [{ ...call, id }] },
			{ role: "tool", tool_call_id: id, content: "1" },
		]);
	});

	test("arguments that are no JSON are JSON on their way back, and others stay as they are written", () => {
		const sent = (given: JsonValue) =>
			message({
				role: "assistant",
				content: null,
				tool_calls: [{ id: "abcDEF123", type: "function", function: { name: "f", arguments: given } }],
			});
		const called = (text: string) => ({ tool_calls: [{ function: { name: "f", arguments: text } }] });
		expect(sent('{"a":')).toMatchObject(called('{"INVALID_JSON":"{\\"a\\":"}'));
		expect(sent("")).toMatchObject(called("{}"));
		expect(sent({ a: 1 })).toMatchObject(called('{"a":1}'));
		expect(sent('{ "a": 12345678901234567890 }')).toMatchObject(called('{ "a": 12345678901234567890 }'));
	});

	test("a call of a tool that took free text is a call of a function", () => {
		const custom = { id: "abcDEF123", type: "custom", custom: { name: "c", input: "raw" } };
		expect(message({ role: "assistant", content: null, tool_calls: [custom] })).toMatchObject({
			tool_calls: [{ type: "function", function: { name: "c", arguments: '{"input":"raw"}' } }],
		});
	});

	test.each<[JsonObject, string]>([
		[{ role: "user", content: "x", name: "Ann" }, "messages[].name"],
		[{ role: "assistant", content: "x", annotations: [{ type: "url_citation" }] }, "messages[].annotations"],
		[{ role: "system", content: "x", cache_control: { type: "ephemeral" } }, "messages[].cache_control"],
		[
			{ role: "user", content: [{ type: "text", text: "x", cache_control: { type: "ephemeral" } }] },
			"messages[].content[].cache_control",
		],
		[{ role: "assistant", content: "x", reasoning_content: "hm" }, "messages[].reasoning_content"],
	])("what Mistral answers with 422 is left out by name: %o", (given, name) => {
		const { body, dropped } = translate({ messages: [given] });
		expect(dropped).toEqual([name]);
		expect(body.messages).toMatchObject([{ role: given.role }]);
		expect(JSON.stringify(body.messages)).not.toMatch(/name|annotations|cache_control|reasoning_content/);
	});

	test("every id becomes nine characters, different ids different ones", () => {
		fc.assert(
			fc.property(fc.uniqueArray(fc.string(), { maxLength: 50 }), (ids) => {
				const made = ids.map(mistralToolId);
				expect(made.filter((id) => !/^[a-zA-Z0-9]{9}$/.test(id))).toEqual([]);
				expect(new Set(made).size).toBe(ids.length);
			}),
		);
	});
});

describe("content", () => {
	const DATA = "data:application/pdf;base64,JVBERi0=";

	test.each<[string, JsonObject, JsonObject]>([
		["text", { type: "text", text: "x" }, { type: "text", text: "x" }],
		[
			"an image",
			{ type: "image_url", image_url: { url: "https://e.test/a.png", detail: "low" } },
			{ type: "image_url", image_url: { url: "https://e.test/a.png", detail: "low" } },
		],
		[
			"audio",
			{ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
			{ type: "input_audio", input_audio: "AAAA" },
		],
		["Mistral's audio", { type: "input_audio", input_audio: "AAAA" }, { type: "input_audio", input_audio: "AAAA" }],
		[
			"audio by its address",
			{ type: "audio_url", audio_url: { url: "https://e.test/a.mp3" } },
			{ type: "input_audio", input_audio: "https://e.test/a.mp3" },
		],
		[
			"a document with its data",
			{ type: "file", file: { filename: "a.pdf", file_data: DATA } },
			{ type: "document_url", document_url: DATA, document_name: "a.pdf" },
		],
		[
			"a document by its address",
			{ type: "file", file: { file_url: "https://e.test/a.pdf" } },
			{ type: "document_url", document_url: "https://e.test/a.pdf" },
		],
		["a file kept there", { type: "file", file: { file_id: "id-1" } }, { type: "file", file_id: "id-1" }],
		["Mistral's file", { type: "file", file_id: "id-1" }, { type: "file", file_id: "id-1" }],
		[
			"a picture as a file",
			{ type: "file", file: { file_data: "data:image/png;base64,AAAA" } },
			{ type: "image_url", image_url: "data:image/png;base64,AAAA" },
		],
		["Responses' text", { type: "input_text", text: "x" }, { type: "text", text: "x" }],
		["whatever comes", { type: "hologram", data: [1] }, { type: "hologram", data: [1] }],
	])("%s", (_name, part, expected) => {
		expect(message({ role: "user", content: [part] })).toEqual({ role: "user", content: [expected] });
	});

	test("a file that is nowhere is refused where it stands", () => {
		const content = [
			{ type: "text", text: "x" },
			{ type: "file", file: {} },
		];
		expect(refusal(() => translate({ messages: [{ role: "user", content }] }))).toMatchObject({
			status: 400,
			param: "messages[0].content[1]",
		});
	});
});

describe("the order of a conversation, about which Mistral is strict", () => {
	const user = (content: string): JsonObject => ({ role: "user", content });
	const assistant = (content: string | null): JsonObject => ({ role: "assistant", content });
	const system = (content: string): JsonObject => ({ role: "system", content });
	const called: JsonObject = {
		role: "assistant",
		content: null,
		tool_calls: [{ id: "abcDEF123", type: "function", function: { name: "f", arguments: "{}" } }],
	};
	const result: JsonObject = { role: "tool", tool_call_id: "abcDEF123", content: "1" };
	const bridge = assistant("Done.");

	test.each<[string, JsonObject[], JsonObject[]]>([
		["a user after results", [user("a"), called, result, user("b")], [user("a"), called, result, bridge, user("b")]],
		[
			"an instruction after results",
			[user("a"), called, result, system("b")],
			[user("a"), called, result, bridge, user("b")],
		],
		[
			"an instruction after an answer",
			[system("s"), user("a"), assistant("b"), system("c"), user("d")],
			[system("s"), user("a"), assistant("b"), user("c"), user("d")],
		],
		["an instruction after a user", [user("a"), system("b")], [user("a"), system("b")]],
		["an answer of nothing", [user("a"), assistant(""), assistant(null), user("b")], [user("a"), user("b")]],
		["results in a row", [user("a"), called, result, result], [user("a"), called, result, result]],
	])("%s", (_, messages, expected) => {
		expect(conversation(messages)).toEqual(expected);
	});

	test("an answer that the client has begun is one to go on with", () => {
		expect(conversation([user("a"), assistant("Once upon \n")])).toEqual([
			user("a"),
			{ role: "assistant", content: "Once upon", prefix: true },
		]);
		expect(conversation([user("a"), called])).toEqual([user("a"), called]);
	});
});

describe("tools", () => {
	const named = (name: string): JsonObject => ({
		type: "function",
		function: { name, parameters: { type: "object" } },
	});

	test("have parameters, which Mistral demands", () => {
		const { body } = translate({ tools: [{ type: "function", function: { name: "f" } }] });
		expect(body.tools).toEqual([
			{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } },
		]);
	});

	test.each(["files.read", "x".repeat(128)])("of the name %s have one that Mistral takes, everywhere", (name) => {
		const { body } = translate({
			tools: [named(name)],
			tool_choice: { type: "function", function: { name } },
			messages: [
				...MESSAGES,
				{ role: "assistant", tool_calls: [{ id: "abcDEF123", type: "function", function: { name, arguments: "{}" } }] },
				{ role: "tool", tool_call_id: "abcDEF123", name, content: "1" },
			],
		});
		const wire = JSON.stringify(body).match(/"name":"([^"]*)"/g);
		expect(wire?.length).toBe(4);
		expect(new Set(wire).size).toBe(1);
		expect(wire?.[0]).toMatch(/^"name":"[a-zA-Z0-9_-]{1,64}"$/);
	});

	test("that take free text are functions with one text", () => {
		const { body } = translate({
			tools: [{ type: "custom", custom: { name: "sql", description: "Runs SQL" } }],
			tool_choice: { type: "custom", custom: { name: "sql" } },
		});
		expect(body).toMatchObject({
			tools: [{ type: "function", function: { name: "sql", parameters: { required: ["input"] } } }],
			tool_choice: { type: "function", function: { name: "sql" } },
		});
	});

	test("of the old words are those of today, in the conversation too", () => {
		const { body } = translate({
			functions: [{ name: "f", parameters: { type: "object" } }],
			function_call: "auto",
			messages: [
				...MESSAGES,
				{ role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } },
				{ role: "function", name: "f", content: "1" },
			],
		});
		const id = mistralToolId("call_1");
		expect(body).toMatchObject({
			tools: [named("f")],
			tool_choice: "auto",
			messages: [
				...MESSAGES,
				{ role: "assistant", tool_calls: [{ id, type: "function", function: { name: "f", arguments: "{}" } }] },
				{ role: "tool", tool_call_id: id, name: "f", content: "1" },
			],
		});
		expect(JSON.stringify(body)).not.toMatch(/"function_call"|"functions"/);
	});
});

describe("what was thought before goes to a model that thinks", () => {
	const thought = { type: "thinking", thinking: [{ type: "text", text: "hm" }], closed: true };
	const text = { type: "text", text: "x" };

	test.each<[string, JsonObject]>([
		["plain", { content: "x", reasoning_content: "hm" }],
		["OpenRouter's word", { content: "x", reasoning: "hm" }],
		[
			"with another provider's seal",
			{ content: "x", reasoning_details: [{ type: "reasoning.text", text: "hm", signature: "s" }] },
		],
		["as LiteLLM keeps it", { content: "x", thinking_blocks: [{ type: "thinking", thinking: "hm", signature: "s" }] }],
		["as Anthropic's parts", { content: [{ type: "thinking", thinking: "hm", signature: "s" }, text] }],
	])("%s", (_name, given) => {
		const expected = { role: "assistant", content: [thought, text] };
		expect(message({ role: "assistant", ...given }, { reasoning_effort: "high" })).toEqual(expected);
		const messages = [{ role: "assistant", ...given }, ...MESSAGES];
		const magistral = translate({ messages }, "magistral-medium-latest");
		expect(magistral.body.messages).toEqual([expected, ...MESSAGES]);
		expect(magistral.dropped).toEqual([]);
	});

	test("Mistral's own parts stay as they are", () => {
		expect(message({ role: "assistant", content: [thought, text] })).toEqual({
			role: "assistant",
			content: [thought, text],
		});
	});

	test("what only its provider can read is left out without a word", () => {
		const details = [{ type: "reasoning.encrypted", data: "AAAA", format: "openai-responses-v1" }];
		const { body, dropped } = translate({
			reasoning_effort: "high",
			messages: [{ role: "assistant", content: "x", reasoning_details: details }, ...MESSAGES],
		});
		expect({ messages: body.messages, dropped }).toEqual({
			messages: [{ role: "assistant", content: "x" }, ...MESSAGES],
			dropped: [],
		});
	});
});
