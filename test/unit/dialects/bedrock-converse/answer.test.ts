import { describe, expect, test } from "bun:test";
import { readTokenUsage } from "../../../../src/dialects/token-usage.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { at, CLAUDE_45, calling, fold, GPT_OSS, play, translate } from "./harness.ts";

const answered = (content: unknown, rest: JsonObject = {}): JsonObject => ({
	output: { message: { role: "assistant", content: content as string } },
	stopReason: "end_turn",
	...rest,
});
const whole = (content: unknown, rest: JsonObject = {}, request: JsonObject = {}) =>
	translate(request).whole(answered(content, rest));
const message = (content: unknown) => at(whole(content), "choices", 0, "message") as JsonObject;

type Events = [string, unknown][];
const delta = (index: number, value: JsonObject): [string, unknown] => [
	"contentBlockDelta",
	{ contentBlockIndex: index, delta: value },
];
const stop = (stopReason = "end_turn"): [string, unknown] => ["messageStop", { stopReason }];
const usage: [string, unknown] = ["metadata", { usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 } }];

describe("a whole answer", () => {
	test("is a chat completion of this answer's id, the model asked for and the time given", () => {
		expect(
			whole([{ text: "Hi" }], { usage: { inputTokens: 3, outputTokens: 4 }, serviceTier: { type: "flex" } }),
		).toEqual({
			id: "chatcmpl-01ANSWER",
			object: "chat.completion",
			created: 1_700_000_000,
			model: CLAUDE_45,
			service_tier: "flex",
			choices: [
				{
					index: 0,
					message: { role: "assistant", content: "Hi", refusal: null },
					logprobs: null,
					finish_reason: "stop",
				},
			],
			usage: expect.anything(),
		} as never);
	});

	test("keeps all it understands among what it does not", () => {
		expect(
			message([
				{ text: "a" },
				{ hologram: { bytes: "x" } },
				null,
				"b",
				{ text: 7 },
				{ toolUse: { type: "server_tool_use", toolUseId: "s", name: "nova_grounding", input: {} } },
				{ toolResult: { toolUseId: "s", content: [] } },
				{ text: "c", type: "text" },
			]),
		).toEqual({ role: "assistant", content: "ac", refusal: null });
	});

	test.each([
		["end_turn", "stop"],
		["stop_sequence", "stop"],
		["max_tokens", "length"],
		["model_context_window_exceeded", "length"],
		["guardrail_intervened", "content_filter"],
		["content_filtered", "content_filter"],
		["refusal", "content_filter"],
		["malformed_model_output", "stop"],
		["something_new", "stop"],
		[undefined, "stop"],
	])("that ends by %s finishes by %s, streamed as well", (stopReason, expected) => {
		expect(at(whole([{ text: "a" }], { stopReason }), "choices", 0, "finish_reason")).toBe(expected);
		expect(play(translate({}), [delta(0, { text: "a" }), ["messageStop", { stopReason }]]).finishes).toEqual([
			expected,
		]);
	});

	test("with a call finishes by it, even where the model says that its turn is over", () => {
		const call = { toolUse: { toolUseId: "1", name: "f", input: {} } };
		for (const stopReason of ["tool_use", "end_turn"]) {
			expect(at(whole([call], { stopReason }), "choices", 0, "finish_reason")).toBe("tool_calls");
		}
		expect(at(whole([call], { stopReason: "max_tokens" }), "choices", 0, "finish_reason")).toBe("length");
	});

	test("gives every call an id of its own and `{}` where it takes nothing", () => {
		const calls = message([
			{ toolUse: { toolUseId: "1", name: "f", input: {} } },
			{ toolUse: { toolUseId: "1", name: "g", input: { a: [1] } } },
			{ toolUse: { name: "h" } },
		]).tool_calls as JsonObject[];
		expect(calls.map(({ id }) => id)).toEqual(["1", "call_01ANSWER_1", "call_01ANSWER_2"]);
		expect(calls.map((call) => at(call, "function", "arguments"))).toEqual(["{}", '{"a":[1]}', "{}"]);
	});

	test.each<[JsonObject, JsonObject]>([
		[
			{ inputTokens: 10, outputTokens: 5, cacheReadInputTokens: 20, cacheWriteInputTokens: 30 },
			{ input: 10, cacheRead: 20, cacheWrite: 30, output: 5 },
		],
		[
			{
				inputTokens: 10,
				outputTokens: 5,
				cacheWriteInputTokens: 30,
				cacheDetails: [
					{ ttl: "5m", inputTokens: 10 },
					{ ttl: "1h", inputTokens: 20 },
				],
			},
			{ input: 10, cacheRead: 0, cacheWrite: 10, cacheWriteHour: 20, output: 5 },
		],
		[
			{ inputTokens: 10, outputTokens: 5, cacheReadInputTokenCount: 7 },
			{ input: 10, cacheRead: 7, output: 5 },
		],
	])("counts what was read from a cache and written to one as part of the prompt: %#", (given, expected) => {
		const counted = at(whole([{ text: "a" }], { usage: given }), "usage");
		expect(readTokenUsage(counted)).toMatchObject(expected as never);
	});

	test.each([undefined, null, {}, { inputTokens: 3 }, { inputTokens: -1, outputTokens: 2 }, "7"])(
		"counts nothing where AWS has not counted: %j",
		(given) => expect(at(whole([{ text: "a" }], { usage: given as string }), "usage")).toBeUndefined(),
	);

	test("is none without a message, and a failure where it declares one", () => {
		expect(translate({}).whole({})).toBeUndefined();
		expect(translate({}).whole({ output: "x" })).toBeUndefined();
		expect(translate({}).whole({ __type: "ThrottlingException", message: "slow" })).toEqual({
			error: { message: "slow", type: "ThrottlingException", param: null, code: "rate_limit_exceeded", status: 429 },
		});
		expect(at(whole([], { stopReason: "malformed_tool_use" }), "error", "status")).toBe(502);
	});

	test("carries pictures", () => {
		expect(message([{ image: { format: "jpeg", source: { bytes: "AA==" } } }]).images).toEqual([
			{ type: "image_url", image_url: { url: "data:image/jpeg;base64,AA==" } },
		]);
	});
});

describe("citations", () => {
	const web = { title: "T", location: { web: { url: "https://e.com/a", domain: "e.com" } } };
	const page = {
		title: "D",
		sourceContent: [{ text: "q" }],
		location: { documentPage: { documentIndex: 0, start: 1, end: 2 } },
	};
	const expected = {
		content: "Intro. Cited. End.",
		annotations: [
			{ type: "url_citation", url_citation: { url: "https://e.com/a", title: "T", start_index: 7, end_index: 13 } },
		],
		citations: [{ ...page, start_index: 7, end_index: 13 }],
	};

	test("of the web are annotations, all others keep their own fields, and the text counts", () => {
		expect(
			message([
				{ text: "Intro. " },
				{ citationsContent: { content: [{ text: "Cit" }, { text: "ed." }], citations: [web, page] } },
				{ text: " End." },
			]),
		).toMatchObject(expected as never);
	});

	test("are told before the finish of a stream, at the same places", () => {
		const said = play(translate({}), [
			delta(0, { text: "Intro. " }),
			delta(1, { text: "Cit" }),
			delta(1, { citation: web }),
			delta(1, { text: "ed." }),
			delta(1, { citation: page }),
			["contentBlockStop", { contentBlockIndex: 1 }],
			delta(2, { text: " End." }),
			stop(),
		]);
		const { content, ...fields } = expected;
		expect(said.text).toBe(content);
		expect(said.extra).toEqual(fields as never);
		expect(JSON.stringify(said.chunks.at(-1))).toContain('"finish_reason":"stop"');
	});
});

describe("a stream", () => {
	test("says the role, the text, one finish, the usage and the end, in this order", () => {
		const said = play(
			translate({}, { stream: true }),
			[
				["messageStart", { role: "assistant", p: "abc" }],
				delta(0, { text: "H" }),
				delta(0, { text: "i" }),
				stop(),
				usage,
			],
			false,
		);
		expect(said.chunks.map((chunk) => at(chunk, "choices", 0, "delta") ?? "usage")).toEqual([
			{ role: "assistant", content: "", refusal: null },
			{ content: "H" },
			{ content: "i" },
			{},
			"usage",
		]);
		expect(said).toMatchObject({ finishes: ["stop"], done: 1 });
		expect(readTokenUsage(said.usage)).toMatchObject({ input: 3, output: 4 });
	});

	test.each<[string, Events, { finishes: number; done: number; counted: boolean }]>([
		["usage before the finish", [delta(0, { text: "a" }), usage, stop()], { finishes: 1, done: 1, counted: true }],
		["no usage", [delta(0, { text: "a" }), stop()], { finishes: 1, done: 1, counted: false }],
		["usage, but no finish", [delta(0, { text: "a" }), usage], { finishes: 0, done: 0, counted: false }],
		["nothing at all", [], { finishes: 0, done: 0, counted: false }],
		[
			"words after the end",
			[delta(0, { text: "a" }), stop(), usage, delta(0, { text: "b" }), stop()],
			{ finishes: 1, done: 1, counted: true },
		],
	])("with %s", (_, events, { finishes, done, counted }) => {
		const said = play(translate({}), events);
		expect(said.finishes.length).toBe(finishes);
		expect(said.done).toBe(done);
		expect(said.usage !== undefined).toBe(counted);
		expect(said.text).toBe(events.length === 0 ? "" : "a");
	});

	test("gives calls in order, `{}` for one without arguments, whether its block was closed or not", () => {
		const start = (index: number, toolUse: JsonObject): [string, unknown] => [
			"contentBlockStart",
			{ contentBlockIndex: index, start: { toolUse } },
		];
		const said = play(translate({ tools: [calling("f")] }), [
			start(1, { toolUseId: "1", name: "f" }),
			start(2, { toolUseId: "2", name: "g" }),
			delta(2, { toolUse: { input: '{"a":' } }),
			delta(1, { toolUse: { input: "" } }),
			delta(2, { toolUse: { input: "1}" } }),
			start(3, { toolUseId: "3", name: "nova_grounding", type: "server_tool_use" }),
			delta(3, { toolUse: { input: '{"q":1}' } }),
			stop("tool_use"),
		]);
		expect(said.calls).toEqual([
			{ id: "1", name: "f", arguments: "{}" },
			{ id: "2", name: "g", arguments: '{"a":1}' },
		]);
		expect(said.finishes).toEqual(["tool_calls"]);
	});

	test("passes over events and blocks it does not know, and goes on after what is no JSON", () => {
		const stream = translate({}).openStream();
		const told = [
			{ name: "initial-response", data: "{}" },
			{ name: "somethingNew", data: '{"a":1}' },
			{ name: "somethingEmpty", data: "" },
			{ name: "somethingElse", data: "no JSON" },
			{ name: "contentBlockStart", data: '{"contentBlockIndex":0,"start":{"hologram":{}}}' },
			{ name: "contentBlockDelta", data: '{"contentBlockIndex":0,"delta":{"hologram":"x"}}' },
			{ name: "contentBlockDelta", data: '{"contentBlockIndex":0}' },
			{ name: "contentBlockDelta", data: '{"contentBlockIndex":1,"delta":{"text":"a"}}' },
			{ name: "messageStop", data: '{"stopReason":"end_turn"}' },
		].flatMap((event) => stream.step(event) as never[]);
		expect(fold(told)).toMatchObject({ text: "a", finishes: ["stop"] });
		const other = translate({}).openStream();
		expect(other.step({ name: "contentBlockDelta", data: "{" })).toBe("malformed");
		expect(fold(other.step({ name: "contentBlockDelta", data: '{"delta":{"text":"a"}}' }) as never[]).text).toBe("a");
	});

	test("loses no call whose place another one takes before it was closed", () => {
		const start = (toolUseId: string): [string, unknown] => [
			"contentBlockStart",
			{ contentBlockIndex: 0, start: { toolUse: { toolUseId, name: "c" } } },
		];
		const said = play(translate({ tools: [{ type: "custom", custom: { name: "c" } }] }), [
			start("1"),
			delta(0, { toolUse: { input: '{"input":"one"}' } }),
			start("2"),
			delta(0, { toolUse: { input: '{"input":"two"}' } }),
			stop("tool_use"),
		]);
		expect(said.calls).toEqual([
			{ id: "1", name: "c", arguments: "one" },
			{ id: "2", name: "c", arguments: "two" },
		]);
	});

	test("that has finished stays finished when its usage fails to come", () => {
		const failure: [string, unknown] = ["exception", { __type: "InternalServerException", message: "M" }];
		const said = play(translate({}), [delta(0, { text: "a" }), stop(), failure]);
		expect(said).toMatchObject({ text: "a", finishes: ["stop"], done: 1 });
		expect(said.error).toBeUndefined();
	});

	test("to a client of the old words is its first call alone", () => {
		const start = (index: number, name: string): [string, unknown] => [
			"contentBlockStart",
			{ contentBlockIndex: index, start: { toolUse: { toolUseId: `${index}`, name } } },
		];
		const said = play(translate({ functions: [{ name: "f" }, { name: "g" }] }), [
			start(0, "f"),
			delta(0, { toolUse: { input: '{"a":1}' } }),
			start(1, "g"),
			delta(1, { toolUse: { input: '{"b":2}' } }),
			start(2, "h"),
			stop("tool_use"),
		]);
		const told = said.chunks.flatMap((chunk) => at(chunk, "choices", 0, "delta", "function_call") ?? []);
		expect(told).toEqual([{ name: "f", arguments: "" }, { arguments: '{"a":1}' }]);
		expect(said.finishes).toEqual(["function_call"]);
	});

	test("reads events that are named by their payload", () => {
		const said = play(translate({}), [
			["", { contentBlockDelta: { contentBlockIndex: 0, delta: { text: "a" } } }],
			["", { messageStop: { stopReason: "end_turn" } }],
		]);
		expect(said).toMatchObject({ text: "a", finishes: ["stop"], done: 1 });
	});

	test("puts the pieces of a picture together", () => {
		const said = play(translate({}), [
			["contentBlockStart", { contentBlockIndex: 0, start: { image: { format: "png" } } }],
			delta(0, { image: { source: { bytes: "AA==" } } }),
			delta(0, { image: { source: { bytes: "AQ==" } } }),
			stop(),
		]);
		expect(said.extra.images).toEqual([{ type: "image_url", image_url: { url: "data:image/png;base64,AAE=" } }]);
	});

	test.each([
		["throttlingException", 429],
		["modelStreamErrorException", 502],
		["internalServerException", 500],
		["serviceUnavailableException", 503],
		["validationException", 400],
		["modelTimeoutException", 408],
		["somethingNewException", 500],
	])("tells %s as the last thing it says", (name, status) => {
		const type = name.charAt(0).toUpperCase() + name.slice(1);
		for (const failure of [
			["exception", { __type: name, message: "M" }],
			[name, { message: "M" }],
			["", { [name]: { message: "M" } }],
		] as Events) {
			const said = play(translate({}), [delta(0, { text: "a" }), failure, delta(0, { text: "b" }), stop(), usage]);
			expect(said).toMatchObject({ text: "a", error: { status, type, message: "M" }, finishes: [], done: 0 });
		}
	});

	test("that brings nothing but what Bedrock could not read is a failure", () => {
		const said = play(translate({}, { model: GPT_OSS }), [["messageStart", {}], stop("malformed_tool_use")]);
		expect(said).toMatchObject({ error: { status: 502, code: "malformed_tool_use" }, finishes: [], done: 0 });
	});
});

describe("a failure", () => {
	test.each<[JsonObject, number | undefined, { status: number; type?: string; code?: string; message: string }]>([
		[{ message: "M" }, 400, { status: 400, message: "M" }],
		[{ Message: "User is not authorized" }, 403, { status: 403, message: "User is not authorized" }],
		[
			{ message: "Input is too long for requested model." },
			400,
			{ status: 400, code: "context_length_exceeded", message: "Input is too long for requested model." },
		],
		[
			{
				__type: "ValidationException",
				message: "The model returned the following errors: prompt is too long: 210000 tokens > 200000 maximum",
			},
			400,
			{
				status: 400,
				type: "ValidationException",
				code: "context_length_exceeded",
				message: "The model returned the following errors: prompt is too long: 210000 tokens > 200000 maximum",
			},
		],
		[
			{
				__type: "com.amazon.coral.service#ThrottlingException",
				message: "Too many tokens, please wait before trying again.",
			},
			429,
			{
				status: 429,
				type: "ThrottlingException",
				code: "rate_limit_exceeded",
				message: "Too many tokens, please wait before trying again.",
			},
		],
		[
			{ __type: "ServiceQuotaExceededException", message: "M" },
			400,
			{ status: 429, type: "ServiceQuotaExceededException", code: "insufficient_quota", message: "M" },
		],
		[
			{ __type: "ModelErrorException", message: "M", originalStatusCode: 500 },
			424,
			{ status: 502, type: "ModelErrorException", message: "M" },
		],
		[{ message: "M" }, 424, { status: 502, message: "M" }],
		[
			{ __type: "ModelNotReadyException", message: "M" },
			429,
			{ status: 429, type: "ModelNotReadyException", message: "M" },
		],
		[
			{ __type: "ModelTimeoutException", message: "M" },
			408,
			{ status: 408, type: "ModelTimeoutException", message: "M" },
		],
		[
			{ __type: "AccessDeniedException", message: "M" },
			undefined,
			{ status: 403, type: "AccessDeniedException", message: "M" },
		],
		[
			{ __type: "ResourceNotFoundException", message: "M" },
			404,
			{ status: 404, type: "ResourceNotFoundException", code: "model_not_found", message: "M" },
		],
		[
			{ __type: "UnrecognizedClientException", message: "M" },
			403,
			{ status: 403, type: "UnrecognizedClientException", message: "M" },
		],
		[
			{ __type: "ExpiredTokenException", message: "M" },
			undefined,
			{ status: 403, type: "ExpiredTokenException", message: "M" },
		],
		[
			{ __type: "InvalidSignatureException:http://internal.amazon.com/coral/", message: "M" },
			403,
			{ status: 403, type: "InvalidSignatureException", message: "M" },
		],
		[
			{ message: "Too many tokens per day, please wait before trying again." },
			429,
			{
				status: 429,
				code: "insufficient_quota",
				message: "Too many tokens per day, please wait before trying again.",
			},
		],
		[{}, 500, { status: 500, message: "The provider gave no reason." }],
		[{ message: { nested: true } }, 503, { status: 503, message: "The provider gave no reason." }],
	])("in AWS's words: %j with %p", (body, status, expected) => {
		expect(translate({}).readFault(body, status)).toMatchObject(expected);
		expect(translate({}).readFault(body, status).code).toBe(expected.code);
	});

	test("is short, whatever AWS writes", () => {
		expect(translate({}).readFault({ message: "x".repeat(9_999) }, 400).message.length).toBe(2_000);
	});
});
