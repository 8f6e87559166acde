import type { ConfigContext } from "./context.ts";
import { interpret } from "./interpret.ts";
import { failed, type LoadResult } from "./load.ts";
import { type Finding, formatPath } from "./problem.ts";

/** What problems and reports call the configuration of a gateway without a file. */
export const DEFAULT_CONFIG_NAME = "(built-in default)";

/** The configuration of a gateway that was given no file: an empty one. Fails only on a bad GATEWAY_LLM_MASTER_KEY. */
export function loadDefaultConfig(context: ConfigContext): LoadResult {
	const findings: Finding[] = [];
	const settings = interpret({ value: {}, unset: [], typed: new Map() }, context, (finding) => findings.push(finding));
	const [first] = findings;
	if (settings === undefined || first !== undefined) {
		const subject = formatPath(first?.path ?? []);
		return failed(DEFAULT_CONFIG_NAME, subject === "" ? (first?.message ?? "") : `${subject}: ${first?.message ?? ""}`);
	}
	return { ok: true, settings };
}
