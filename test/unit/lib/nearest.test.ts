import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { editDistance, nearest } from "../../../src/lib/nearest.ts";

const PROVIDERS = ["openai", "openai_compatible", "azure", "groq", "mistral", "mock", "xai"];

describe("nearest", () => {
	test.each([
		["opnai", "openai"],
		["opneai", "openai"],
		["OpenAI", "openai"],
		["openai-compatible", "openai_compatible"],
		["azur", "azure"],
		["gorq", "groq"],
		["moc", "mock"],
		["anthropic", undefined],
		["xia", "xai"],
		["x", undefined],
		["", undefined],
		["x".repeat(200), undefined],
	])("%p means %p", (name, expected) => {
		expect(nearest(name, PROVIDERS)).toBe(expected);
	});
});

describe("editDistance", () => {
	test.each([
		["", "", 0],
		["", "abc", 3],
		["kitten", "sitting", 3],
		["ab", "ba", 1],
		["retires", "retries", 1],
	])("from %p to %p takes %p edits", (from, to, edits) => {
		expect(editDistance(from, to)).toBe(edits);
	});

	test("is symmetric, and zero only for equal texts", () => {
		fc.assert(
			fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (left, right) => {
				expect(editDistance(left, right)).toBe(editDistance(right, left));
				expect(editDistance(left, right) === 0).toBe(left === right);
			}),
		);
	});
});
