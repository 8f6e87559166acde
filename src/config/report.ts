import { formatUsd } from "../lib/money.ts";
import type { PriceSheet } from "../metering/types.ts";
import { type ConfigProblem, formatProblem } from "./problem.ts";
import { routingWarnings } from "./routing-warnings.ts";
import type { Alias, Deployment, Snapshot } from "./types.ts";

/** What `gateway-llm check` says of a good configuration. Holds no key and no header value. */
export function reportSnapshot(report: {
	readonly fileName: string;
	readonly snapshot: Snapshot;
	readonly notices: readonly string[];
}): string {
	const { snapshot } = report;
	const aliases = [...snapshot.aliases.values()].flatMap(describeAlias);
	return [
		`${report.fileName} is valid: ${count(snapshot.aliases.size, "alias", "aliases")}, ${count(snapshot.deployments.size, "deployment")}.`,
		...section("Aliases", aliases),
		...section("Warnings", [...unpricedWarnings(snapshot), ...modelWarnings(snapshot), ...routingWarnings(snapshot)]),
		...section("Not active in this version", snapshot.inactive),
		...section("Notices", report.notices),
		"",
	].join("\n");
}

/** What `gateway-llm check` and a refused start say of a bad configuration. */
export function reportProblems(problems: readonly ConfigProblem[]): string {
	const variables = new Set(problems.map(({ variable }) => variable).filter((variable) => variable !== undefined));
	const unset = variables.size === 0 ? [] : [`Environment variables to set: ${[...variables].join(", ")}`];
	return [...problems.map(formatProblem), `${count(problems.length, "problem")} found.`, ...unset, ""].join("\n");
}

/** One line for each deployment whose price nobody knows: for `check` and for the start-up log. */
export function unpricedWarnings(snapshot: Snapshot): readonly string[] {
	return [...snapshot.deployments.values()]
		.filter(({ price }) => price === undefined)
		.map((deployment) => `${nameDeployment(deployment)} is UNPRICED: set price, or keys with a budget cannot use it`);
}

/** One line for each deployment whose model its provider is known not to have. */
function modelWarnings(snapshot: Snapshot): readonly string[] {
	return [...snapshot.deployments.values()].flatMap((deployment) => {
		const problem = deployment.provider.checkModel(deployment.model);
		return problem === undefined ? [] : [`${nameDeployment(deployment)}: ${problem}`];
	});
}

function nameDeployment({ id, alias, provider, model }: Deployment): string {
	return `deployment ${id} (${alias}: ${provider.id}/${model})`;
}

function describeAlias(alias: Alias): readonly string[] {
	const fallbacks = alias.fallbacks.length === 0 ? "" : `, then ${alias.fallbacks.join(", ")}`;
	return [
		`${alias.name} (${alias.strategy}, ${count(alias.retries, "retry", "retries")}${fallbacks})`,
		...alias.deployments.map((deployment) => `  ${describeDeployment(deployment)}`),
	];
}

function describeDeployment(deployment: Deployment): string {
	const facts = [
		`${deployment.provider.id}/${deployment.model}`,
		deployment.baseUrl,
		`weight ${deployment.weight}`,
		...(deployment.tier === undefined ? [] : [`tier ${deployment.tier}`]),
		...(deployment.priority === 0 ? [] : [`priority ${deployment.priority}`]),
		describePrice(deployment.price),
	];
	return `${deployment.id}  ${facts.join("  ")}`;
}

function describePrice(price: PriceSheet | undefined): string {
	if (price === undefined) {
		return "UNPRICED";
	}
	const { base } = price;
	const pieces = [
		["an image", base.perImage],
		["a second", base.perSecond],
		["a million characters", base.charactersPerMillion],
		["a web search", base.perSearch],
		["a request", base.perRequest],
	] as const;
	const others = pieces.flatMap(([unit, nano]) => (nano === undefined ? [] : [`, ${dollars(nano)} ${unit}`]));
	const tokens = `${dollars(base.inputPerMillion)} in / ${dollars(base.outputPerMillion)} out per million tokens`;
	return `${tokens}${others.join("")} (${price.version})`;
}

/** At least two decimals, and as many as the amount has. */
function dollars(nano: number): string {
	return `$${formatUsd(nano).replace(/(\.\d\d\d*?)0+$/, "$1")}`;
}

function section(title: string, lines: readonly string[]): readonly string[] {
	return lines.length === 0 ? [] : ["", `${title}:`, ...lines.map((line) => `  ${line}`)];
}

function count(number: number, one: string, many = `${one}s`): string {
	return `${number} ${number === 1 ? one : many}`;
}
