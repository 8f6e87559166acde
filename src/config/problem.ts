/** Steps from the root of the file to a value: keys and list positions. */
export type Path = readonly (string | number)[];

/** Something wrong with the file, before it is known where in the text that is. */
export interface Finding {
	readonly path: Path;
	/** What is wrong and what would be right. Never a secret: a value is quoted only where it cannot be one. */
	readonly message: string;
	/** `key`: the name is wrong, not the value. */
	readonly at?: "key" | undefined;
	/** Where in the text, for what the path alone does not tell (the second of two equal keys). */
	readonly offset?: number | undefined;
	/** The known name that was probably meant. */
	readonly nearest?: string | undefined;
	/** The environment variable that would have to be set. */
	readonly variable?: string | undefined;
}

export type Report = (finding: Finding) => void;

/** Something wrong with the configuration, and where. Lines and columns count from 1. */
export interface ConfigProblem {
	readonly file: string;
	readonly line: number;
	readonly column: number;
	/** `model_list[1].deployments[0].provider`; "" for the file as a whole. */
	readonly path: string;
	readonly message: string;
	readonly nearest: string | undefined;
	readonly variable: string | undefined;
}

/** `config.yaml:12:7 model_list[0].deployments[0].provider: unknown provider "opnai"; did you mean "openai"?` */
export function formatProblem(problem: ConfigProblem): string {
	const place = `${problem.file}:${problem.line}:${problem.column}`;
	const subject = problem.path === "" ? place : `${place} ${problem.path}`;
	const hint = problem.nearest === undefined ? "" : `; did you mean ${JSON.stringify(problem.nearest)}?`;
	return `${subject}: ${problem.message}${hint}`;
}

export function formatPath(path: Path): string {
	let text = "";
	for (const step of path) {
		if (typeof step === "number") {
			text += `[${step}]`;
		} else if (/^[\w-]{1,128}$/.test(step)) {
			text += text === "" ? step : `.${step}`;
		} else {
			text += `[${JSON.stringify(step.slice(0, 128))}]`;
		}
	}
	return text;
}
