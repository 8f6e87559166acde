import { expect, test } from "bun:test";
import { abilitiesOf } from "../../../src/metering/model-abilities.ts";

test.each([
	["gpt-3.5-turbo-0125", ["tools"]],
	["gpt-4", ["tools"]],
	["gpt-4-turbo", ["tools", "images"]],
	["gpt-4o-2024-05-13", ["tools", "images", "audio"]],
	["o3-mini", ["tools", "json_schema"]],
	["o1-mini-2024-09-12", []],
] as const)("what %s cannot do is known", (model, abilities) => {
	expect(abilitiesOf("openai", model)).toEqual([...abilities]);
});

test.each([
	["openai", "gpt-4o"],
	["openai", "gpt-5.1"],
	["openai", "ft:gpt-4:acme"],
	["azure", "gpt-4"],
	["anthropic", "claude-3-opus"],
])("nothing is known to be missing of %s %s", (catalogue, model) => {
	expect(abilitiesOf(catalogue, model)).toBeUndefined();
});
