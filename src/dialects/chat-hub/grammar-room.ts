import { isJsonObject, type JsonObject, type JsonValue } from "../../lib/json-types.ts";

/** What the grammars of one request to Claude may hold together: more of it is a 400. */
const STRICT_TOOLS_MAX = 20;
const OPTIONAL_MAX = 24;
const UNIONS_MAX = 16;

/** The room left for grammars in one request. What is taken stays taken. */
export interface GrammarRoom {
	/** Whether the schema of the answer still fits. */
	takesAnswer(schema: JsonObject): boolean;
	/** Whether a strict tool still fits. */
	takesTool(schema: JsonObject): boolean;
}

interface Measure {
	/** Properties that may be left out. */
	readonly optional: number;
	/** Values of more than one type. */
	readonly unions: number;
}

const NOTHING: Measure = { optional: 0, unions: 0 };

/** @see https://platform.claude.com/docs/en/build-with-claude/structured-outputs#schema-complexity-limits */
export function createGrammarRoom(): GrammarRoom {
	let tools = 0;
	let taken = NOTHING;

	function takes(schema: JsonObject): boolean {
		const together = sum([taken, measure(schema)]);
		const fits = together.optional <= OPTIONAL_MAX && together.unions <= UNIONS_MAX;
		taken = fits ? together : taken;
		return fits;
	}

	return {
		takesAnswer: takes,
		takesTool(schema) {
			const fits = tools < STRICT_TOOLS_MAX && takes(schema);
			tools += fits ? 1 : 0;
			return fits;
		},
	};
}

/** @param schema One that does not hold itself. A definition counts wherever it is referred to. */
function measure(schema: JsonObject): Measure {
	const known = new Map<string, Measure>();

	function ofReference(reference: string): Measure {
		const [, holder = "", name = ""] = reference.split("/");
		const definitions = schema[holder];
		const found = known.get(reference) ?? (isJsonObject(definitions) ? ofNode(definitions[name]) : NOTHING);
		known.set(reference, found);
		return found;
	}
	function ofNode(node: JsonValue | undefined): Measure {
		if (!isJsonObject(node)) {
			return NOTHING;
		}
		const properties = isJsonObject(node.properties) ? node.properties : {};
		const required = new Set(Array.isArray(node.required) ? node.required : []);
		const optional = Object.keys(properties).filter((name) => !required.has(name)).length;
		const own = { optional, unions: Array.isArray(node.anyOf) || Array.isArray(node.type) ? 1 : 0 };
		const below = [...Object.values(properties), node.items, ...listOf(node.anyOf), ...listOf(node.allOf)];
		const referred = typeof node.$ref === "string" ? ofReference(node.$ref) : NOTHING;
		return sum([own, referred, ...below.map(ofNode)]);
	}
	return ofNode(schema);
}

function sum(measures: readonly Measure[]): Measure {
	return {
		optional: measures.reduce((total, { optional }) => total + optional, 0),
		unions: measures.reduce((total, { unions }) => total + unions, 0),
	};
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
	return Array.isArray(value) ? value : [];
}
