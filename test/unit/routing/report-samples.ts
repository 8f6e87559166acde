import type { Alias, Deployment, Tier } from "../../../src/config/types.ts";
import { NO_USAGE } from "../../../src/lib/usage.ts";
import type { PriceSheet, Rates } from "../../../src/metering/types.ts";
import type { RoutedAttempt, RoutedBy, RoutedRequest } from "../../../src/routing/report/types.ts";
import type { Decision } from "../../../src/routing/types.ts";
import { alias, deployment } from "./fakes.ts";

/** Dollars a million tokens, in and out. */
const PRICES = { small: [1, 2], middle: [3, 6], large: [10, 30] } as const;
type Model = keyof typeof PRICES;

/** What 100 tokens in and 10 out cost there, nano-USD, worked out by hand. */
const COSTS = { small: 120_000, middle: 360_000, large: 1_300_000 };

export function sheet(input: number, output: number, version = "config"): PriceSheet {
	const unpriced = Object.fromEntries(
		[
			"cachedInputPerMillion",
			"cacheWritePerMillion",
			"cacheWriteHourPerMillion",
			"reasoningPerMillion",
			"audioInputPerMillion",
			"audioOutputPerMillion",
			"imageInputPerMillion",
			"imageOutputPerMillion",
			"perImage",
			"perSecond",
			"charactersPerMillion",
			"perSearch",
			"perRequest",
		].map((name) => [name, undefined]),
		// Object.fromEntries() forgets which keys it was given.
	) as Omit<Rates, "inputPerMillion" | "outputPerMillion">;
	return {
		version,
		base: { ...unpriced, inputPerMillion: input * 1e9, outputPerMillion: output * 1e9 },
		tiers: [],
	};
}

export function priced(id: Model, tier: Tier | undefined, settings: Partial<Deployment> = {}): Deployment {
	const [input, output] = PRICES[id];
	return { ...deployment(id, { tier }), price: sheet(input, output), ...settings };
}

/** One alias with these deployments; others may be configured beside it. */
export function configured(settings: Partial<Alias> & Pick<Alias, "deployments">, more: readonly Deployment[] = []) {
	const smart: Alias = { ...alias("smart", settings.deployments), strategy: "classifier", ...settings };
	return {
		aliases: new Map([[smart.name, smart]]),
		deployments: new Map([...smart.deployments, ...more].map((one) => [one.id, one])),
	} satisfies RoutedBy;
}

export function threeTiers(settings: Partial<Alias> = {}): RoutedBy {
	const deployments = [priced("small", "simple"), priced("middle", "medium"), priced("large", "complex")];
	return configured({ deployments, ...settings });
}

/** A decision of the classifier between the three, by the usual thresholds. */
export function decided(score: number, facts: Partial<Decision> = {}): Decision {
	const at = score < 0.33 ? 0 : score < 0.66 ? 1 : 2;
	const bucket = (["simple", "medium", "complex"] as const)[at];
	const order = [
		["small", "middle", "large"],
		["middle", "large", "small"],
		["large", "middle", "small"],
	][at];
	return {
		strategy: "classifier",
		score,
		bucket: bucket ?? "simple",
		signals: [{ name: "words", contribution: score }],
		candidates: order ?? [],
		excluded: [],
		session: undefined,
		shadow: undefined,
		...facts,
	};
}

/** An attempt of 100 tokens in and 10 out. */
export function attempt(deploymentId: string, facts: Partial<RoutedAttempt> = {}): RoutedAttempt {
	return {
		deploymentId,
		provider: "openai-compatible",
		model: deploymentId,
		outcome: "ok",
		usage: { ...NO_USAGE, input: 100, output: 10 },
		usageSource: "provider",
		// Other names than those of the price list cost nothing.
		costNano: deploymentId in COSTS ? COSTS[deploymentId as Model] : 0,
		priced: true,
		...facts,
	};
}

export function failed(deploymentId: string): RoutedAttempt {
	return attempt(deploymentId, { outcome: "upstream_failed", usage: NO_USAGE, usageSource: "none", costNano: 0 });
}

/** A request that was begun in the period, with these attempts. */
export function request(
	decision: Decision | undefined,
	attempts: readonly RoutedAttempt[],
	facts: Partial<RoutedRequest> = {},
): RoutedRequest {
	const last = attempts.at(-1);
	const failures = attempts.filter((one) => one.outcome === "upstream_failed").map((one) => one.deploymentId);
	return {
		alias: "smart",
		unserved: false,
		begun: true,
		decision,
		attempts,
		failedAt: new Set(failures),
		last,
		...facts,
	};
}
