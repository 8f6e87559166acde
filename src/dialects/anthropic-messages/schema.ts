import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/** A JSON schema as structured outputs take it. */
export interface ClosedSchema {
	readonly schema: JsonObject;
	/** Keywords that are only advice there (`minimum`): they stand in the description instead. */
	readonly softened: readonly string[];
}

/** @see https://platform.claude.com/docs/en/build-with-claude/structured-outputs (section "JSON schema limitations") */
const KEPT: ReadonlySet<string> = new Set([
	"type",
	"required",
	"enum",
	"const",
	"default",
	"title",
	"description",
	"$ref",
]);
/** Say nothing about a value. */
const SILENT: ReadonlySet<string> = new Set([
	"$schema",
	"$id",
	"$comment",
	"examples",
	"deprecated",
	"readOnly",
	"writeOnly",
]);
const FORMATS: ReadonlySet<string> = new Set([
	"date-time",
	"time",
	"date",
	"duration",
	"email",
	"hostname",
	"uri",
	"ipv4",
	"ipv6",
	"uuid",
]);
/** What no closed schema says. Two closed objects, as in `allOf`, have no value in common. */
const IMPOSSIBLE: ReadonlySet<string> = new Set(["allOf", "patternProperties", "$dynamicRef"]);
const DEFINITIONS = ["$defs", "definitions"] as const;
const DEFINITION = /^#\/(\$defs|definitions)\/([^/~%]+)$/;

/**
 * Closes every object of a schema, as Anthropic demands, and moves what it does not enforce into descriptions. What the
 * closed schema allows, the given one allows too. undefined where closing would change what is asked for (maps of any
 * keys, objects of any shape, schemas that hold themselves): such a schema has to be asked for in another way.
 */
export function closeSchema(given: JsonObject): ClosedSchema | undefined {
	if (!isObjectSchema(given) || holdsItself(given)) {
		return undefined;
	}
	const softened = new Set<string>();
	const schema = closeNode(given, softened);
	return schema === undefined ? undefined : { schema, softened: [...softened] };
}

/** Whether it describes one object, and not a choice of several. */
export function isObjectSchema(schema: JsonObject): boolean {
	const isObject = schema.type === "object" || (schema.type === undefined && isJsonObject(schema.properties));
	return isObject && !isComposed(schema);
}

function isComposed({ anyOf, oneOf, allOf }: JsonObject): boolean {
	return anyOf !== undefined || oneOf !== undefined || allOf !== undefined;
}

/** A schema that is nothing but a reference to one of its definitions, as generators write them, as that definition. */
export function withoutRootReference(schema: JsonObject): JsonObject {
	const [, holder, name] = typeof schema.$ref === "string" ? (DEFINITION.exec(schema.$ref) ?? []) : [];
	const definitions = holder === undefined ? undefined : schema[holder];
	const definition = isJsonObject(definitions) && name !== undefined ? definitions[name] : undefined;
	const { $ref: _reference, ...rest } = schema;
	return isJsonObject(definition) && definition.$ref === undefined ? { ...rest, ...definition } : schema;
}

function closeNode(given: JsonObject, softened: Set<string>): JsonObject | undefined {
	const node = withoutLoneAllOf(given);
	const closed: JsonObject = {};
	const advice: string[] = [];
	for (const [keyword, value] of Object.entries(node)) {
		if (value === undefined || SILENT.has(keyword) || keyword === "additionalProperties") {
			continue;
		}
		if (KEPT.has(keyword) || isEnforced(keyword, value)) {
			closed[keyword] = value;
			continue;
		}
		const nested = closeNested(keyword, value, softened);
		if (nested === "impossible") {
			return undefined;
		}
		if (nested !== undefined) {
			closed[keyword === "oneOf" ? "anyOf" : keyword] = nested;
			continue;
		}
		softened.add(keyword);
		advice.push(`${keyword}: ${JSON.stringify(value)}`);
	}
	if (advice.length > 0) {
		const before = typeof node.description === "string" ? `${node.description} ` : "";
		closed.description = `${before}(${advice.join(", ")})`;
	}
	return closeObject(node, closed);
}

/** Generators wrap a reference so, to write something beside it. Anthropic takes no reference in `allOf`. */
function withoutLoneAllOf({ allOf, ...rest }: JsonObject): JsonObject {
	const [only, ...others] = Array.isArray(allOf) ? allOf : [];
	return isJsonObject(only) && others.length === 0
		? { ...only, ...rest }
		: { ...rest, ...(allOf === undefined ? {} : { allOf }) };
}

function closeObject(node: JsonObject, closed: JsonObject): JsonObject | undefined {
	const types = Array.isArray(node.type) ? node.type : [node.type];
	if (!types.includes("object") && !isJsonObject(node.properties)) {
		return closed;
	}
	const properties = isJsonObject(node.properties) ? Object.keys(node.properties).length : 0;
	if (properties === 0 && (isComposed(node) || node.$ref !== undefined)) {
		// Each of the schemas it is made of is closed: closed by itself it would allow nothing.
		const { type: _object, properties: _none, ...rest } = closed;
		return node.type === "object" || node.type === undefined ? rest : undefined;
	}
	const isOpen = isJsonObject(node.additionalProperties) || node.additionalProperties === true;
	if (isComposed(node) || isOpen || (properties === 0 && node.additionalProperties !== false)) {
		return undefined;
	}
	return { ...closed, additionalProperties: false };
}

function isEnforced(keyword: string, value: JsonValue): boolean {
	if (keyword === "format") {
		return typeof value === "string" && FORMATS.has(value);
	}
	return keyword === "minItems" && (value === 0 || value === 1);
}

/** The schemas below a keyword; undefined where it holds none. */
function closeNested(keyword: string, value: JsonValue, softened: Set<string>): JsonValue | undefined | "impossible" {
	if (keyword === "properties" || keyword === "$defs" || keyword === "definitions") {
		return isJsonObject(value) ? closeMap(value, softened) : undefined;
	}
	if (keyword === "items" && isJsonObject(value)) {
		return closeNode(value, softened) ?? "impossible";
	}
	if ((keyword === "anyOf" || keyword === "oneOf") && Array.isArray(value)) {
		const closed = value.map((entry) => (isJsonObject(entry) ? closeNode(entry, softened) : entry));
		return closed.every((entry) => entry !== undefined) ? closed : "impossible";
	}
	return IMPOSSIBLE.has(keyword) ? "impossible" : undefined;
}

function closeMap(schemas: JsonObject, softened: Set<string>): JsonObject | "impossible" {
	const closed: JsonObject = {};
	for (const [name, schema] of Object.entries(schemas)) {
		const node = isJsonObject(schema) ? closeNode(schema, softened) : schema;
		if (node === undefined) {
			return "impossible";
		}
		closed[name] = node;
	}
	return closed;
}

/** Whether a definition refers to itself, or the schema refers to its root or to something elsewhere. */
function holdsItself(schema: JsonObject): boolean {
	const references = new Map<string, readonly string[]>();
	for (const holder of DEFINITIONS) {
		const definitions = schema[holder];
		for (const [name, definition] of Object.entries(isJsonObject(definitions) ? definitions : {})) {
			references.set(`#/${holder}/${name}`, referencesIn(definition));
		}
	}
	const open = new Set<string>();
	const done = new Set<string>();
	function isCircular(reference: string): boolean {
		if (done.has(reference)) {
			return false;
		}
		const next = references.get(reference);
		if (next === undefined || open.has(reference)) {
			return true;
		}
		open.add(reference);
		const circular = next.some(isCircular);
		open.delete(reference);
		done.add(reference);
		return circular;
	}
	return referencesIn(schema).some(isCircular);
}

function referencesIn(value: JsonValue | undefined): string[] {
	if (Array.isArray(value)) {
		return value.flatMap(referencesIn);
	}
	if (!isJsonObject(value)) {
		return [];
	}
	const own = typeof value.$ref === "string" ? [value.$ref] : [];
	return [...own, ...Object.values(value).flatMap(referencesIn)];
}
