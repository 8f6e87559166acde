import type { Observer } from "../gateway/observer.ts";
import type { NanoUsd } from "../lib/money.ts";
import type { Usage } from "../lib/usage.ts";
import type { AttemptClosing, AttemptOpening } from "../metering/ledger-types.ts";
import type { LogFields } from "./logger.ts";
import { codeLabel, errorClassLabel, operationLabel, outcomeLabel, REFUSAL_SCOPES } from "./metrics-closed.ts";
import { type ConfiguredNames, createTrafficFamilies, type TrafficFamilies } from "./metrics-families.ts";
import { addMoney, type Count, type Histogram, type Money, observe } from "./metrics-values.ts";

/** What passes through the gateway, counted. */
export interface TrafficMetrics extends Observer {
	/** Each makes the text of one metric. */
	readonly parts: readonly (() => string)[];
}

/** The series of one operation of one alias, kept in hand: a request finds them by two look-ups and allocates nothing. */
interface RequestLane {
	readonly duration: Histogram;
	/** By status. */
	readonly codes: Map<unknown, Count>;
}

/** The same for one deployment that serves one alias. */
interface AttemptLane {
	/** By outcome, then by error class. */
	readonly outcomes: Map<string, Map<string | undefined, Count>>;
	readonly tokens: Map<TokenKind, Count>;
	firstToken: Histogram | undefined;
	failovers: Count | undefined;
	cost: Money | undefined;
	unpriced: Count | undefined;
}

/** More lanes than a configuration needs are of configurations gone by: all are dropped, and found again at need. */
const LANES_MAX = 4_096;

export function createTrafficMetrics(config: ConfiguredNames): TrafficMetrics {
	const requestLanes = createLanes(
		(operation, alias): RequestLane => ({
			duration: families.durations.of(operation, alias),
			codes: new Map(),
		}),
	);
	const attemptLanes = createLanes(
		(): AttemptLane => ({
			outcomes: new Map(),
			tokens: new Map(),
			firstToken: undefined,
			failovers: undefined,
			cost: undefined,
			unpriced: undefined,
		}),
	);
	const refusals = createLanes((kind, scope) => families.refusals.of(kind, scope));
	const families = createTrafficFamilies(config, () => {
		requestLanes.clear();
		attemptLanes.clear();
	});

	return {
		requestEnded(operationId, facts, durationMs) {
			const operation = operationLabel(operationId);
			const alias = typeof facts.alias === "string" ? facts.alias : "";
			const lane = requestLanes.of(operation, alias);
			observe(lane.duration, durationMs / 1000);
			let count = lane.codes.get(facts.status);
			if (count === undefined) {
				count = families.requests.of(operation, alias, codeLabel(facts.status));
				remember(lane.codes, facts.status, count);
			}
			count.value += 1;
			countRefusal(facts, refusals);
		},
		attemptSettled(opening, closing) {
			const lane = attemptLanes.of(opening.alias, opening.deploymentId);
			outcomeOf(lane, opening, closing, families).value += 1;
			countMoney(lane, opening, closing, families);
			countTokens(lane, opening, closing.usage, families);
			if (opening.attempt > 0) {
				lane.failovers ??= families.failovers.of(opening.alias);
				lane.failovers.value += 1;
			}
			if (opening.streamed && closing.outcome === "ok" && closing.ttftMs !== undefined) {
				lane.firstToken ??= families.firstTokens.of(opening.provider, opening.alias);
				observe(lane.firstToken, closing.ttftMs / 1000);
			}
		},
		parts: Object.values(families).map((family) => family.render),
	};
}

/** Statuses and classes that a lane keeps in hand; what comes beyond them is found the slow way. */
const REMEMBERED_MAX = 64;

function remember<Key>(counts: Map<Key, Count>, key: Key, count: Count): void {
	if (counts.size < REMEMBERED_MAX) {
		counts.set(key, count);
	}
}

function countRefusal({ refusal, limitScope }: LogFields, refusals: Lanes<Count>): void {
	if (typeof refusal === "string" && Object.hasOwn(REFUSAL_SCOPES, refusal)) {
		refusals.of(refusal, limitScope === "key" || limitScope === "team" ? limitScope : "").value += 1;
	}
}

function outcomeOf(
	lane: AttemptLane,
	{ alias, provider, deploymentId }: AttemptOpening,
	{ outcome, errorClass }: AttemptClosing,
	families: TrafficFamilies,
): Count {
	let classes = lane.outcomes.get(outcome);
	if (classes === undefined) {
		classes = new Map();
		lane.outcomes.set(outcome, classes);
	}
	let count = classes.get(errorClass);
	if (count === undefined) {
		const labels = [outcomeLabel(outcome), errorClassLabel(errorClass)];
		count = families.attempts.of(alias, provider, deploymentId, ...labels);
		remember(classes, errorClass, count);
	}
	return count;
}

function countMoney(
	lane: AttemptLane,
	opening: AttemptOpening,
	{ costNano }: AttemptClosing,
	families: TrafficFamilies,
): void {
	const { alias, provider, deploymentId } = opening;
	if (opening.priceVersion === undefined) {
		lane.unpriced ??= families.unpriced.of(alias, provider, deploymentId);
		lane.unpriced.value += 1;
		return;
	}
	lane.cost ??= families.costs.of(alias, provider, deploymentId);
	addMoney(lane.cost, chargedNano(opening, costNano));
}

/** The ledger charges what is no amount at the reservation. */
function chargedNano({ reservedNano }: AttemptOpening, costNano: NanoUsd): NanoUsd {
	return Number.isSafeInteger(costNano) && costNano >= 0 ? costNano : reservedNano;
}

type TokenKind =
	| "input"
	| "cached_input"
	| "cache_write"
	| "audio_input"
	| "image_input"
	| "output"
	| "reasoning"
	| "audio_output"
	| "image_output";

function countTokens(lane: AttemptLane, opening: AttemptOpening, usage: Usage, families: TrafficFamilies): void {
	addTokens("input", usage.input, lane, opening, families);
	addTokens("cached_input", usage.cacheRead, lane, opening, families);
	addTokens("cache_write", usage.cacheWrite + usage.cacheWriteHour, lane, opening, families);
	addTokens("audio_input", usage.audioInput, lane, opening, families);
	addTokens("image_input", usage.imageInput, lane, opening, families);
	addTokens("output", usage.output, lane, opening, families);
	addTokens("reasoning", usage.reasoning, lane, opening, families);
	addTokens("audio_output", usage.audioOutput, lane, opening, families);
	addTokens("image_output", usage.imageOutput, lane, opening, families);
}

function addTokens(
	kind: TokenKind,
	tokens: number,
	lane: AttemptLane,
	{ alias, provider, deploymentId }: AttemptOpening,
	families: TrafficFamilies,
): void {
	// Also false for what is no number.
	if (tokens > 0) {
		let count = lane.tokens.get(kind);
		if (count === undefined) {
			count = families.tokens.of(alias, provider, deploymentId, kind);
			lane.tokens.set(kind, count);
		}
		count.value += tokens;
	}
}

interface Lanes<Lane> {
	of(first: string, second: string): Lane;
	clear(): void;
}

function createLanes<Lane>(create: (first: string, second: string) => Lane): Lanes<Lane> {
	const lanes = new Map<string, Map<string, Lane>>();
	let count = 0;

	function clear(): void {
		lanes.clear();
		count = 0;
	}

	function add(first: string, second: string): Lane {
		// May clear all lanes, to make room for this one's series.
		const lane = create(first, second);
		if (count >= LANES_MAX) {
			clear();
		}
		let inner = lanes.get(first);
		if (inner === undefined) {
			inner = new Map();
			lanes.set(first, inner);
		}
		inner.set(second, lane);
		count += 1;
		return lane;
	}

	return { of: (first, second) => lanes.get(first)?.get(second) ?? add(first, second), clear };
}
