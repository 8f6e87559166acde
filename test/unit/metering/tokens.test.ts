import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Tiktoken } from "js-tiktoken/lite";
import o200k from "js-tiktoken/ranks/o200k_base";
import { estimateTokens, promptTokensUpperBound } from "../../../src/metering/tokens.ts";
import { TOKEN_SAMPLES } from "./token-samples.ts";

const encoder = new Tiktoken(o200k);
const exact = (text: string): number => encoder.encode(text, [], []).length;

describe("the upper bound", () => {
	test.each(TOKEN_SAMPLES.map((sample) => [sample.name, sample] as const))(
		"holds for %s",
		(_name, { text, ratioMax }) => {
			const count = exact(text);
			const bound = promptTokensUpperBound(text);
			expect(bound).toBeGreaterThanOrEqual(count);
			expect(bound).toBeLessThanOrEqual(Math.ceil(count * ratioMax) + 2);
		},
	);

	test("holds for this repository's own code", async () => {
		let count = 0;
		let bound = 0;
		for (const file of new Bun.Glob("src/{lib,limits,metering}/*.ts").scanSync(".")) {
			const text = await Bun.file(file).text();
			expect(promptTokensUpperBound(text)).toBeGreaterThanOrEqual(exact(text));
			count += exact(text);
			bound += promptTokensUpperBound(text);
		}
		expect(bound / count).toBeLessThan(1.35);
	});

	test("is a sane number for every text, also for nonsense", () => {
		fc.assert(
			fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
				const bound = promptTokensUpperBound(text);
				expect(bound).toBeGreaterThan(0);
				expect(Number.isSafeInteger(bound)).toBe(true);
			}),
		);
	});

	test("never falls by more than a word's worth when text is added, and adds up over parts", () => {
		fc.assert(
			fc.property(fc.string({ maxLength: 200 }), fc.string({ maxLength: 200 }), (first, second) => {
				const whole = promptTokensUpperBound(first + second);
				const parts = promptTokensUpperBound(first) + promptTokensUpperBound(second);
				expect(whole).toBeGreaterThanOrEqual(promptTokensUpperBound(first) - 1);
				expect(Math.abs(whole - parts)).toBeLessThanOrEqual(4);
			}),
		);
	});

	test("an empty text has a small bound, not none", () => {
		expect(promptTokensUpperBound("")).toBe(2);
	});
});

describe("the fair estimate", () => {
	test("lies close to the count for ordinary text", () => {
		for (const name of ["English story", "English manual", "a long English text", "TypeScript", "Python"]) {
			const text = TOKEN_SAMPLES.find((sample) => sample.name === name)?.text ?? "";
			const ratio = estimateTokens(text) / exact(text);
			expect(ratio).toBeGreaterThan(0.9);
			expect(ratio).toBeLessThan(1.1);
		}
	});

	test("nothing is nothing, anything is at least one", () => {
		expect(estimateTokens("")).toBe(0);
		expect(estimateTokens("a")).toBe(1);
	});
});
