import { describe, expect, test } from "bun:test";
import { unseal } from "../../../../src/dialects/responses-over-chat/reasoning.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { call, chunk, finish, kinds, output, streamed, streamFaults, WITH_SEALS } from "./rig.ts";

describe("what else a model says", () => {
	const THINKING: readonly [string, JsonObject[]][] = [
		["reasoning_content", [chunk({ reasoning_content: "Hm" })]],
		["reasoning", [chunk({ reasoning: "H" }), chunk({ reasoning: "m" })]],
		["both at once", [chunk({ reasoning: "Hm", reasoning_content: "Hm" })]],
		["details alone", [chunk({ reasoning_details: [{ type: "reasoning.summary", summary: "Hm" }] })]],
		["details beside", [chunk({ reasoning: "Hm", reasoning_details: [{ type: "reasoning.text", text: "Hm" }] })]],
		[
			"details at the end",
			[
				chunk({ reasoning_content: "Hm" }),
				chunk({ reasoning_details: [{ type: "reasoning.text", text: "Hm", signature: "s" }] }),
			],
		],
		["parts of the content", [chunk({ content: [{ type: "thinking", thinking: [{ type: "text", text: "Hm" }] }] })]],
	];
	test.each(THINKING)("thinking as %s is told once", (_, chunks) => {
		const said = streamed([...chunks, chunk({ content: "Hi" }), finish("stop")]);
		expect(output(said)[0]).toMatchObject({
			type: "reasoning",
			summary: [{ type: "summary_text", text: "Hm" }],
			content: [],
		});
		expect(output(said)).toHaveLength(2);
		expect(output(said)[0]?.encrypted_content).toBeUndefined();
		expect(streamFaults(said)).toEqual([]);
	});

	test("a refusal", () => {
		const said = streamed([chunk({ role: "assistant", refusal: "N" }), chunk({ refusal: "o." }), finish("stop")]);
		expect(output(said)).toMatchObject([{ content: [{ type: "refusal", refusal: "No." }] }]);
		expect(streamFaults(said)).toEqual([]);
	});

	test("text and then a refusal are two parts of one message", () => {
		const said = streamed([chunk({ content: "Well" }), chunk({ refusal: "No." }), finish("stop")]);
		expect(output(said)).toMatchObject([
			{
				content: [
					{ type: "output_text", text: "Well" },
					{ type: "refusal", refusal: "No." },
				],
			},
		]);
		expect(streamFaults(said)).toEqual([]);
	});

	test("log probabilities, in the shape that clients check", () => {
		const entry = {
			token: "Hi",
			logprob: -0.1,
			bytes: null,
			top_logprobs: [{ token: "Hi", logprob: -0.1, bytes: [72] }],
		};
		const said = streamed(
			[
				chunk({ content: "Hi" }, { logprobs: { content: [entry], refusal: null } }),
				chunk({ content: "!" }, { logprobs: null }),
				finish("stop"),
			],
			{ top_logprobs: 1 },
		);
		expect(output(said)).toMatchObject([{ content: [{ text: "Hi!", logprobs: [{ ...entry, bytes: [] }] }] }]);
		expect(streamFaults(said)).toEqual([]);
	});

	const CITED = {
		type: "url_citation",
		url_citation: { url: "https://e.example", title: "E", start_index: 0, end_index: 2 },
	};
	const FLAT = { type: "url_citation", url: "https://e.example", title: "E", start_index: 0, end_index: 2 };
	test.each([
		["after the text", [chunk({ content: "Hi" }), chunk({ annotations: [CITED] })], true],
		["before the text", [chunk({ annotations: [FLAT] }), chunk({ content: "Hi" })], true],
		[
			"after the text was closed",
			[chunk({ content: "Hi" }), call(0, { id: "a", name: "f", arguments: "{}" }), chunk({ annotations: [CITED] })],
			false,
		],
	] as const)("citations %s", (_, chunks, told) => {
		const said = streamed([...chunks, finish("stop")]);
		expect(output(said)[0]).toMatchObject({ content: [{ text: "Hi", annotations: [FLAT] }] });
		expect(said.types.includes("response.output_text.annotation.added")).toBe(told);
		expect(streamFaults(said)).toEqual([]);
	});

	test("citations without an address, and what Perplexity found", () => {
		const said = streamed([
			{
				...chunk({ content: "Hi", citations: [{ document_index: 0, start_index: 0, end_index: 2 }] }),
				citations: ["https://e.example"],
			},
			finish("stop"),
		]);
		expect(output(said)).toMatchObject([{ content: [{ citations: [{ document_index: 0 }] }] }]);
		expect(said.response.citations).toEqual(["https://e.example"]);
	});

	test("a picture", () => {
		const said = streamed([
			chunk({ content: "Here" }),
			chunk({ images: [{ type: "image_url", image_url: { url: "data:image/jpeg;base64,AA==" } }] }),
			finish("stop"),
		]);
		expect(output(said)[1]).toEqual({
			id: "ig_01ANSWER_1",
			type: "image_generation_call",
			status: "completed",
			result: "AA==",
			output_format: "jpeg",
		});
		expect(streamFaults(said)).toEqual([]);
	});

	test("other choices than the first are none of ours", () => {
		const said = streamed([
			{
				choices: [
					{ index: 1, delta: { content: "no" } },
					{ index: 0, delta: { content: "Hi" } },
				],
			},
			finish("stop"),
		]);
		expect(output(said)).toMatchObject([{ content: [{ text: "Hi" }] }]);
	});

	test("a whole message in place of deltas, or beside them", () => {
		const whole = { choices: [{ message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }] };
		expect(output(streamed([whole]))).toMatchObject([{ content: [{ text: "Hi" }] }]);
		const repeated = [
			chunk({ content: "H" }, { message: { content: "H" } }),
			chunk({ content: "i" }, { message: { content: "Hi" } }),
			whole,
		];
		expect(output(streamed(repeated))).toMatchObject([{ content: [{ text: "Hi" }] }]);
	});

	const STRANGE: readonly JsonValue[] = [
		null,
		5,
		"x",
		[],
		[null],
		{},
		[{}],
		[[[]]],
		{ type: 5 },
		[{ type: "text", text: 5 }],
		true,
	];
	test("nothing strange throws or loses the rest", () => {
		const fields = [
			"content",
			"reasoning",
			"reasoning_content",
			"reasoning_details",
			"tool_calls",
			"function_call",
			"annotations",
			"citations",
			"images",
			"audio",
			"refusal",
			"role",
		];
		for (const field of fields) {
			for (const value of STRANGE.filter((entry) => typeof entry !== "string")) {
				const said = streamed([chunk({ [field]: value }), chunk({ content: "Hi" }), finish("stop")], WITH_SEALS);
				expect(said.types.at(-1)).toBe("response.completed");
				expect(JSON.stringify(output(said))).toContain("Hi");
			}
		}
		for (const value of STRANGE) {
			const broken = [
				{ choices: value },
				{ choices: [value] },
				chunk({}, { delta: value }),
				{ usage: value, choices: [] },
				chunk({}, { logprobs: value }),
			];
			expect(streamed([...broken, chunk({ content: "Hi" }), finish("stop")]).types.at(-1)).toBe("response.completed");
		}
	});
});

describe("sealed thinking in a stream", () => {
	const DETAIL = { type: "reasoning.text", text: "Hm", signature: "sig", format: "anthropic-claude-v1", index: 0 };

	test("closes the item only when the seal has come, and stands first", () => {
		const said = streamed(
			[
				chunk({ reasoning_content: "Hm" }),
				chunk({ content: "Hi" }),
				chunk({ reasoning_details: [DETAIL] }),
				finish("stop"),
			],
			WITH_SEALS,
		);
		expect(streamFaults(said)).toEqual([]);
		expect(kinds(said)).toEqual(["reasoning", "message"]);
		expect(unseal(output(said)[0]?.encrypted_content)).toEqual({ reasoning_details: [DETAIL] });
		const done = said.json.find((event) => event.type === "response.output_item.done" && event.output_index === 0);
		expect(done?.item).toEqual(output(said)[0] ?? null);
	});

	test("in pieces, as OpenRouter sends them, comes back whole", () => {
		const piece = (fields: JsonObject) =>
			chunk({ reasoning_details: [{ type: "reasoning.text", format: "anthropic-claude-v1", index: 0, ...fields }] });
		const said = streamed(
			[
				piece({ text: "H", signature: "" }),
				piece({ text: "m" }),
				piece({ signature: "sig" }),
				chunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "x", index: 1, id: "t1" }] }),
				chunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "y", index: 1, id: "t2" }] }),
				chunk({ content: "Hi" }),
				finish("stop"),
			],
			WITH_SEALS,
		);
		expect(unseal(output(said)[0]?.encrypted_content)).toEqual({
			reasoning_details: [
				DETAIL,
				{ type: "reasoning.encrypted", data: "x", index: 1, id: "t1" },
				{ type: "reasoning.encrypted", data: "y", index: 1, id: "t2" },
			],
		});
		expect(output(said)[0]).toMatchObject({ summary: [{ text: "Hm" }] });
	});

	test("that was never shown is an item of its own", () => {
		const hidden = chunk({
			reasoning_details: [{ type: "reasoning.encrypted", data: "x", format: "google-gemini-v1", index: 0 }],
		});
		const first = streamed([hidden, chunk({ content: "Hi" }), finish("stop")], WITH_SEALS);
		expect(kinds(first)).toEqual(["reasoning", "message"]);
		const last = streamed([chunk({ content: "Hi" }), hidden, finish("length")], WITH_SEALS);
		expect(kinds(last)).toEqual(["message", "reasoning"]);
		expect(output(last).map(({ status }) => status)).toEqual(["incomplete", "completed"]);
		expect(kinds(streamed([hidden, chunk({ content: "Hi" }), finish("stop")]))).toEqual(["message"]);
		for (const said of [first, last]) {
			expect(streamFaults(said)).toEqual([]);
		}
	});

	test.each(["reasoning_content", "reasoning"])(
		"without a seal goes back under the provider's own name: %s",
		(field) => {
			const said = streamed(
				[chunk({ [field]: "H" }), chunk({ [field]: "m" }), chunk({ content: "Hi" }), finish("stop")],
				WITH_SEALS,
			);
			expect(unseal(output(said)[0]?.encrypted_content)).toEqual({ [field]: "Hm" });
		},
	);
});
