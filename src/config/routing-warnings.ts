import type { Alias, Snapshot } from "./types.ts";

/** What is configured for routing and cannot do anything: for `check` and for the start-up log. */
export function routingWarnings({ aliases }: Pick<Snapshot, "aliases">): readonly string[] {
	const choosing = [...aliases.values()].filter(({ deployments }) => deployments.length > 1);
	return choosing.flatMap((alias) => [...strategyWarnings(alias), ...shadowWarnings(alias)]);
}

/** With one deployment there is nothing to choose, whatever the strategy that it took over from the global section. */
function strategyWarnings(alias: Alias): readonly string[] {
	return alias.strategy === "classifier" && !hasTiers(alias)
		? [`alias ${alias.name}: strategy classifier, but no deployment has a tier: weights alone decide`]
		: [];
}

function shadowWarnings(alias: Alias): readonly string[] {
	const { shadow, strategy } = alias;
	if (shadow === undefined) {
		return [];
	}
	if (shadow.strategy === strategy) {
		return [
			`alias ${alias.name}: router.shadow.strategy is ${strategy}, as its own strategy: there is nothing to compare`,
		];
	}
	return shadow.strategy === "classifier" && !hasTiers(alias)
		? [`alias ${alias.name}: router.shadow.strategy is classifier, but no deployment has a tier: it chooses by weight`]
		: [];
}

/** Whether the classifier's bucket makes any difference to an alias. */
export function hasTiers({ deployments }: Pick<Alias, "deployments">): boolean {
	return deployments.some(({ tier }) => tier !== undefined);
}
