import type { ConfigContext } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { interpret } from "./interpret.ts";
import { openYaml, type YamlFile } from "./locate.ts";
import { type ConfigProblem, type Finding, formatPath } from "./problem.ts";
import type { Settings } from "./settings.ts";

export type LoadResult =
	| { readonly ok: true; readonly settings: Settings }
	/** Every problem there is, in the order of the file; at least one. */
	| { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Largest configuration, in UTF-16 code units (so at most as many bytes of UTF-8). */
export const CONFIG_CHARACTERS_MAX = 1_048_576;
/** A file with more mistakes than this has one that matters. */
const PROBLEMS_MAX = 200;

/**
 * Reads the text of a configuration file: YAML, then `${VAR}`, then shapes, then rules. Pure: reads no file, no
 * environment but the given one, and never throws for any text.
 */
export function loadConfig({
	text,
	fileName,
	...context
}: ConfigContext & { readonly text: string; readonly fileName: string }): LoadResult {
	if (text.length > CONFIG_CHARACTERS_MAX) {
		return failed(fileName, `is larger than ${CONFIG_CHARACTERS_MAX} characters`);
	}
	const yaml = openYaml(text, fileName);
	if (yaml.problems.length > 0) {
		return { ok: false, problems: yaml.problems };
	}
	const findings: Finding[] = [];
	const report = (finding: Finding) => {
		if (findings.length < PROBLEMS_MAX) {
			findings.push(finding);
		}
	};
	const evaluated = evaluate(yaml.document, context.environment, report);
	if (evaluated.value === undefined && findings.length === 0) {
		return failed(fileName, "the file is empty; it needs at least model_list");
	}
	// A value that could not be filled in is wrong for that reason only, whatever else could be said of its stand-in.
	const blamed = new Set(findings.map(({ path }) => formatPath(path)));
	const settings = interpret(evaluated, context, (finding) => {
		if (!blamed.has(formatPath(finding.path))) {
			report(finding);
		}
	});
	return settings === undefined || findings.length > 0
		? { ok: false, problems: inFileOrder(findings, yaml) }
		: { ok: true, settings };
}

function inFileOrder(findings: readonly Finding[], yaml: YamlFile): readonly ConfigProblem[] {
	return findings
		.map((finding) => yaml.locate(finding))
		.sort((left, right) => left.line - right.line || left.column - right.column);
}

/** A problem of the file as a whole. */
export function failed(fileName: string, message: string): LoadResult & { readonly ok: false } {
	const problem = { file: fileName, line: 1, column: 1, path: "", message, nearest: undefined, variable: undefined };
	return { ok: false, problems: [problem] };
}
