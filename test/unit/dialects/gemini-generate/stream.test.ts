import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../../src/lib/json-types.ts";
import { collected, FLASH_3, HELLO, list, obj, sse, streamedText, target, translate } from "./support.ts";

const STREAMING = { ...HELLO, stream: true };

function run(documents: readonly unknown[], request: JsonObject = {}) {
	return streamedText(translate({ ...STREAMING, ...request }), sse(documents));
}

function piece(parts: JsonObject[], fields: JsonObject = {}, rest: JsonObject = {}): JsonObject {
	return { candidates: [{ content: { role: "model", parts }, index: 0, ...fields }], responseId: "r1", ...rest };
}

const STOP = { finishReason: "STOP" };

describe("the end", () => {
	test("comes when the provider closes the stream: finish, usage, [DONE]", () => {
		const usageMetadata = { promptTokenCount: 3, candidatesTokenCount: 2 };
		const stream = translate(STREAMING).openStream();
		const said = stream.step({ name: "", data: JSON.stringify(piece([{ text: "Hi" }], STOP, { usageMetadata })) });
		expect(JSON.stringify(said)).not.toContain('finish_reason\\":\\"');
		const end = stream.end().map(({ data }) => data);
		expect(end).toHaveLength(3);
		expect(JSON.parse(String(end[0]))).toMatchObject({ choices: [{ delta: {}, finish_reason: "stop" }] });
		expect(JSON.parse(String(end[1]))).toMatchObject({
			choices: [],
			usage: { prompt_tokens: 3, completion_tokens: 2 },
		});
		expect(end[2]).toBe("[DONE]");
		expect(stream.end()).toEqual([]);
		expect(stream.step({ name: "", data: JSON.stringify(piece([{ text: "more" }])) })).toEqual([]);
	});

	test("an older stream gives a reason in every event and is read to its end", () => {
		const whole = collected(run([piece([{ text: "a" }], STOP), piece([{ text: "b" }], STOP)]));
		expect(whole.choices).toMatchObject([{ finish_reason: "stop", finishes: 1, message: { content: "ab" } }]);
	});

	test("the last reason and the last count are the ones that hold", () => {
		const counts = [
			{ promptTokenCount: 95, thoughtsTokenCount: 1 },
			{ trafficType: "ON_DEMAND" },
			{ promptTokenCount: 189, candidatesTokenCount: 4, thoughtsTokenCount: 7 },
			{ trafficType: "ON_DEMAND" },
		];
		const documents = counts.map((usageMetadata) => piece([{ text: "x" }], STOP, { usageMetadata }));
		const whole = collected(run([...documents, piece([], { finishReason: "MAX_TOKENS" })]));
		expect(whole.choices[0]?.finish_reason).toBe("length");
		expect(whole.usage).toMatchObject({ prompt_tokens: 189, completion_tokens: 11 });
	});

	test("usage may come after the finish, and what a later count leaves out an earlier one has said", () => {
		const documents = [
			piece([{ text: "x" }], STOP, { usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 1 } }),
			{ usageMetadata: { candidatesTokenCount: 2, thoughtsTokenCount: 7 } },
			{ usageMetadata: { promptTokenCount: 6, candidatesTokenCount: null } },
			{ usageMetadata: null },
		];
		expect(collected(run(documents)).usage).toMatchObject({ prompt_tokens: 6, completion_tokens: 9 });
	});

	test("a reason that says nothing ends nothing", () => {
		const unsaid = piece([{ text: "a" }], { finishReason: "FINISH_REASON_UNSPECIFIED" });
		expect(collected(run([unsaid])).done).toBe(false);
		expect(collected(run([unsaid, piece([], STOP)]))).toMatchObject({
			done: true,
			choices: [{ finish_reason: "stop" }],
		});
		expect(run([{ promptFeedback: { blockReason: "BLOCK_REASON_UNSPECIFIED" } }])).toEqual([]);
	});

	test("a stream without a reason was cut: nothing closes it", () => {
		const events = run([piece([{ text: "a" }]), piece([{ text: "b" }])]);
		expect(collected(events)).toMatchObject({ done: false, choices: [{ finish_reason: null }] });
		expect(run([])).toEqual([]);
		expect(run([{ usageMetadata: { promptTokenCount: 1 } }])).toEqual([]);
	});

	test("one of several candidates without a reason was cut", () => {
		const two = {
			candidates: [
				{ index: 0, content: { parts: [{ text: "a" }] }, ...STOP },
				{ index: 1, content: { parts: [] } },
			],
		};
		expect(collected(run([two])).done).toBe(false);
		const rest = { candidates: [{ index: 1, content: { parts: [{ text: "b" }] }, ...STOP }] };
		expect(collected(run([two, rest]))).toMatchObject({
			done: true,
			choices: [{ message: { content: "a" } }, { message: { content: "b" }, finish_reason: "stop" }],
		});
	});

	test("a refused prompt ends as content_filter", () => {
		const events = run([{ promptFeedback: { blockReason: "SAFETY" }, usageMetadata: { promptTokenCount: 4 } }]);
		expect(collected(events)).toMatchObject({
			done: true,
			usage: { prompt_tokens: 4, completion_tokens: 0 },
			choices: [{ finish_reason: "content_filter", message: { role: "assistant", content: "", refusal: null } }],
		});
	});
});

describe("failures", () => {
	test("an error in the stream is the last that is said", () => {
		const error = { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" };
		const events = run([piece([{ text: "a" }]), { error }, piece([{ text: "b" }], STOP)]);
		expect(JSON.parse(String(events.at(-1)?.data))).toEqual({
			error: {
				message: "The model is overloaded.",
				type: "service_unavailable",
				param: null,
				code: "UNAVAILABLE",
				status: 503,
			},
		});
	});

	test.each([{ error: "The model is overloaded." }, { object: "error", message: "The model is overloaded." }])(
		"%j is an error as well",
		(document) => {
			const events = run([piece([{ text: "a" }]), document, piece([{ text: "b" }], STOP)]);
			expect(JSON.parse(String(events.at(-1)?.data))).toMatchObject({ error: { message: "The model is overloaded." } });
		},
	);

	const botched = { finishReason: "MALFORMED_FUNCTION_CALL", finishMessage: "Malformed function call: f(" };
	const usageMetadata = { promptTokenCount: 5, thoughtsTokenCount: 90 };

	test("a generation that failed before its first word says only so, that another may take its place", () => {
		for (const failed of [botched, { finishReason: "OTHER" }]) {
			const said = run([piece([], failed, { usageMetadata })]).map(({ json }) => obj(json));
			expect(said).toHaveLength(2);
			expect(said[0]).toMatchObject({ choices: [{ delta: { role: "assistant" }, finish_reason: null }] });
			expect(said[1]).toMatchObject({ error: { code: failed.finishReason, status: 502 } });
		}
	});

	test.each([
		["words", { text: "Let me call it." }],
		["a call", { functionCall: { name: "f", args: {} } }],
		["thinking", { text: "Hm", thought: true }],
	])("a generation that failed after %s tells what it cost and breaks off", (_what, part) => {
		const said = run([piece([part]), piece([], botched, { usageMetadata })]).map(({ json }) => obj(json));
		expect(said.at(-2)).toMatchObject({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 90 } });
		expect(said.at(-1)).toEqual({
			error: {
				message: "Malformed function call: f(",
				type: "upstream_error",
				param: null,
				code: "MALFORMED_FUNCTION_CALL",
				status: 502,
				kind: "generation_failed",
			},
		});
		expect(JSON.stringify(said)).not.toContain('"finish_reason":"');
	});

	test("an error in a list", () => {
		const stream = translate(STREAMING).openStream();
		const events = stream.step({ name: "", data: JSON.stringify([{ error: { code: 429, message: "Slow down" } }]) });
		expect(events).toMatchObject([{ data: expect.stringContaining('"status":429') }]);
	});

	test.each(["{oops", "", "12", '"text"', "[]"])("%j is malformed, and the stream goes on", (data) => {
		const stream = translate(STREAMING).openStream();
		expect(stream.step({ name: "", data })).toBe("malformed");
		expect(stream.step({ name: "", data: JSON.stringify(piece([{ text: "a" }], STOP)) })).toHaveLength(2);
		expect(stream.end().at(-1)?.data).toBe("[DONE]");
	});

	test("documents unknown here say nothing", () => {
		const whole = collected(run([{ novelty: 1 }, piece([{ text: "a" }, { novelty: {} }], STOP), { novelty: 2 }]));
		expect(whole).toMatchObject({ done: true, choices: [{ message: { content: "a" } }] });
	});

	test("documents without the blank lines between them are read one by one", () => {
		const stream = translate(STREAMING).openStream();
		const data = [piece([{ text: "a" }]), piece([{ text: "b" }], STOP)].map((one) => JSON.stringify(one)).join("\n");
		expect(stream.step({ name: "", data })).toHaveLength(3);
	});
});

describe("what comes before the finish", () => {
	test("seals, images and sources", () => {
		const groundingMetadata = {
			groundingChunks: [{ web: { uri: "https://a.org", title: "A" } }],
			groundingSupports: [{ segment: { endIndex: 2 }, groundingChunkIndices: [0] }],
		};
		const events = run([
			piece([{ text: "Hmm", thought: true }]),
			piece([{ text: "ab" }], { groundingMetadata: {} }),
			piece([{ inlineData: { mimeType: "image/png", data: "AA==" } }]),
			piece([{ text: "", thoughtSignature: "S" }], { ...STOP, groundingMetadata }),
		]);
		const deltas = events.slice(0, -1).map(({ data }) => obj(obj(list(obj(JSON.parse(data)).choices)[0]).delta));
		expect(deltas.map((delta) => Object.keys(delta).join())).toEqual([
			"role,content,refusal",
			"reasoning_content",
			"content",
			"images",
			"reasoning_details",
			"annotations",
			"",
		]);
		expect(deltas[4]?.reasoning_details).toEqual([
			{ type: "reasoning.text", format: "google-gemini-v1", index: 0, text: "Hmm" },
			{ type: "reasoning.encrypted", format: "google-gemini-v1", index: 1, data: "S" },
		]);
	});

	test("sound and logprobs piece by piece", () => {
		const sound = (bytes: string) => ({
			inlineData: { mimeType: "audio/wav", data: Buffer.from(bytes).toString("base64") },
		});
		const logprobsResult = { chosenCandidates: [{ token: "a", logProbability: -1 }] };
		const whole = collected(
			run([piece([sound("ab")]), piece([sound("c")]), piece([{ text: "a" }], { ...STOP, logprobsResult })]),
		);
		expect(obj(whole.choices[0]?.message).audio).toMatchObject({ data: Buffer.from("abc").toString("base64") });
		expect(whole.choices[0]?.logprobs).toMatchObject({ content: [{ token: "a", logprob: -1 }] });
	});
});

describe("calls in pieces", () => {
	const begin = (name: string) => piece([{ functionCall: { name, willContinue: true } }]);
	const more = (...partialArgs: JsonObject[]) => piece([{ functionCall: { partialArgs, willContinue: true } }]);
	const end = piece([{ functionCall: {} }]);
	const args = (documents: readonly JsonObject[]) => {
		const calls = list(obj(collected(run([...documents, piece([], STOP)])).choices[0]?.message).tool_calls);
		return calls.map((call) => String(obj(call.function).arguments));
	};
	const text = (jsonPath: string, stringValue: string, willContinue = false) => ({
		jsonPath,
		stringValue,
		...(willContinue ? { willContinue } : {}),
	});

	test("every kind of leaf, nested, in the order of the model", () => {
		const documents = [
			begin("f"),
			more(text("$.a", "Bos", true)),
			more(text("$.a", 'ton "x"\n', true), text("$.a", "")),
			more({ jsonPath: "$.b.c[0]", numberValue: 1.5 }, { jsonPath: "$.b.c[1].d", boolValue: true }),
			more({ jsonPath: "$.b.e", nullValue: "NULL_VALUE" }, text("$['f g']", "h")),
			end,
		];
		expect(args(documents)).toEqual(['{"a":"Boston \\"x\\"\\n","b":{"c":[1.5,{"d":true}],"e":null},"f g":"h"}']);
	});

	test("fragments are told as they come", () => {
		const stream = translate(STREAMING).openStream();
		const step = (document: JsonObject) => JSON.stringify(stream.step({ name: "", data: JSON.stringify(document) }));
		step(begin("f"));
		expect(step(more(text("$.a", "Bos", true)))).toContain("Bos");
		expect(step(more(text("$.a", "ton", true)))).toContain("ton");
	});

	test("two calls, one without arguments", () => {
		expect(args([begin("f"), end, begin("g"), more(text("$.a", "1")), end])).toEqual(["{}", '{"a":"1"}']);
	});

	test("a call that the next one or the end finds open is closed", () => {
		expect(args([begin("f"), more(text("$.a", "1", true)), begin("g"), more(text("$.b", "2", true))])).toEqual([
			'{"a":"1"}',
			'{"b":"2"}',
		]);
	});

	test("leaves out of turn are all there", () => {
		const documents = [
			begin("f"),
			more(
				text("$.a.x", "1"),
				text("$.b", "2"),
				text("$.a.y", "3"),
				text("$.l[0]", "4"),
				text("$.c", "5"),
				text("$.l[1]", "6"),
			),
			more(text("$.a.z", "lo", true)),
			more(text("$.a.z", "ng", true), text("$.a.z", "er")),
			end,
		];
		expect(JSON.parse(String(args(documents)[0]))).toEqual({
			a: { x: "1", y: "3", z: "longer" },
			b: "2",
			c: "5",
			l: ["4", "6"],
		});
	});

	test("names that mean something to JavaScript mean nothing here", () => {
		const [json] = args([begin("f"), more(text("$.__proto__.x", "1"), text("$.a[999999999]", "2")), end]);
		expect(String(json)).toContain('"__proto__":{"x":"1"}');
		expect(JSON.parse(String(json)).a).toEqual(["2"]);
		expect(Object.prototype).not.toHaveProperty("x");
	});

	test("a custom tool's text comes at once", () => {
		const tools = [{ type: "custom", custom: { name: "sql" } }];
		const documents = [
			begin("sql"),
			more(text("$.input", "select", true)),
			more(text("$.input", " 1")),
			end,
			piece([], STOP),
		];
		const message = obj(collected(run(documents, { tools })).choices[0]?.message);
		expect(message.tool_calls).toEqual([
			{ id: "call_a1_0", type: "custom", custom: { name: "sql", input: "select 1" } },
		]);
	});
});

test("a stream and a whole answer are told apart by nothing but the way they come", () => {
	expect(target(FLASH_3).stream).toBe(false);
	const translation = translate(STREAMING);
	const answer = piece([{ text: "a" }], STOP, { usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1 } });
	const whole = obj(translation.whole(answer));
	const streamed = collected(streamedText(translation, sse([answer])));
	expect(obj(streamed.choices[0]?.message)).toEqual(obj(list(whole.choices)[0]?.message));
	expect(streamed.usage).toEqual(whole.usage);
});
