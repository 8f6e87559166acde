import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { IMAGE_TOKENS_MAX, promptSize } from "../../../src/dialects/prompt-size.ts";
import type { JsonObject } from "../../../src/lib/json-types.ts";
import { promptTokensUpperBound } from "../../../src/metering/tokens.ts";

const size = (json: JsonObject) => promptSize(json, promptTokensUpperBound);
const user = (content: JsonObject["x"]): JsonObject => ({ model: "m", messages: [{ role: "user", content }] });
const base64 = (bytes: number): string => Buffer.alloc(bytes, 7).toString("base64");

const PROSE =
	"The harbour was quiet that morning, and the fishermen who had gathered on the pier spoke in low voices about the weather, " +
	"the price of diesel, and the strange lights that some of them had seen beyond the breakwater during the night. ";

describe("the bound of a prompt", () => {
	test("lies a little above the bound of its prose", () => {
		const content = PROSE.repeat(40);
		const least = promptTokensUpperBound(content);
		expect(size(user(content)).tokensMax).toBeGreaterThanOrEqual(least + 7);
		expect(size(user(content)).tokensMax).toBeLessThan(least + 40);
	});

	test("is the same however the text is spelled, since it reads what is meant", () => {
		fc.assert(
			fc.property(fc.string({ unit: "grapheme" }), (content) => {
				const escaped = JSON.stringify(user(content)).replace(
					/[^ -~]/g,
					(unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
				);
				expect(size(JSON.parse(escaped))).toEqual(size(user(content)));
			}),
		);
	});

	test("grows with everything a model is shown", () => {
		const text = PROSE.repeat(4);
		const least = promptTokensUpperBound(text);
		const plain = size(user("hi")).tokensMax;
		for (const extra of [
			{
				messages: [
					{ role: "user", content: "hi" },
					{
						role: "assistant",
						content: null,
						tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: text } }],
					},
				],
			},
			{ messages: [{ role: "user", content: "hi", name: text }] },
			{ messages: [{ role: "assistant", content: "hi", reasoning_content: text }] },
			{ messages: [{ role: "user", content: [{ type: "text", text }] }] },
			{ tools: [{ type: "function", function: { name: "f", description: text } }] },
			{ response_format: { type: "json_schema", json_schema: { name: "s", schema: { description: text } } } },
			{ instructions: text },
			{ input: [{ role: "user", content: [{ type: "input_text", text }] }] },
			{ input: [{ type: "function_call_output", call_id: "1", output: text }] },
			{ a_field_of_tomorrow: text },
		]) {
			expect(size({ ...user("hi"), ...extra }).tokensMax).toBeGreaterThanOrEqual(plain + least - 10);
		}
	});

	test("does not grow with what no model is shown", () => {
		const text = PROSE.repeat(4);
		const extra = { user: text, metadata: { a: text }, stop: [text], logit_bias: { "1": 2 }, seed: 5, stream: true };
		expect(size({ ...user("hi"), ...extra })).toEqual(size(user("hi")));
	});
});

describe("media in a prompt", () => {
	const plain = size(user([])).tokensMax;
	const added = (part: JsonObject): number => size(user([part])).tokensMax - plain;

	test("an image costs a fixed bound, whatever its bytes", () => {
		for (const url of ["https://example.com/a.png", `data:image/png;base64,${base64(500_000)}`]) {
			const part = { type: "image_url", image_url: { url, detail: "high" } };
			expect(size(user([part])).images).toBe(1);
			expect(added(part)).toBeGreaterThanOrEqual(IMAGE_TOKENS_MAX);
			expect(added(part)).toBeLessThan(IMAGE_TOKENS_MAX + 50);
		}
		const input = [
			{ role: "user", content: [{ type: "input_image", image_url: `data:image/png;base64,${base64(9_000)}` }] },
		];
		expect(size({ input })).toMatchObject({ images: 1 });
	});

	test("a sound costs by its bytes and its format", () => {
		const sound = (format: string) => added({ type: "input_audio", input_audio: { data: base64(160_000), format } });
		// Ten seconds of 16 kHz speech: 320 tokens at 32 a second; coded at 16 kbit/s the same bytes are 80 seconds.
		expect(sound("wav")).toBeGreaterThanOrEqual(320);
		expect(sound("mp3")).toBeGreaterThanOrEqual(2_560);
		expect(sound("mp3")).toBeLessThan(6_000);
	});

	test("a file costs by its bytes up to a window, and its text exactly", () => {
		const file = (data: string) => added({ type: "file", file: { filename: "a", file_data: data } });
		expect(file(`data:application/pdf;base64,${base64(320_000)}`)).toBeGreaterThan(20_000);
		expect(file(`data:application/pdf;base64,${base64(8_000_000)}`)).toBeLessThan(101_000);
		const text = PROSE.repeat(200);
		const encoded = file(`data:text/plain;base64,${Buffer.from(text).toString("base64")}`);
		expect(encoded).toBeGreaterThanOrEqual(promptTokensUpperBound(text));
		expect(encoded).toBeLessThan(promptTokensUpperBound(text) + 100);
	});

	test("words beside a payload are words, and a schema that speaks of files is no file", () => {
		const words = PROSE.repeat(100);
		const least = promptTokensUpperBound(words);
		expect(added({ type: "document", source: { type: "base64", data: "AAAA" }, context: words })).toBeGreaterThan(
			least,
		);
		const schema = { type: "file", file_id: "x", data: words };
		const tools = [{ type: "function", function: { name: "f", parameters: schema } }];
		expect(size({ ...user("hi"), tools }).tokensMax).toBeGreaterThan(least);
	});
});

describe("what files may take beyond what is counted for them", () => {
	const fileOf = (file: JsonObject) => size(user([{ type: "file", file }])).fileTokens;

	test("500 kB of a PDF may be 125,000 tokens: with what is counted that is covered", () => {
		const part = { file_data: `data:application/pdf;base64,${base64(500_000)}` };
		expect(size(user([{ type: "file", file: part }])).tokensMax + fileOf(part)).toBeGreaterThan(125_000);
	});

	test("a file that is only named by an address or an id may take any number", () => {
		expect(fileOf({ file_id: "file-abc123" })).toBe(Number.POSITIVE_INFINITY);
		expect(size(user([{ type: "input_file", file_url: "https://example.com/a.pdf" }])).fileTokens).toBe(
			Number.POSITIVE_INFINITY,
		);
	});

	test("a text is counted as what it says, images and audio by their own bounds", () => {
		expect(fileOf({ file_data: `data:text/plain;base64,${base64(9_000)}` })).toBe(0);
		expect(size(user([{ type: "image_url", image_url: { url: "https://example.com/a.png" } }])).fileTokens).toBe(0);
		expect(size(user([{ type: "input_audio", input_audio: { data: base64(9_000), format: "mp3" } }])).fileTokens).toBe(
			0,
		);
	});
});
