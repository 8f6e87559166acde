import type { Snapshot } from "../config/types.ts";
import { REFUSAL_SCOPES } from "./metrics-closed.ts";
import { createFamily, type Family, type FamilyBound } from "./metrics-family.ts";
import {
	type Buckets,
	bucketsOf,
	type Count,
	countLines,
	type Histogram,
	histogramLines,
	type Money,
	moneyLines,
	newCount,
	newHistogram,
	newMoney,
} from "./metrics-values.ts";

/** Everything that is counted of requests and attempts. */
export interface TrafficFamilies {
	readonly requests: Family<Count>;
	readonly durations: Family<Histogram>;
	readonly refusals: Family<Count>;
	readonly attempts: Family<Count>;
	readonly firstTokens: Family<Histogram>;
	readonly failovers: Family<Count>;
	readonly tokens: Family<Count>;
	readonly costs: Family<Money>;
	readonly unpriced: Family<Count>;
}

/** What label values are taken from. */
export interface ConfiguredNames {
	current(): Pick<Snapshot, "version" | "aliases" | "deployments">;
}

/** Series of each family, histograms apart: one of those has up to nineteen lines. */
const SERIES_MAX = 2_000;
const HISTOGRAMS_MAX = 200;

/** Seconds. As OpenTelemetry wants `gen_ai.server.request.duration` and `gen_ai.server.time_to_first_token`: https://github.com/open-telemetry/semantic-conventions/blob/main/docs/gen-ai/gen-ai-metrics.md */
const DURATIONS = bucketsOf([0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]);
const FIRST_TOKENS = bucketsOf([0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]);

const DEPLOYMENT_LABELS = ["alias", "provider", "deployment"];

/** @param onForgotten Series of an old configuration have made room for new ones. */
export function createTrafficFamilies(config: ConfiguredNames, onForgotten: () => void): TrafficFamilies {
	const { bounded, counts, histograms } = createMakers(config, onForgotten);
	return {
		requests: counts("gateway_llm_requests_total", REQUESTS_HELP, ["operation", "alias", "code"], ["alias"]),
		durations: histograms("gateway_llm_request_duration_seconds", DURATIONS_HELP, ["operation", "alias"], DURATIONS),
		refusals: refusalFamily(),
		attempts: counts(
			"gateway_llm_upstream_attempts_total",
			"Calls of a provider that are over, by outcome; error_class says what failed.",
			[...DEPLOYMENT_LABELS, "outcome", "error_class"],
			DEPLOYMENT_LABELS,
		),
		firstTokens: histograms(
			"gateway_llm_time_to_first_token_seconds",
			"From the call of a provider to the first content of its stream, for streams that ended well.",
			["provider", "alias"],
			FIRST_TOKENS,
		),
		failovers: counts(
			"gateway_llm_failovers_total",
			"Attempts made because an earlier one of the same request had failed.",
			["alias"],
			["alias"],
		),
		tokens: counts(
			"gateway_llm_tokens_total",
			"Tokens as they are charged, each in one kind only.",
			[...DEPLOYMENT_LABELS, "kind"],
			DEPLOYMENT_LABELS,
		),
		costs: createFamily<Money>({
			name: "gateway_llm_cost_usd_total",
			help: "Cost of settled attempts in US dollars, exact to the nano-dollar.",
			kind: "counter",
			labels: DEPLOYMENT_LABELS,
			create: newMoney,
			lines: moneyLines,
			bound: bounded(DEPLOYMENT_LABELS),
		}),
		unpriced: counts(
			"gateway_llm_unpriced_attempts_total",
			"Attempts at models whose price is not known: their cost counts as zero, which means unknown.",
			DEPLOYMENT_LABELS,
			DEPLOYMENT_LABELS,
		),
	};
}

const REQUESTS_HELP =
	"Requests of the data plane that are over, by the HTTP status of their answer; alias is empty where none was found.";
const DURATIONS_HELP = "From the arrival of a request to the last byte of its answer.";

/** The kinds of families that follow the configuration. */
function createMakers(config: ConfiguredNames, onForgotten: () => void) {
	const bounded = (open: readonly string[], seriesMax = SERIES_MAX): FamilyBound => ({
		...{ open, seriesMax, onForgotten },
		version: () => config.current().version,
		isCurrent: (label, value) => isCurrent(label, value, config),
	});
	return {
		bounded,
		counts: (name: string, help: string, labels: readonly string[], open: readonly string[]) =>
			createFamily({
				...{ name, help, labels },
				kind: "counter",
				create: newCount,
				lines: countLines,
				bound: bounded(open),
			}),
		histograms: (name: string, help: string, labels: readonly string[], buckets: Buckets) =>
			createFamily({
				...{ name, help, labels },
				kind: "histogram",
				create: () => newHistogram(buckets),
				lines: histogramLines,
				bound: bounded(["alias"], HISTOGRAMS_MAX),
			}),
	};
}

/** Closed on all sides, so that every series is there from the start. */
function refusalFamily(): Family<Count> {
	const family = createFamily({
		name: "gateway_llm_refusals_total",
		help: "Requests that the gateway refused, by kind of limit or reason; scope says whose limit it was.",
		kind: "counter",
		labels: ["kind", "scope"],
		create: newCount,
		lines: countLines,
	});
	for (const [kind, scopes] of Object.entries(REFUSAL_SCOPES)) {
		for (const scope of scopes) {
			family.of(kind, scope);
		}
	}
	return family;
}

function isCurrent(label: string, value: string, config: ConfiguredNames): boolean {
	const { aliases, deployments } = config.current();
	switch (label) {
		case "alias":
			return value === "" || aliases.has(value);
		case "deployment":
			return deployments.has(value);
		default:
			return true;
	}
}
