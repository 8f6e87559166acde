import { isJsonObject, type JsonObject, type JsonValue, objectOf } from "../../lib/json-types.ts";

/**
 * What the grammar of AWS knows. A schema that says more (`minimum`, `pattern` with lookaheads, recursion, …) is refused
 * with a 400, so it is not sent as a grammar.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
const KNOWN_KEYWORDS: ReadonlySet<string> = new Set([
	"$schema",
	"$id",
	"$comment",
	"$defs",
	"$ref",
	"additionalProperties",
	"allOf",
	"anyOf",
	"const",
	"default",
	"definitions",
	"description",
	"enum",
	"examples",
	"format",
	"items",
	"properties",
	"required",
	"title",
	"type",
]);

/** Any other place may be one that the reference stands in. */
const DEFINITION = /^#\/(?:\$defs|definitions)\/[^/~%]+$/;

/**
 * The schema as a grammar takes it: every object closed. undefined where the grammar cannot say it.
 * Closing an object that was left open narrows what may be answered: every such answer keeps to the schema as it was.
 */
export function closedSchema(schema: JsonObject): JsonObject | undefined {
	return refersToItself(schema) ? undefined : closed(schema);
}

/** Whether every object in the schema is closed already, so that it binds as it is. */
export function isClosedSchema(schema: JsonObject): boolean {
	const wanted = closedSchema(schema);
	return wanted !== undefined && JSON.stringify(wanted) === JSON.stringify(schema);
}

function closed(schema: JsonObject): JsonObject | undefined {
	const result: JsonObject = {};
	for (const [keyword, value] of Object.entries(schema)) {
		const kept = closedKeyword(keyword, value);
		if (kept === undefined) {
			return undefined;
		}
		result[keyword] = kept;
	}
	const isObject = schema.type === "object" || (Array.isArray(schema.type) && schema.type.includes("object"));
	return isObject || schema.properties !== undefined ? { ...result, additionalProperties: false } : result;
}

function closedKeyword(keyword: string, value: JsonValue | undefined): JsonValue | undefined {
	if (!KNOWN_KEYWORDS.has(keyword) || value === undefined) {
		return undefined;
	}
	switch (keyword) {
		case "properties":
		case "$defs":
		case "definitions":
			return isJsonObject(value) ? closedMap(value) : undefined;
		case "anyOf":
		case "allOf":
			return Array.isArray(value) ? closedList(value) : undefined;
		case "items":
			return isJsonObject(value) ? closed(value) : undefined;
		case "additionalProperties":
			return value === false ? false : undefined;
		case "$ref":
			return typeof value === "string" && DEFINITION.test(value) ? value : undefined;
		default:
			return value;
	}
}

function closedMap(map: JsonObject): JsonObject | undefined {
	const result: JsonObject = {};
	for (const [name, schema] of Object.entries(map)) {
		const kept = isJsonObject(schema) ? closed(schema) : undefined;
		if (kept === undefined) {
			return undefined;
		}
		result[name] = kept;
	}
	return result;
}

function closedList(list: readonly JsonValue[]): JsonValue | undefined {
	const kept = list.map((schema) => (isJsonObject(schema) ? closed(schema) : undefined));
	return kept.every((schema) => schema !== undefined) ? kept : undefined;
}

/** Recursion has no end in a grammar. Every `$ref` is looked at by its name, whoever may reach it. */
function refersToItself(schema: JsonObject): boolean {
	const definitions = { ...objectOf(schema.definitions), ...objectOf(schema.$defs) };
	const uses = new Map(Object.entries(definitions).map(([name, value]) => [name, refsIn(value)] as const));
	return [...uses.keys()].some((name) => reaches(name, name, uses, new Set()));
}

function reaches(
	from: string,
	wanted: string,
	uses: ReadonlyMap<string, ReadonlySet<string>>,
	seen: Set<string>,
): boolean {
	for (const next of uses.get(from) ?? []) {
		if (next === wanted) {
			return true;
		}
		if (!seen.has(next)) {
			seen.add(next);
			if (reaches(next, wanted, uses, seen)) {
				return true;
			}
		}
	}
	return false;
}

/** Names of the definitions that a schema refers to. */
function refsIn(value: JsonValue | undefined, found: Set<string> = new Set()): ReadonlySet<string> {
	if (Array.isArray(value)) {
		for (const entry of value) {
			refsIn(entry, found);
		}
	} else if (isJsonObject(value)) {
		if (typeof value.$ref === "string") {
			found.add(value.$ref.split("/").at(-1) ?? "");
		}
		for (const entry of Object.values(value)) {
			refsIn(entry, found);
		}
	}
	return found;
}

/**
 * The schema of a tool's arguments as Bedrock demands it: its root is an object. undefined where it is something else.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolInputSchema.html
 */
export function objectSchema(schema: JsonObject | undefined): JsonObject | undefined {
	if (schema === undefined || Object.keys(schema).length === 0) {
		return { type: "object", properties: {} };
	}
	if (schema.type === "object") {
		return schema;
	}
	const isObjectOrNull = Array.isArray(schema.type) && schema.type.includes("object");
	return schema.type === undefined || schema.type === null || isObjectOrNull
		? { ...schema, type: "object" }
		: undefined;
}
