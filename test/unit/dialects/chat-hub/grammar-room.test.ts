import { describe, expect, test } from "bun:test";
import { createGrammarRoom } from "../../../../src/dialects/chat-hub/grammar-room.ts";
import type { JsonObject } from "../../../../src/lib/json-types.ts";

const text = { type: "string" };
const orNull = { anyOf: [text, { type: "null" }] };

/** An object of so many properties. */
function object(count: number, value: JsonObject, required = true): JsonObject {
	const names = Array.from({ length: count }, (_none, index) => `p${index}`);
	const properties = Object.fromEntries(names.map((name) => [name, value]));
	return { type: "object", properties, ...(required ? { required: names } : {}) };
}

describe("the room for grammars", () => {
	test.each<[string, JsonObject, boolean]>([
		["24 values that may be missing", object(24, text, false), true],
		["25 values that may be missing", object(25, text, false), false],
		["16 values of two types", object(16, orNull), true],
		["17 values of two types", object(17, orNull), false],
		["17 lists of types", object(17, { type: ["string", "null"] }), false],
		["values below lists", object(1, { type: "array", items: object(25, text, false) }), false],
		["values below a choice", object(1, { anyOf: [object(25, text, false)] }), false],
		[
			"a definition, wherever it is used",
			{ ...object(3, { $ref: "#/$defs/d" }), $defs: { d: object(9, text, false) } },
			false,
		],
		["a definition that is not used", { ...object(3, text), $defs: { d: object(30, text, false) } }, true],
		["a reference to nothing", object(3, { $ref: "#/$defs/d" }), true],
		["many values that must be there", object(200, text), true],
	])("%s", (_name, schema, fits) => {
		expect(createGrammarRoom().takesAnswer(schema)).toBe(fits);
		expect(createGrammarRoom().takesTool(schema)).toBe(fits);
	});

	test("is one for all schemas of a request; what does not fit takes none of it", () => {
		const room = createGrammarRoom();
		expect(room.takesAnswer(object(10, orNull))).toBe(true);
		expect(room.takesTool(object(7, orNull))).toBe(false);
		expect(room.takesTool(object(6, orNull))).toBe(true);
		expect(room.takesTool(object(1, orNull))).toBe(false);
		expect(room.takesTool(object(1, text))).toBe(true);
	});

	test("holds twenty tools", () => {
		const room = createGrammarRoom();
		const taken = Array.from({ length: 21 }, () => room.takesTool(object(1, text)));
		expect(taken).toEqual([...Array.from({ length: 20 }, () => true), false]);
	});

	test("is measured in no time where definitions multiply", () => {
		const $defs: JsonObject = { d0: object(2, text) };
		for (let index = 1; index < 60; index += 1) {
			$defs[`d${index}`] = object(2, { $ref: `#/$defs/d${index - 1}` });
		}
		expect(createGrammarRoom().takesAnswer({ ...object(1, { $ref: "#/$defs/d59" }), $defs })).toBe(true);
	});
});
