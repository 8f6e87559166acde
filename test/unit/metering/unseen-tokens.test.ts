import { describe, expect, test } from "bun:test";
import { IMAGE_TOKENS_MAX } from "../../../src/dialects/prompt-size.ts";
import { type UnseenRequest, unseenTokensMax } from "../../../src/metering/unseen-tokens.ts";

function unseen(request: Partial<UnseenRequest>): number {
	return unseenTokensMax(
		{ model: "gpt-5", hasTools: false, providerTools: [], images: 0, ...request },
		IMAGE_TOKENS_MAX,
	);
}

/** What is counted for the tools of any model, before it is known who is asked (dialects/prompt-size.ts). */
const TOOLS_COUNTED = 450;

describe("what a provider adds unseen is reserved", () => {
	test.each(["claude-opus-4-7", "anthropic.claude-sonnet-4-6-v1:0", "anthropic/claude-haiku-4.5"])(
		"%s is told how to call tools, however it is reached",
		(model) => {
			// The dearest of Anthropic's own table: Opus 4.7 with `any`.
			expect(TOOLS_COUNTED + unseen({ model, hasTools: true })).toBeGreaterThanOrEqual(804);
			expect(unseen({ model })).toBe(0);
		},
	);

	test("other models are told within what is counted for all", () => {
		expect(unseen({ hasTools: true })).toBe(0);
	});

	test.each([
		["bash_20250124", 245],
		["text_editor_20250728", 700],
		["computer_20250124", 735 + 499],
		["computer_toolset_20260801", 4_590],
		["browser_toolset_20260801", 6_670 + 880],
		["a_tool_of_tomorrow", 1_000],
	])("%s takes at least the %d tokens of its definition", (type, least) => {
		expect(unseen({ hasTools: true, providerTools: [type] })).toBeGreaterThanOrEqual(least);
		expect(unseen({ hasTools: true, providerTools: [type, type] })).toBe(
			2 * unseen({ hasTools: true, providerTools: [type] }),
		);
	});

	test.each([
		["gpt-4o-mini", 2_833 + 8 * 5_667],
		["gpt-4o-mini-2024-07-18", 2_833 + 8 * 5_667],
		["gpt-5.4", 10_000 * 1.2],
		["gpt-5.5-2026-04-23", 10_000 * 1.2],
		["openai/gpt-5.6-sol", 30_000 * 1.2],
		["gpt-image-1", 6_240 + 65 + 4 * 129],
	])("an image may take %s %d tokens", (model, least) => {
		expect(unseen({ model, images: 3 })).toBeGreaterThanOrEqual(3 * (least - IMAGE_TOKENS_MAX));
		expect(unseen({ model })).toBe(0);
	});

	test.each(["gpt-4o", "gpt-4.1-nano", "gpt-5", "gpt-5.4-mini", "gpt-5.4-nano", "claude-opus-4-7", "gemini-3-pro"])(
		"the bound of every model is enough for an image of %s",
		(model) => {
			expect(unseen({ model, images: 5 })).toBe(0);
		},
	);
});
