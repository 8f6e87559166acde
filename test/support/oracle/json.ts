/** JSON of a provider, read field by field: what is not there, or is something else, is empty. */
export type Json = Readonly<Record<string, unknown>>;

const NOTHING: Json = Object.freeze({});

export function parseJson(text: string): Json {
	return object(JSON.parse(text));
}

export function object(value: unknown): Json {
	// Narrowed to an object on the line itself.
	return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : NOTHING;
}

export function objects(value: unknown): Json[] {
	return Array.isArray(value) ? value.map(object) : [];
}

export function text(value: unknown): string {
	return typeof value === "string" ? value : "";
}

export function number(value: unknown): number | undefined {
	return typeof value === "number" ? value : undefined;
}
