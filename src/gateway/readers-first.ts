import type { Deployment } from "../config/types.ts";
import type { SessionOutcome } from "../routing/types.ts";

/** An order in which those that read the state of the conversation come first. */
export interface ReadersFirst {
	/** Those among which anything else may choose. */
	readonly first: readonly Deployment[];
	readonly rest: readonly Deployment[];
	/** What the state has to do with where the request goes; undefined = nothing. */
	readonly outcome: Extract<SessionOutcome, "held" | "lost"> | undefined;
}

/**
 * Before priority, tiers and what a strategy prefers: they are about which of several good answers it is to be, and a
 * model that has lost its chain of thought gives a worse one.
 * @param ordered Those that can serve the request, best first; each group keeps that order.
 * @param all Of the alias.
 */
export function readersFirst(
	ordered: readonly Deployment[],
	all: readonly Deployment[],
	reads: ((deployment: Deployment) => boolean) | undefined,
): ReadersFirst {
	const first = reads === undefined ? [] : ordered.filter(reads);
	if (reads === undefined || first.length === ordered.length) {
		return { first: ordered, rest: [], outcome: undefined };
	}
	return first.length === 0
		? { first: ordered, rest: [], outcome: all.some(reads) ? "lost" : undefined }
		: { first, rest: ordered.filter((deployment) => !first.includes(deployment)), outcome: "held" };
}
