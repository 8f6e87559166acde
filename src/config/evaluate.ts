import { type Document, isAlias, isMap, isScalar, isSeq, Scalar, type YAMLMap, type YAMLSeq } from "yaml";
import { formatPath, type Path, type Report } from "./problem.ts";
import { type Environment, substitute } from "./substitute.ts";

export interface Evaluated {
	/** Plain objects, lists and scalars. A bare `key:` is undefined, as if it were not there. */
	readonly value: unknown;
	/** Said once at start: what an unset variable means where it may be unset. */
	readonly unset: readonly OptionalVariable[];
	/**
	 * The value again where a plain scalar was one whole `${…}` and would read as a number or boolean in YAML, by dotted
	 * path. The text itself comes first, so that a key of digits loses none.
	 */
	readonly typed: ReadonlyMap<string, unknown>;
}

/** The only places where a variable may be unset: the built-in alternative is then used. An empty one counts as unset. */
const OPTIONAL_VARIABLES = [
	{ path: "database.url", variable: "DATABASE_URL" },
	{ path: "redis.url", variable: "REDIS_URL" },
] as const;

export type OptionalVariable = (typeof OPTIONAL_VARIABLES)[number];

/** Deeper than any configuration; stops aliases that contain themselves. */
const DEPTH_MAX = 16;
/** Far more than a megabyte of honest text has; stops aliases of aliases of aliases. */
const NODES_MAX = 100_000;

interface Walk {
	readonly document: Document.Parsed;
	readonly environment: Environment;
	readonly report: Report;
	readonly unset: OptionalVariable[];
	readonly typed: Map<string, unknown>;
	nodes: number;
}

/**
 * Turns a YAML document into plain values with the environment filled in. Bounded; reports instead of throwing.
 * What cannot be filled in stays as written, so that it does not look absent to the checks that follow.
 */
export function evaluate(document: Document.Parsed, environment: Environment, report: Report): Evaluated {
	const walk: Walk = { document, environment, report, unset: [], typed: new Map(), nodes: 0 };
	const value = read(walk, document.contents, []);
	if (walk.nodes > NODES_MAX) {
		report({ path: [], message: `must not expand to more than ${NODES_MAX} values` });
	}
	return { value, unset: walk.unset, typed: walk.typed };
}

function read(walk: Walk, node: unknown, path: Path): unknown {
	walk.nodes += 1;
	if (walk.nodes > NODES_MAX) {
		return undefined;
	}
	if (path.length > DEPTH_MAX) {
		walk.report({ path, message: `must not be nested more than ${DEPTH_MAX} levels deep` });
		return undefined;
	}
	if (isAlias(node)) {
		const target = node.resolve(walk.document);
		if (target === undefined) {
			walk.report({ path, message: `there is no anchor &${node.source} before this` });
			return undefined;
		}
		return read(walk, target, path);
	}
	if (isMap(node)) {
		return readMap(walk, node, path);
	}
	if (isSeq(node)) {
		return readList(walk, node, path);
	}
	return isScalar(node) ? readScalar(walk, node, path) : undefined;
}

function readMap(walk: Walk, map: YAMLMap, path: Path): Record<string, unknown> {
	// Without a prototype `__proto__` is a key like any other, and an unknown one.
	const object: Record<string, unknown> = Object.create(null);
	for (const { key, value } of map.items) {
		if (!isScalar(key)) {
			walk.report({ path, message: "keys must be plain text" });
			continue;
		}
		const name = String(key.value);
		if (name in object) {
			const message = `key ${JSON.stringify(name)} is already there`;
			walk.report({ path: [...path, name], message, offset: key.range?.[0] });
			continue;
		}
		object[name] = read(walk, value, [...path, name]);
	}
	return object;
}

function readList(walk: Walk, list: YAMLSeq, path: Path): unknown[] {
	return list.items.map((item, index) => read(walk, item, [...path, index]));
}

function readScalar(walk: Walk, scalar: Scalar, path: Path): unknown {
	if (typeof scalar.value !== "string") {
		return scalar.value ?? undefined;
	}
	const result = substitute(scalar.value, walk.environment);
	if (result.kind === "malformed") {
		walk.report({ path, message: result.message });
		return scalar.value;
	}
	const key = formatPath(path);
	if (result.kind === "unset" || (result.whole && result.text === "")) {
		const optional = OPTIONAL_VARIABLES.find(
			({ path: place, variable }) => place === key && scalar.value === `\${${variable}}`,
		);
		if (optional !== undefined) {
			walk.unset.push(optional);
			return undefined;
		}
	}
	if (result.kind === "unset") {
		for (const variable of result.variables) {
			walk.report({ path, message: `environment variable ${variable} is not set`, variable });
		}
		return scalar.value;
	}
	if (result.whole && scalar.type === Scalar.PLAIN) {
		walk.typed.set(key, typedByYaml(walk.document, result.text));
	}
	return result.text;
}

/** What YAML's core schema makes of an unquoted text. */
function typedByYaml(document: Document.Parsed, text: string): unknown {
	for (const tag of document.schema?.tags ?? []) {
		if (!tag.collection && tag.test?.test(text)) {
			return tag.resolve(text, () => undefined, {});
		}
	}
	return text;
}
