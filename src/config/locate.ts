import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { type ConfigProblem, type Finding, formatPath, type Path } from "./problem.ts";

/** A YAML text whose every key and value can be found again. */
export interface YamlFile {
	readonly document: Document.Parsed;
	/** Syntax errors and unknown tags; when there are any the rest cannot be trusted. */
	readonly problems: readonly ConfigProblem[];
	/** Puts a finding where the eye should go: at the key or the value, or at the nearest thing around it that exists. */
	locate(finding: Finding): ConfigProblem;
}

/** One slip of the pen makes the parser stumble over much of what follows: the first few places are the telling ones. */
const SYNTAX_PROBLEMS_MAX = 5;

/** Reads YAML 1.2 (core schema). Never throws. */
export function openYaml(text: string, fileName: string): YamlFile {
	const lines = new LineCounter();
	// The parser compares every key with every other: half a minute for a megabyte of keys. `evaluate` looks instead.
	const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
	const problemAt = (offset: number, finding: Omit<ConfigProblem, "file" | "line" | "column">): ConfigProblem => {
		const { line, col } = lines.linePos(offset);
		// An empty text has no first line to find.
		return { file: fileName, line: Math.max(1, line), column: Math.max(1, col), ...finding };
	};
	return {
		document,
		problems: [...document.errors, ...document.warnings]
			.slice(0, SYNTAX_PROBLEMS_MAX)
			.map(({ pos, message }) => problemAt(pos[0], { path: "", message, nearest: undefined, variable: undefined })),
		locate: ({ path, message, at, offset, nearest, variable }) =>
			problemAt(offset ?? offsetOf(document, path, at ?? "value"), {
				path: formatPath(path),
				message,
				nearest,
				variable,
			}),
	};
}

function offsetOf(document: Document.Parsed, path: Path, at: "key" | "value"): number {
	let node: unknown = document.contents;
	let offset = startOf(node) ?? 0;
	for (const [index, step] of path.entries()) {
		const target = isAlias(node) ? node.resolve(document) : node;
		const child = childOf(target, step);
		if (child === undefined) {
			return offset;
		}
		const keyOnly = at === "key" && index === path.length - 1;
		offset = (keyOnly ? undefined : startOf(child.value)) ?? startOf(child.key) ?? offset;
		node = child.value;
	}
	return offset;
}

function childOf(node: unknown, step: string | number): { readonly key: unknown; readonly value: unknown } | undefined {
	if (isSeq(node) && typeof step === "number") {
		return step < node.items.length ? { key: undefined, value: node.items[step] } : undefined;
	}
	if (isMap(node)) {
		return node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
	}
	return undefined;
}

/** Where a node begins; undefined for the null after a bare `key:`, which has no text of its own. */
function startOf(node: unknown): number | undefined {
	if (!isNode(node) || isEmptyNull(node)) {
		return undefined;
	}
	return node.range?.[0];
}

function isEmptyNull(node: Node): boolean {
	return isScalar(node) && node.value === null && node.range?.[0] === node.range?.[1];
}
