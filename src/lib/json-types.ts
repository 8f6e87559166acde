/** A parsed JSON value whose shape nobody has promised yet. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

/** An open JSON object: known fields are read by name, unknown ones live on. */
export interface JsonObject {
	[key: string]: JsonValue | undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object itself, or an empty one in place of anything else. */
export function objectOf(value: JsonValue | undefined): JsonObject {
	return isJsonObject(value) ? value : {};
}

/** The objects of a list; none where it is no list. */
export function objectsIn(value: JsonValue | undefined): JsonObject[] {
	return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** The text itself, "" in place of anything else. */
export function stringOf(value: JsonValue | undefined): string {
	return typeof value === "string" ? value : "";
}
