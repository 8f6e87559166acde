import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { substitute } from "../../../src/config/substitute.ts";

const ENVIRONMENT = { A: "one", B: "two", EMPTY: "", DOLLARS: "$$ ${A}" };

describe("substitute", () => {
	test.each([
		["plain", "plain", false],
		["", "", false],
		["${A}", "one", true],
		["x${A}y${B}z", "xoneytwoz", false],
		["${A:-other}", "one", true],
		["${NONE:-other}", "other", true],
		["${NONE:-}", "", true],
		["${EMPTY:-other}", "other", true],
		["${EMPTY}", "", true],
		["${NONE:-a:b/c ${A}", "a:b/c ${A", true],
		["$$", "$", false],
		["$${A}", "${A}", false],
		["$$${A}", "$one", false],
		["costs $5 and $A", "costs $5 and $A", false],
		["$", "$", false],
		["${DOLLARS}", "$$ ${A}", true],
	])("%p gives %p", (text, expected, whole) => {
		expect(substitute(text, ENVIRONMENT)).toEqual({ kind: "text", text: expected, whole });
	});

	test("names each unset variable once", () => {
		expect(substitute("${X}${Y}${X}", ENVIRONMENT)).toEqual({ kind: "unset", variables: ["X", "Y"], whole: false });
		expect(substitute("${X}", ENVIRONMENT)).toEqual({ kind: "unset", variables: ["X"], whole: true });
	});

	test.each(["${", "${}", "${A", "${1A}", "${A-x}", "${A:x}", "a ${ A } b", "${A}${"])("%p is malformed", (text) => {
		expect(substitute(text, ENVIRONMENT).kind).toBe("malformed");
	});

	test("any text survives when its dollars are doubled", () => {
		fc.assert(
			fc.property(fc.string({ unit: "grapheme" }), (text) => {
				expect(substitute(text.replaceAll("$", "$$$$"), {})).toEqual({ kind: "text", text, whole: false });
			}),
		);
	});
});
