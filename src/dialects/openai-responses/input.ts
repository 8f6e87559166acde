import { badRequest } from "../../lib/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";
import { mustBe } from "../fields.ts";
import { checkAddresses } from "../media-url.ts";
import { mediaKind } from "../prompt-size.ts";

/** What items need of a model. */
export interface ItemNeeds {
	images: boolean;
	audio: boolean;
}

/**
 * Checks a list of items and notes what they need of a model. Kinds of items come and go, so unknown ones pass; only
 * addresses in them and their media are read.
 * @throws GatewayError 400 naming the item.
 */
export function checkItems(items: readonly JsonValue[], param: string): ItemNeeds {
	const needs: ItemNeeds = { images: false, audio: false };
	for (let index = 0; index < items.length; index += 1) {
		const item = items[index];
		if (!isJsonObject(item)) {
			throw mustBe(`${param}[${index}]`, "an object");
		}
		checkItem(item, `${param}[${index}]`, needs);
	}
	return needs;
}

function checkItem(item: JsonObject, param: string, needs: ItemNeeds): void {
	for (const field of ["content", "output"]) {
		const parts = item[field];
		if (!Array.isArray(parts)) {
			continue;
		}
		for (let index = 0; index < parts.length; index += 1) {
			const part = parts[index];
			const kind = isJsonObject(part) ? mediaKind(part.type) : undefined;
			if (isJsonObject(part) && kind !== undefined) {
				note(kind, needs);
				checkAddresses(part, `${param}.${field}[${index}]`);
			}
		}
	}
	if (item.role !== undefined && item.content === undefined) {
		throw badRequest(`The field '${param}.content' is required.`, `${param}.content`);
	}
	const output = item.output;
	if (isJsonObject(output) && mediaKind(output.type) !== undefined) {
		note("image", needs);
		checkAddresses(output, `${param}.output`);
	}
}

function note(kind: "image" | "audio" | "file", needs: ItemNeeds): void {
	needs.images ||= kind === "image";
	needs.audio ||= kind === "audio";
}
