import { expect, test } from "bun:test";
import { reportSnapshot } from "../../../src/config/report.ts";
import { resolveSnapshot } from "../../../src/config/resolve.ts";
import { routingWarnings } from "../../../src/config/routing-warnings.ts";
import { MASTER_KEY, NO_CATALOGUE, settingsOf } from "./config-fixtures.ts";

function snapshotOf(router: object, tiers: readonly (string | undefined)[]) {
	const deployments = tiers.map((tier, index) => ({
		provider: "mock",
		model: `m${index}`,
		price: { input_per_million: 1, output_per_million: 1 },
		...(tier === undefined ? {} : { tier }),
	}));
	const text = JSON.stringify({ model_list: [{ model_alias: "smart", router, deployments }] });
	return resolveSnapshot(settingsOf(text), {
		version: 1,
		masterKey: MASTER_KEY,
		catalogue: NO_CATALOGUE,
		nowMs: 0,
	});
}

const TIERS = ["simple", "medium", "complex"];
const NO_TIERS = [undefined, undefined];

test("a shadow of the alias's own strategy is warned of: there is nothing to compare", () => {
	for (const strategy of ["classifier", "cheapest"]) {
		const snapshot = snapshotOf({ strategy, shadow: { strategy } }, TIERS);
		expect(routingWarnings(snapshot)).toEqual([
			`alias smart: router.shadow.strategy is ${strategy}, as its own strategy: there is nothing to compare`,
		]);
		expect(reportSnapshot({ fileName: "f", snapshot, notices: [] })).toContain(
			"Warnings:\n  alias smart: router.shadow",
		);
	}
});

test("the classifier where no deployment has a tier is warned of, as a strategy and as a shadow", () => {
	expect(routingWarnings(snapshotOf({ strategy: "classifier" }, NO_TIERS))).toEqual([
		"alias smart: strategy classifier, but no deployment has a tier: weights alone decide",
	]);
	expect(routingWarnings(snapshotOf({ shadow: { strategy: "classifier" } }, NO_TIERS))).toEqual([
		"alias smart: router.shadow.strategy is classifier, but no deployment has a tier: it chooses by weight",
	]);
	expect(
		routingWarnings(snapshotOf({ strategy: "classifier", shadow: { strategy: "classifier" } }, NO_TIERS)),
	).toHaveLength(2);
});

test("what makes sense is not warned of: tiers, equal thresholds, another shadow, an alias with nothing to choose", () => {
	const thresholds = { medium: 0.5, complex: 0.5 };
	expect(routingWarnings(snapshotOf({ strategy: "classifier", thresholds }, TIERS))).toEqual([]);
	expect(routingWarnings(snapshotOf({ strategy: "classifier" }, ["simple", undefined]))).toEqual([]);
	expect(routingWarnings(snapshotOf({ shadow: { strategy: "classifier", percent: 5 } }, TIERS))).toEqual([]);
	expect(routingWarnings(snapshotOf({ shadow: { strategy: "cheapest" } }, NO_TIERS))).toEqual([]);
	expect(
		routingWarnings(snapshotOf({ strategy: "classifier", shadow: { strategy: "classifier" } }, [undefined])),
	).toEqual([]);
});
