import { isJsonObject, type JsonObject } from "../lib/json-types.ts";

/** Whether a request for what is kept asks for sealed thinking: it is kept for the next turn, and shown to those who ask. */
export function asksForSeals(query: URLSearchParams): boolean {
	return [...query.getAll("include"), ...query.getAll("include[]")].includes("reasoning.encrypted_content");
}

/** The same item, of thinking without its seal. */
export function withoutSeal<Thing extends JsonObject>(item: Thing): Thing {
	return item.type === "reasoning" && item.encrypted_content !== undefined
		? { ...item, encrypted_content: undefined }
		: item;
}

/** A response as its client saw it: without seals, and without the thinking that was never shown. */
export function withoutSeals(response: JsonObject): JsonObject {
	const { output } = response;
	if (!Array.isArray(output)) {
		return response;
	}
	const shown = output.filter((item) => !isJsonObject(item) || !wasNeverShown(item));
	return { ...response, output: shown.map((item) => (isJsonObject(item) ? withoutSeal(item) : item)) };
}

function wasNeverShown({ type, id }: JsonObject): boolean {
	return type === "reasoning" && typeof id === "string" && id.endsWith("_sealed");
}
