import { describe, expect, test } from "bun:test";
import { NO_SIGNATURE } from "../../../../src/dialects/gemini-generate/seals.ts";
import type { JsonObject, JsonValue } from "../../../../src/lib/json-types.ts";
import { configOf, contentsOf, droppedOf, FLASH_3, FLASH_25, list } from "./support.ts";

const PRO_25 = "gemini-2.5-pro";
const LITE_25 = "gemini-2.5-flash-lite";
const PRO_3 = "gemini-3-pro-preview";
const PRO_31 = "gemini-3.1-pro-preview";
const FLASH_38 = "gemini-3.8-flash";
const LITE_35 = "gemini-3.5-flash-lite";
const IMAGE = "gemini-3.1-flash-image-preview";

function thinking(fields: JsonObject, model: string): JsonValue | undefined {
	return configOf(fields, model).thinkingConfig;
}

describe("efforts", () => {
	const shown = { includeThoughts: true };
	const rules: readonly (readonly [string, string, JsonObject | undefined, readonly string[]])[] = [
		["minimal", FLASH_25, { thinkingBudget: 1_024, ...shown }, []],
		["low", FLASH_25, { thinkingBudget: 1_024, ...shown }, []],
		["medium", FLASH_25, { thinkingBudget: 8_192, ...shown }, []],
		["high", PRO_25, { thinkingBudget: 24_576, ...shown }, []],
		["xhigh", PRO_25, { thinkingBudget: 32_768, ...shown }, []],
		["max", FLASH_25, { thinkingBudget: 24_576, ...shown }, []],
		["none", FLASH_25, { thinkingBudget: 0 }, []],
		["none", LITE_25, { thinkingBudget: 0 }, []],
		["none", PRO_25, { thinkingBudget: 128 }, ["reasoning_effort"]],
		["auto", FLASH_25, { thinkingBudget: -1, ...shown }, []],
		["wild", FLASH_25, { thinkingBudget: -1, ...shown }, ["reasoning_effort"]],
		["minimal", FLASH_3, { thinkingLevel: "MINIMAL", ...shown }, []],
		["medium", FLASH_3, { thinkingLevel: "MEDIUM", ...shown }, []],
		["minimal", FLASH_38, { thinkingLevel: "LOW", ...shown }, []],
		["minimal", "models/gemini-flash-latest", { thinkingLevel: "LOW", ...shown }, []],
		["minimal", LITE_35, { thinkingLevel: "MINIMAL", ...shown }, []],
		["none", FLASH_38, { thinkingLevel: "LOW" }, ["reasoning_effort"]],
		["none", FLASH_3, { thinkingLevel: "MINIMAL" }, ["reasoning_effort"]],
		["low", PRO_3, { thinkingLevel: "LOW", ...shown }, []],
		["medium", PRO_3, { thinkingLevel: "HIGH", ...shown }, []],
		["medium", PRO_31, { thinkingLevel: "MEDIUM", ...shown }, []],
		["xhigh", `publishers/google/models/${PRO_31}`, { thinkingLevel: "HIGH", ...shown }, []],
		["low", IMAGE, { thinkingLevel: "HIGH", ...shown }, []],
		["high", "gemini-2.0-flash", undefined, ["reasoning_effort"]],
		["none", "gemini-2.0-flash", undefined, []],
		["high", "gemini-2.5-flash-image", undefined, ["reasoning_effort"]],
		["high", "endpoints/123", undefined, ["reasoning_effort"]],
	];
	test.each(rules)("%s on %s", (effort, model, expected, dropped) => {
		expect(thinking({ reasoning_effort: effort }, model)).toEqual(expected);
		expect(droppedOf({ reasoning_effort: effort }, model)).toEqual([...dropped]);
	});
});

describe("the other ways to ask", () => {
	const shown = { includeThoughts: true };
	const rules: readonly (readonly [JsonObject, string, JsonObject | undefined])[] = [
		[{ thinking: { type: "enabled", budget_tokens: 2_000 } }, FLASH_25, { thinkingBudget: 2_000, ...shown }],
		[{ thinking: { type: "enabled", budget_tokens: 10 } }, PRO_25, { thinkingBudget: 128, ...shown }],
		[{ thinking: { type: "enabled", budget_tokens: 10 } }, LITE_25, { thinkingBudget: 512, ...shown }],
		[{ thinking: { type: "enabled", budget_tokens: 99_999 } }, FLASH_25, { thinkingBudget: 24_576, ...shown }],
		[{ thinking: { type: "enabled", budget_tokens: 2_000 } }, FLASH_3, { thinkingBudget: 2_000, ...shown }],
		[{ thinking: { type: "adaptive" } }, FLASH_25, { thinkingBudget: -1, ...shown }],
		[{ thinking: { type: "adaptive" } }, FLASH_3, shown],
		[{ thinking: { type: "disabled" } }, FLASH_25, { thinkingBudget: 0 }],
		[{ reasoning: { effort: "low" } }, FLASH_3, { thinkingLevel: "LOW", ...shown }],
		[{ reasoning: { effort: "low", exclude: true } }, FLASH_3, { thinkingLevel: "LOW" }],
		[{ reasoning: { max_tokens: 3_000 } }, FLASH_25, { thinkingBudget: 3_000, ...shown }],
		[{ reasoning: { enabled: true } }, FLASH_3, shown],
		[{ reasoning: { exclude: true } }, FLASH_3, undefined],
		[{}, FLASH_3, undefined],
	];
	test.each(rules)("%j on %s", (fields, model, expected) => {
		expect(thinking(fields, model)).toEqual(expected);
	});
});

describe("thought signatures go back on what they came with", () => {
	const format = "google-gemini-v1";
	const call = (id: string, extra: JsonObject = {}) => ({
		id,
		type: "function",
		function: { name: "f", arguments: "{}" },
		...extra,
	});
	const signed = (signature: string) => ({ extra_content: { google: { thought_signature: signature } } });

	function modelParts(message: JsonObject, model = FLASH_3, on: "gemini" | "vertex" = "gemini"): JsonObject[] {
		const contents = contentsOf(
			[
				{ role: "user", content: "x" },
				{ role: "assistant", ...message },
			],
			model,
			on,
		);
		return list(list(contents)[1]?.parts);
	}

	const seal = (data: string, id?: string) => ({
		type: "reasoning.encrypted",
		data,
		format,
		...(id === undefined ? {} : { id }),
	});

	test.each([
		["Google's spelling", { tool_calls: [call("a", signed("S"))] }],
		["reasoning details", { tool_calls: [call("a")], reasoning_details: [seal("S", "a")] }],
	])("on a call, in %s", (_name, message) => {
		expect(modelParts(message)).toEqual([{ functionCall: { id: "a", name: "f", args: {} }, thoughtSignature: "S" }]);
	});

	test("each of parallel calls keeps its own", () => {
		const parts = modelParts({
			tool_calls: [call("a"), call("b")],
			reasoning_details: [seal("B", "b"), seal("A", "a")],
		});
		expect(parts.map(({ thoughtSignature }) => thoughtSignature)).toEqual(["A", "B"]);
	});

	test("on text, and on the empty part that a stream ends with", () => {
		expect(modelParts({ content: "Hi", reasoning_details: [seal("T")] })).toEqual([
			{ text: "Hi", thoughtSignature: "T" },
		]);
		expect(modelParts({ content: "", reasoning_details: [seal("1"), seal("2")] })).toEqual([
			{ text: "", thoughtSignature: "1" },
			{ text: "", thoughtSignature: "2" },
		]);
		expect(modelParts({ content: "Hi", ...signed("M") })).toEqual([{ text: "Hi", thoughtSignature: "M" }]);
	});

	test("on thinking and on images", () => {
		const images = [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }];
		const thought = { type: "reasoning.text", text: "Hmm", signature: "H", format };
		expect(modelParts({ content: "Hi", images, reasoning_details: [thought, seal("I", "image_0")] })).toEqual([
			{ text: "Hmm", thought: true, thoughtSignature: "H" },
			{ text: "Hi" },
			{ inlineData: { mimeType: "image/png", data: "AAAA" }, thoughtSignature: "I" },
		]);
	});

	test("records of Google's tools go back whole, but those that Vertex refuses", () => {
		const keep = (part: JsonObject) => seal(Buffer.from(JSON.stringify(part)).toString("base64"), "part");
		const code = { executableCode: { language: "PYTHON", code: "1" } };
		const search = { toolCall: { id: "t", toolType: "GOOGLE_SEARCH" }, thoughtSignature: "G" };
		const message = {
			content: "Hi",
			reasoning_details: [keep(code), keep(search), seal("!", "part"), keep({ text: "no" })],
		};
		expect(modelParts(message)).toEqual([code, search, { text: "Hi" }]);
		expect(modelParts(message, FLASH_3, "vertex")).toEqual([code, { text: "Hi" }]);
	});

	test("thinking without a seal and the seals of others stay here", () => {
		const details = [
			{ type: "reasoning.text", text: "plain", format },
			{ type: "reasoning.text", text: "theirs", signature: "X", format: "anthropic-claude-v1" },
			{ type: "reasoning.encrypted", data: "Y", format: "openai-responses-v1" },
		];
		expect(modelParts({ content: "Hi", reasoning_content: "plain", reasoning_details: details })).toEqual([
			{ text: "Hi" },
		]);
	});

	test("the first call of a step without a signature is sent with Google's stand-in, to models that demand one", () => {
		const message = { tool_calls: [call("a"), call("b")] };
		const signatures = (model: string) => modelParts(message, model).map(({ thoughtSignature }) => thoughtSignature);
		expect(signatures(FLASH_3)).toEqual([NO_SIGNATURE, undefined]);
		expect(signatures("gemini-pro-latest")).toEqual([NO_SIGNATURE, undefined]);
		expect(signatures(FLASH_25)).toEqual([undefined, undefined]);
		const claude = [{ type: "reasoning.text", text: "t", signature: "X", format: "anthropic-claude-v1" }];
		expect(modelParts({ ...message, reasoning_details: claude })[0]?.thoughtSignature).toBe(NO_SIGNATURE);
	});
});
