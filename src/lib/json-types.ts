/** A parsed JSON value whose shape nobody has promised yet. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

/** An open JSON object: known fields are read by name, unknown ones live on. */
export interface JsonObject {
	[key: string]: JsonValue | undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
