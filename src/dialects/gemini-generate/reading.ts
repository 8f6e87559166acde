import type { JsonObject, JsonValue } from "../../lib/json-types.ts";

/** A text that says something. */
export function wordOf(value: JsonValue | undefined): string | undefined {
	return typeof value === "string" && value !== "" ? value : undefined;
}

/** One of Google's reasons. The first of each kind, `…_UNSPECIFIED`, says nothing. */
export function reasonOf(value: JsonValue | undefined): string | undefined {
	const reason = wordOf(value);
	return reason?.endsWith("_UNSPECIFIED") ? undefined : reason;
}

/** The fields that have a value. */
export function given(fields: JsonObject): JsonObject {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}
