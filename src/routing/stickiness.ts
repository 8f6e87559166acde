import type { Deployment } from "../config/types.ts";
import type { Clock } from "../lib/clock.ts";
import { isTooWeak, standInRank } from "./order.ts";
import { createSessionMemory, type Place, type SessionMemory } from "./session-memory.ts";
import type { Pace, SessionOutcome, Stickiness, StickyRequest } from "./types.ts";

/**
 * OpenAI and most models of Anthropic and Gemini cache no shorter prompt, or none below four times this. A few do (Claude
 * Opus 5 from 512 tokens, DeepSeek, vLLM), but it is little that they save by it.
 * @see https://developers.openai.com/api/docs/guides/prompt-caching
 */
export const CACHED_TOKENS_MIN = 1_024;
/** Much busier: more requests in flight than the least busy has, one and a quarter times, and as many more as these. */
const BUSIER_TIMES = 1.25;
const BUSIER_BY = 8;
/** Much slower: more than twice the fastest's time to first token, and by more than anybody would call noise. */
const SLOWER_TIMES = 2;
const SLOWER_BY_MS = 100;

export interface StickinessDeps {
	readonly clock: Clock;
	readonly pace: (deploymentId: string) => Pace;
	readonly memory?: SessionMemory;
}

/**
 * Keeps a conversation where it was served last, for `Alias.stickyForMs` from then, so that the provider's prompt cache
 * is used. Switching pays, and the deployment of the strategy goes first,
 *
 * - when the warm deployment cannot serve the request, or is gone (`lost`);
 * - when another one stands before it by `priority` (`outranked`);
 * - when it is much busier than the least busy of its equals, by weight: a hot conversation does not sink a deployment
 *   (`outranked`);
 * - with `least_latency`, when it is much slower than the fastest (`outranked`);
 * - with `classifier`, when the prompt calls for a stronger tier than it has (`outranked`);
 * - with `cheapest`, and with `classifier` for a prompt that a weaker tier would do for, when the request is expected to
 *   cost less there than here, counting what each has in its cache; unknown prices move nothing (`cheaper_elsewhere`).
 *
 * After a failover a conversation is where it was served. When it has been silent for longer it is placed anew.
 */
export function createStickiness({ clock, pace, memory = createSessionMemory() }: StickinessDeps): Stickiness {
	/** Where the provider's cache may still hold something of the conversation, newest first. */
	function warmPlaces({ session, alias }: StickyRequest): readonly Place[] {
		const places = memory.placesOf(session.id) ?? [];
		const nowMs = clock.monotonic();
		const isWarm = ({ atMs }: Place) => nowMs - atMs < alias.stickyForMs;
		return places.every(isWarm) ? places : places.filter(isWarm);
	}

	return {
		order(request) {
			const { session } = request;
			const warmPlacesNow = warmPlaces(request);
			const warmAt = warmPlacesNow[0]?.deploymentId;
			const equals = createEquals(request, pace);
			const ordered = goesByLoad(request) ? request.ordered : withRoomFirst(request.ordered, equals);
			const told = (outcome: SessionOutcome, result = ordered) => ({
				ordered: result,
				note: { source: session.source, outcome, warmAt },
			});
			if (warmAt === undefined) {
				return told("placed");
			}
			const warm = ordered.find(({ id }) => id === warmAt);
			const [first] = ordered;
			if (warm === undefined || first === undefined) {
				return told("lost");
			}
			if (warm === first) {
				return told("held");
			}
			const reason = whyNotStay({ ...request, warm, first, equals, places: warmPlacesNow, pace });
			return reason === undefined
				? told("held", [warm, ...ordered.filter((deployment) => deployment !== warm)])
				: told(reason);
		},
		served(session, deploymentId, promptTokens) {
			memory.note(session.id, { deploymentId, atMs: clock.monotonic(), promptTokens });
		},
	};
}

/** The others leave the choice among equals to the conversation's name, which knows nothing of who is busy. */
function goesByLoad({ strategy }: StickyRequest): boolean {
	return strategy === "least_busy" || strategy === "least_latency";
}

/** Those that the strategy could as well have put first. */
interface Equals {
	readonly deployments: readonly Deployment[];
	/** Requests in flight, for a deployment of average weight. */
	load(deployment: Deployment): number;
	isMuchBusier(deployment: Deployment): boolean;
}

function createEquals(request: StickyRequest, pace: StickinessDeps["pace"]): Equals {
	const deployments = equalsOfFirst(request);
	const weight = deployments.reduce((sum, deployment) => sum + deployment.weight, 0) / deployments.length;
	const load = (deployment: Deployment) => (pace(deployment.id).inFlight * weight) / deployment.weight;
	let busyFrom: number | undefined;
	return {
		deployments,
		load,
		isMuchBusier(deployment) {
			busyFrom ??= Math.min(...deployments.map(load)) * BUSIER_TIMES + BUSIER_BY;
			return load(deployment) > busyFrom;
		},
	};
}

function equalsOfFirst({ ordered, strategy, bucket, expectedCost }: StickyRequest): readonly Deployment[] {
	const [first, ...others] = ordered;
	if (first === undefined || others.length === 0) {
		return ordered;
	}
	const group = ordered.filter(({ priority }) => priority === first.priority);
	switch (strategy) {
		case "round_robin":
		case "least_busy":
		case "least_latency":
			return group;
		case "cheapest": {
			const cost = expectedCost(first, 0);
			return group.filter((deployment) => expectedCost(deployment, 0) === cost);
		}
		case "classifier": {
			const rank = standInRank(first.tier, bucket);
			return group.filter(({ tier }) => standInRank(tier, bucket) === rank);
		}
		default:
			throw new Error(`unknown strategy ${String(strategy satisfies never)}`);
	}
}

/** The same, but whoever is much busier than others stands back for the first of its equals that is not. */
function withRoomFirst(ordered: readonly Deployment[], equals: Equals): readonly Deployment[] {
	const [first] = ordered;
	if (equals.deployments.length < 2 || first === undefined || !equals.isMuchBusier(first)) {
		return ordered;
	}
	const next = equals.deployments.find((deployment) => !equals.isMuchBusier(deployment)) ?? first;
	return [next, ...ordered.filter((deployment) => deployment !== next)];
}

interface Choice extends StickyRequest {
	/** Where the conversation was served last. */
	readonly warm: Deployment;
	/** Where the strategy would have it. */
	readonly first: Deployment;
	readonly equals: Equals;
	readonly places: readonly Place[];
	readonly pace: StickinessDeps["pace"];
}

/** undefined: the conversation stays. */
function whyNotStay(choice: Choice): "outranked" | "cheaper_elsewhere" | undefined {
	const { warm, first, strategy, bucket, equals } = choice;
	const isBusy = equals.isMuchBusier(warm) && equals.load(first) < equals.load(warm);
	if (warm.priority > first.priority || isBusy) {
		return "outranked";
	}
	switch (strategy) {
		case "round_robin":
		case "least_busy":
			return undefined;
		case "least_latency":
			return isMuchSlower(choice) ? "outranked" : undefined;
		case "cheapest":
			return isCheaperElsewhere(choice) ? "cheaper_elsewhere" : undefined;
		case "classifier":
			if (standInRank(warm.tier, bucket) <= standInRank(first.tier, bucket)) {
				return undefined;
			}
			if (isTooWeak(warm.tier, bucket)) {
				return "outranked";
			}
			return isCheaperElsewhere(choice) ? "cheaper_elsewhere" : undefined;
		default:
			throw new Error(`unknown strategy ${String(strategy satisfies never)}`);
	}
}

function isMuchSlower({ warm, equals, pace }: Choice): boolean {
	const own = pace(warm.id).ttftP50Ms;
	const best = Math.min(...equals.deployments.map(({ id }) => pace(id).ttftP50Ms ?? Number.POSITIVE_INFINITY));
	return own !== undefined && own > best * SLOWER_TIMES && own - best > SLOWER_BY_MS;
}

function isCheaperElsewhere(choice: Choice): boolean {
	const { warm, first, expectedCost } = choice;
	const there = expectedCost(first, cachedTokens(first, choice));
	const here = expectedCost(warm, cachedTokens(warm, choice));
	return there !== undefined && here !== undefined && there < here;
}

/** What a provider may have of this prompt: a conversation that has become shorter has none of its end. */
function cachedTokens({ id }: Deployment, { places, promptTokens }: Choice): number {
	const served = places.find(({ deploymentId }) => deploymentId === id)?.promptTokens ?? 0;
	const shared = Math.min(served, promptTokens);
	return shared < CACHED_TOKENS_MIN ? 0 : shared;
}
