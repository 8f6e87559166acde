import { checkMasterKey } from "../lib/master-key.ts";
import { readBaseUrl } from "./base-url.ts";
import type { ConfigContext } from "./context.ts";
import { defaultRoutes } from "./default-routes.ts";
import { readDeployment } from "./deployment.ts";
import type { Evaluated, OptionalVariable } from "./evaluate.ts";
import { describeIssue, toFindings, valueAt } from "./issues.ts";
import { formatPath, type Path, type Report } from "./problem.ts";
import { collectRoutes } from "./routes.ts";
import { checkRoutes } from "./rules.ts";
import { type ConfigFile, configSchema } from "./schema.ts";
import type { Settings } from "./settings.ts";
import type { Environment } from "./substitute.ts";
import { toSettings } from "./to-settings.ts";
import type { DatabaseSettings } from "./types.ts";

const NOTHING_KEPT =
	"responses.retention is 0s: the gateway keeps no responses and no conversations, so previous_response_id works only where the provider keeps them";
const MASTER_KEY_VARIABLE = "GATEWAY_LLM_MASTER_KEY";

/**
 * Gives plain values their meaning: shapes first, then what only the provider registry, the environment and the other
 * entries can tell. Reports everything that is wrong; the result counts only if nothing was.
 */
export function interpret(given: Evaluated, context: ConfigContext, report: Report): Settings | undefined {
	const { evaluated, notices } = withRoutes(given, context);
	const file = parseShape(evaluated, report);
	const routes = collectRoutes(evaluated.value).map((route) => ({
		...route,
		settings: route.deployments.flatMap((deployment) => readDeployment(deployment, { ...context, report }) ?? []),
	}));
	checkRoutes(routes, aliasNames(evaluated.value), report);
	if (file === undefined) {
		return undefined;
	}
	checkCallbacks(file, report);
	const masterKey = file.auth.master_key ?? masterKeyFromEnvironment(context.environment, report);
	const settings = toSettings({ file, routes, masterKey, dataDirectory: context.dataDirectory });
	return {
		...settings,
		notices: [
			...notices,
			...evaluated.unset.map((optional) => unsetNotice(optional, settings.database)),
			...(settings.responses.retentionMs === 0 ? [NOTHING_KEPT] : []),
		],
	};
}

/** A configuration without `model_list` serves what needs no more than the keys in the environment. */
function withRoutes(given: Evaluated, context: ConfigContext): { evaluated: Evaluated; notices: readonly string[] } {
	if (!isContainer(given.value) || Array.isArray(given.value) || Reflect.get(given.value, "model_list") != null) {
		return { evaluated: given, notices: [] };
	}
	const { routes, notices } = defaultRoutes(context);
	return { evaluated: { ...given, value: { ...given.value, model_list: routes } }, notices };
}

function parseShape(evaluated: Evaluated, report: Report): ConfigFile | undefined {
	let parsed = configSchema.safeParse(evaluated.value, { error: describeIssue });
	if (!parsed.success && retype(evaluated, parsed.error.issues)) {
		parsed = configSchema.safeParse(evaluated.value, { error: describeIssue });
	}
	for (const issue of parsed.error?.issues ?? []) {
		for (const finding of toFindings(issue, configSchema, evaluated.value)) {
			report(finding);
		}
	}
	return parsed.data;
}

/** Puts numbers and booleans from the environment in place where the schema asks for them. */
function retype(
	{ value, typed }: Evaluated,
	issues: readonly { readonly code: string; readonly path: readonly PropertyKey[] }[],
): boolean {
	let changed = false;
	for (const issue of issues) {
		// Nothing in a YAML document is keyed by symbols; zod's own type allows them.
		const path = issue.path as Path;
		const step = path.at(-1);
		const parent = valueAt(value, path.slice(0, -1));
		const better = typed.get(formatPath(path));
		if (issue.code === "invalid_type" && step !== undefined && better !== undefined && isContainer(parent)) {
			Reflect.set(parent, step, better);
			changed = true;
		}
	}
	return changed;
}

function isContainer(value: unknown): value is object {
	return typeof value === "object" && value !== null;
}

function aliasNames(value: unknown): ReadonlySet<string> {
	const list = valueAt(value, ["model_list"]);
	const names = Array.isArray(list) ? list.map((item: unknown) => valueAt(item, ["model_alias"])) : [];
	return new Set(names.filter((name) => typeof name === "string"));
}

function checkCallbacks(file: ConfigFile, report: Report): void {
	for (const [index, callback] of (file.callbacks ?? []).entries()) {
		const read = readBaseUrl(callback.url, { privateAllowed: callback.allow_private });
		if ("problem" in read) {
			report({ path: ["callbacks", index, "url"], message: read.problem });
		}
	}
}

function masterKeyFromEnvironment(environment: Environment, report: Report): string | undefined {
	const key = environment[MASTER_KEY_VARIABLE];
	if (key === undefined || key === "") {
		return undefined;
	}
	const problem = checkMasterKey(key);
	if (problem !== undefined) {
		const message = `the value of environment variable ${MASTER_KEY_VARIABLE} ${problem}`;
		report({ path: ["auth", "master_key"], message, variable: MASTER_KEY_VARIABLE });
	}
	return key;
}

function unsetNotice({ variable, path }: OptionalVariable, database: DatabaseSettings): string {
	switch (path) {
		case "database.url": {
			const place = database.kind === "sqlite" ? ` ${database.path}` : "";
			return `${variable} is not set: keys and spend are kept in the embedded SQLite database${place}`;
		}
		case "redis.url":
			return `${variable} is not set: limits are counted in this process and not shared with other instances`;
	}
}
