import type { JsonObject } from "../lib/json-types.ts";
import { fieldText, type Multipart } from "../lib/multipart.ts";
import { mustBe } from "./fields.ts";

/**
 * The fields of a form as the JSON they stand for, so that one table of rules serves both. Forms carry text only:
 * numbers and flags are read from it, and an empty field is an absent one.
 * @throws GatewayError 400 naming the field.
 */
export function formFields(
	form: Multipart,
	names: {
		readonly text: readonly string[];
		readonly numbers: readonly string[];
		readonly flags: readonly string[];
	},
): JsonObject {
	const fields: JsonObject = {};
	const given = (name: string): string | undefined => fieldText(form, name) || undefined;
	for (const name of names.text) {
		fields[name] = given(name);
	}
	for (const name of names.numbers) {
		const text = given(name);
		fields[name] = text === undefined ? undefined : Number(text);
	}
	for (const name of names.flags) {
		const text = given(name)?.toLowerCase();
		if (text !== undefined && text !== "true" && text !== "false") {
			throw mustBe(name, "true or false");
		}
		fields[name] = text === undefined ? undefined : text === "true";
	}
	for (const part of form.parts) {
		// A field that no form of OpenAI has is checked by name all the same: `base_url` is refused in any clothes.
		if (!(part.name in fields)) {
			fields[part.name] = "";
		}
	}
	return fields;
}
