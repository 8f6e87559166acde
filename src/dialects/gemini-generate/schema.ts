import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/** No tool's schema is nested deeper; what is goes through as it came. */
const DEPTH_MAX = 64;
/** Characters of schema that references may be written out to, lest a small schema grow without end. */
const WRITTEN_OUT_MAX = 1_000_000;

interface Walk {
	readonly root: JsonObject;
	/** The references being written out: one of them again is a cycle, and stays a reference. */
	readonly within: readonly string[];
	readonly depth: number;
	readonly count: { writtenOut: number; readonly sizes: Map<string, number> };
}

/**
 * A JSON schema as Gemini takes it in `parametersJsonSchema` and `responseJsonSchema`: JSON Schema by and large, so that
 * unions, references and `additionalProperties` go through. What it does not know is said in words that it knows: a
 * reference with fields beside it or to elsewhere than `$defs` is written out, an `allOf` of one is what it holds, `const`
 * is an `enum` of one, an open bound on integers a closed one.
 * https://ai.google.dev/gemini-api/docs/structured-output#json_schema_support
 */
export function geminiSchema(schema: JsonObject): JsonObject {
	const { $schema: _dialect, ...given } = schema;
	const root = withoutReference(withoutWrapper(given));
	const walk: Walk = { root, within: [], depth: 0, count: { writtenOut: 0, sizes: new Map() } };
	return rewrite(root, walk);
}

/** A schema that is a reference as a whole (zod writes such) is what it refers to. */
function withoutReference(schema: JsonObject): JsonObject {
	const { $ref: reference, ...rest } = schema;
	const target = typeof reference === "string" ? resolve(schema, reference) : undefined;
	return target === undefined || target.$ref !== undefined ? schema : { ...rest, ...target };
}

/** The same for the parameters of a function, which are an object; undefined for one that takes nothing. */
export function parametersSchema(schema: JsonObject | undefined): JsonObject | undefined {
	if (schema === undefined) {
		return undefined;
	}
	const written = geminiSchema(schema);
	const typed = written.type === undefined ? { ...written, type: "object" } : written;
	return takesNothing(typed) ? undefined : typed;
}

const COMPOSED = ["anyOf", "oneOf", "allOf", "$ref", "patternProperties"] as const;

function takesNothing(schema: JsonObject): boolean {
	const { properties, additionalProperties } = schema;
	const named = isJsonObject(properties) ? Object.keys(properties).length : 0;
	const isOpen = additionalProperties === true || isJsonObject(additionalProperties);
	return schema.type === "object" && named === 0 && !isOpen && COMPOSED.every((name) => schema[name] === undefined);
}

/** Keywords that hold schemas by name. */
const NAMED_SCHEMAS = new Set(["properties", "$defs", "definitions", "patternProperties"]);
/** Keywords that hold a schema or a list of them. */
const SCHEMAS = new Set(["items", "prefixItems", "anyOf", "oneOf", "allOf", "not", "additionalProperties"]);

function rewrite(schema: JsonObject, walk: Walk): JsonObject {
	if (walk.depth > DEPTH_MAX) {
		return schema;
	}
	const plain = withoutWrapper(schema);
	const writtenOut = writeOut(plain, walk);
	if (writtenOut !== undefined) {
		return writtenOut;
	}
	const deeper = { ...walk, depth: walk.depth + 1 };
	const fields = Object.entries(plain).map(([name, value]): [string, JsonValue | undefined] => {
		if (NAMED_SCHEMAS.has(name) && isJsonObject(value)) {
			const named = Object.entries(value).map(([key, inner]) => [key, rewriteValue(inner, deeper)] as const);
			return [name, Object.fromEntries(named)];
		}
		return SCHEMAS.has(name) ? [name, rewriteValue(value, deeper)] : [name, value];
	});
	return inKnownWords(Object.fromEntries(fields));
}

function rewriteValue(value: JsonValue | undefined, walk: Walk): JsonValue | undefined {
	if (Array.isArray(value)) {
		return value.map((entry) => (isJsonObject(entry) ? rewrite(entry, walk) : entry));
	}
	return isJsonObject(value) ? rewrite(value, walk) : value;
}

/** `allOf` of one, by which older tools put a description beside a reference. Gemini does not know the word. */
function withoutWrapper(schema: JsonObject): JsonObject {
	const { allOf, ...beside } = schema;
	const [only, ...others] = Array.isArray(allOf) ? allOf : [];
	if (!isJsonObject(only) || others.length > 0 || Object.keys(only).some((name) => beside[name] !== undefined)) {
		return schema;
	}
	return { ...only, ...beside };
}

/**
 * Beside `$ref` Gemini takes nothing but other `$` fields; pydantic and zod put descriptions and defaults there. Of places
 * to refer to it names `$defs` and the root.
 */
function writeOut(schema: JsonObject, walk: Walk): JsonObject | undefined {
	const { $ref: reference, ...beside } = schema;
	if (typeof reference !== "string") {
		return undefined;
	}
	const isKnownPlace = reference === "#" || reference.startsWith("#/$defs/");
	if (isKnownPlace && Object.keys(beside).every((name) => name.startsWith("$"))) {
		return undefined;
	}
	const target = walk.within.includes(reference) ? undefined : resolve(walk.root, reference);
	if (target === undefined) {
		return { $ref: reference };
	}
	const { count } = walk;
	const size = count.sizes.get(reference) ?? JSON.stringify(target).length;
	count.sizes.set(reference, size);
	count.writtenOut += size;
	if (count.writtenOut > WRITTEN_OUT_MAX) {
		return { $ref: reference };
	}
	return rewrite({ ...target, ...beside }, { ...walk, within: [...walk.within, reference], depth: walk.depth + 1 });
}

/** `#/$defs/City`. References to elsewhere are nobody's to resolve. */
function resolve(root: JsonObject, reference: string): JsonObject | undefined {
	if (!reference.startsWith("#/")) {
		return undefined;
	}
	let found: JsonValue | undefined = root;
	for (const step of reference.slice(2).split("/")) {
		const name = decoded(step).replaceAll("~1", "/").replaceAll("~0", "~");
		found = isJsonObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
	}
	return isJsonObject(found) ? found : undefined;
}

function decoded(step: string): string {
	try {
		return decodeURIComponent(step);
	} catch {
		return step;
	}
}

function inKnownWords(schema: JsonObject): JsonObject {
	const { const: only, exclusiveMinimum, exclusiveMaximum, ...rest } = schema;
	const written: JsonObject = rest;
	if (only !== undefined) {
		if (typeof only === "string" || typeof only === "number") {
			written.enum = [only];
		} else {
			written.const = only;
		}
	}
	const isWhole = schema.type === "integer";
	if (isWhole && typeof exclusiveMinimum === "number" && written.minimum === undefined) {
		written.minimum = Math.floor(exclusiveMinimum) + 1;
	} else if (exclusiveMinimum !== undefined) {
		written.exclusiveMinimum = exclusiveMinimum;
	}
	if (isWhole && typeof exclusiveMaximum === "number" && written.maximum === undefined) {
		written.maximum = Math.ceil(exclusiveMaximum) - 1;
	} else if (exclusiveMaximum !== undefined) {
		written.exclusiveMaximum = exclusiveMaximum;
	}
	return written;
}
