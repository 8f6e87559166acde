import type { Deployment, Tier } from "../config/types.ts";
import { rendezvous } from "./rendezvous.ts";
import type { Orderer, Pace } from "./types.ts";
import { createWeightedRotation } from "./weighted.ts";

/** Behind every price there is. */
const UNKNOWN_COST = Number.POSITIVE_INFINITY;

const TIERS: readonly Tier[] = ["simple", "medium", "complex"];

/** Shares equals by their weights; the name is that of their rotation. */
type Share = (name: string, equals: readonly Deployment[]) => readonly Deployment[];

/**
 * Orders candidates by priority first, then by the alias's strategy. Where that leaves a choice, a request of no
 * conversation takes its turn, and one of a conversation goes to the conversation's place, taking nobody's turn. Keeps
 * the rotations; asks nothing but `pace`, which is only called for `least_latency` and `least_busy`.
 */
export function createOrderer(deps: { readonly pace: (deploymentId: string) => Pace }): Orderer {
	const rotation = createWeightedRotation();
	return {
		order({ alias, strategy, candidates, bucket, expectedCost, session }) {
			const share: Share = session === undefined ? rotation.next : (_name, equals) => rendezvous(session, equals);
			return groupBy(candidates, (deployment) => deployment.priority).flatMap(([priority, group]) => {
				const name = `${alias.name}\n${priority}`;
				switch (strategy) {
					case "round_robin":
						return share(name, group);
					case "classifier":
						return byTier(share, name, group, bucket);
					case "least_latency":
						return byLatency(share(name, group), deps.pace);
					case "least_busy":
						return byRank(share(name, group), ({ id, weight }) => deps.pace(id).inFlight / weight);
					case "cheapest":
						// Those that cost the same share; an unknown price is not a low one.
						return byRank(share(name, group), (deployment) => expectedCost(deployment) ?? UNKNOWN_COST);
					default:
						throw new Error(`unknown strategy ${String(strategy satisfies never)}`);
				}
			});
		},
	};
}

/** The bucket's own tier first, the others as stand-ins after it; weights share each tier. */
function byTier(share: Share, name: string, candidates: readonly Deployment[], bucket: Tier): readonly Deployment[] {
	return groupBy(candidates, (deployment) => standInRank(deployment.tier, bucket)).flatMap(([, group]) =>
		share(`${name}\n${group[0]?.tier ?? ""}`, group),
	);
}

/**
 * How soon a tier may answer for a bucket: its own (0), then ever stronger ones (1, 2), then deployments without a tier,
 * then ever weaker ones. Too strong costs money, too weak costs the answer.
 */
export function standInRank(tier: Tier | undefined, bucket: Tier): number {
	if (tier === undefined) {
		return TIERS.length;
	}
	const distance = TIERS.indexOf(tier) - TIERS.indexOf(bucket);
	return distance >= 0 ? distance : TIERS.length - distance;
}

/** Whether a bucket calls for a stronger tier than this one. Of a deployment without a tier nobody knows how strong it is. */
export function isTooWeak(tier: Tier | undefined, bucket: Tier): boolean {
	return tier === undefined ? bucket !== "simple" : TIERS.indexOf(tier) < TIERS.indexOf(bucket);
}

/**
 * Fastest first by the median time to first token. One that has not been measured lately goes before all of them,
 * or it would never be measured again; but only while it is idle: one request is enough to measure it, and a crowd
 * must not be sent to a deployment that may be hanging.
 */
function byLatency(candidates: readonly Deployment[], pace: (deploymentId: string) => Pace): readonly Deployment[] {
	return byRank(candidates, ({ id }) => {
		const { ttftP50Ms, inFlight } = pace(id);
		return ttftP50Ms ?? (inFlight === 0 ? -1 : Number.POSITIVE_INFINITY);
	});
}

/** Lowest first; of equals the one that stood first stays first. */
function byRank(candidates: readonly Deployment[], rankOf: (deployment: Deployment) => number): readonly Deployment[] {
	return candidates
		.map((deployment) => ({ deployment, rank: rankOf(deployment) }))
		.sort((left, right) => (left.rank === right.rank ? 0 : left.rank - right.rank))
		.map(({ deployment }) => deployment);
}

/** Groups by a number, smallest first, order kept inside a group. */
function groupBy<T>(values: readonly T[], key: (value: T) => number): readonly (readonly [number, readonly T[]])[] {
	const [first] = values;
	if (first !== undefined && values.every((value) => key(value) === key(first))) {
		// Nearly always: nobody set a priority.
		return [[key(first), values]];
	}
	const groups = new Map<number, T[]>();
	for (const value of values) {
		const group = groups.get(key(value));
		if (group === undefined) {
			groups.set(key(value), [value]);
		} else {
			group.push(value);
		}
	}
	return [...groups].sort(([left], [right]) => left - right);
}
