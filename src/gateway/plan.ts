import type { Alias, Deployment, Snapshot, Strategy } from "../config/types.ts";
import { notFound } from "../lib/errors.ts";
import { expectedCostOf, pricesQuantities } from "../metering/cost.ts";
import { encodeDecision } from "../routing/decision-text.ts";
import type { Decision, RouteScore, Session, SessionNote } from "../routing/types.ts";
import { mayUse } from "./admit.ts";
import { boundState, readersOf } from "./bound-state.ts";
import { exclusion } from "./exclusion.ts";
import { lastResort } from "./last-resort.ts";
import { nothingLeft } from "./nothing-left.ts";
import { owns } from "./owns.ts";
import { readersFirst } from "./readers-first.ts";
import { requestMedia } from "./request-media.ts";
import { sessionOf } from "./session-of.ts";
import { keepsResponses } from "./spoken.ts";
import type { Admitted, Exclusion, GatewayDeps, Planned } from "./types.ts";
import { noteUnserved } from "./unserved.ts";

/** Stage 3: from an alias to the deployments to try, best first. Throws when none can serve the request, saying why. */
export async function plan(admitted: Admitted, snapshot: Snapshot, deps: GatewayDeps): Promise<Planned> {
	const { alias } = admitted;
	const score = deps.routing.score(admitted.ingress.promptText(admitted.body), alias.thresholds);
	const session = alias.stickyForMs > 0 ? sessionOf(admitted) : undefined;
	const pinned = await pinnedDeployment(admitted, deps);
	const state = boundState(admitted);
	const reads = state && readersOf(state, { operation: admitted.ingress.operation, seals: deps.routing.seals });
	const routing: Routing = { admitted, score, session, reads, deps };
	const excluded: Exclusion[] = [];
	const ordered: Deployment[] = [];
	let note: SessionNote | undefined;
	const aliases = [alias, ...fallbacksOf(admitted, snapshot)];
	for (const candidateAlias of aliases) {
		const fitting = candidateAlias.deployments.filter((deployment) => {
			const reason = exclusion(deployment, admitted, pinned, deps);
			if (reason !== undefined) {
				excluded.push({ deployment, reason });
			}
			return reason === undefined;
		});
		const placed = place(routing, candidateAlias, fitting);
		ordered.push(...placed.ordered);
		note ??= placed.note;
	}
	const resort = ordered.length === 0 ? lastResort(excluded, deps) : [];
	const spare: Deployment[] = [];
	for (const candidateAlias of resort.length === 0 ? [] : aliases) {
		const failing = resort.filter((deployment) => deployment.alias === candidateAlias.name);
		const placed = place(routing, candidateAlias, failing);
		spare.push(...placed.ordered);
		note = placed.note ?? note;
	}
	const targets = [...ordered, ...spare];
	const decision = encodeDecision({
		...decided(routing, targets),
		excluded: excluded.map(({ deployment, reason }) => ({ deploymentId: deployment.id, reason })),
		session: note,
	});
	if (targets.length === 0) {
		throw noteUnserved(nothingLeft(excluded, admitted, deps), { admitted, decision }, deps);
	}
	return {
		...admitted,
		score,
		session,
		state,
		decision,
		targets,
		// What always fails is asked once.
		attemptsMax: spare.some(({ id }) => deps.routing.health.alwaysFails(id)) ? 1 : alias.retries + 1,
		withMedia: requestMedia(admitted, deps),
	};
}

interface Routing {
	readonly admitted: Admitted;
	readonly score: RouteScore;
	readonly session: Session | undefined;
	/** Who can read what is sealed in it; undefined = nothing is. */
	readonly reads: ((deployment: Deployment) => boolean) | undefined;
	readonly deps: GatewayDeps;
}

/** Those fallbacks that the key may use. */
function fallbacksOf({ alias, principal }: Admitted, snapshot: Snapshot): readonly Alias[] {
	return alias.fallbacks
		.flatMap((name) => snapshot.aliases.get(name) ?? [])
		.filter((fallback) => mayUse(principal, fallback.name));
}

/**
 * The order of one alias's deployments: its strategy's, unless the conversation stays where it is; and before all that,
 * those that can read what is sealed in it.
 */
function place(
	routing: Routing,
	candidateAlias: Alias,
	fitting: readonly Deployment[],
): { readonly ordered: readonly Deployment[]; readonly note?: SessionNote | undefined } {
	const { admitted, session, score, reads, deps } = routing;
	const strategy = strategyFor(routing, candidateAlias);
	const ordered = orderBy(strategy, routing, candidateAlias, fitting);
	const { first, rest, outcome } = readersFirst(ordered, candidateAlias.deployments, reads);
	const isOwn = candidateAlias === admitted.alias;
	const note = outcome && isOwn ? ({ source: "state", outcome, warmAt: undefined } as const) : undefined;
	if (session === undefined || !isOwn || first.length === 0) {
		return { ordered: [...first, ...rest], note };
	}
	const sticky = deps.routing.stickiness.order({
		session,
		alias: candidateAlias,
		strategy,
		bucket: score.bucket,
		ordered: first,
		promptTokens: admitted.envelope.promptTokensMax,
		expectedCost: (deployment, cachedTokens) => costAt(deployment, admitted, cachedTokens),
	});
	return { ordered: [...sticky.ordered, ...rest], note: note ?? sticky.note };
}

function strategyFor({ admitted }: Routing, alias: Alias): Strategy {
	return admitted.principal.forceStrategy ?? alias.strategy;
}

function orderBy(
	strategy: Strategy,
	{ admitted, score, session, deps }: Routing,
	candidateAlias: Alias,
	candidates: readonly Deployment[],
): readonly Deployment[] {
	const { alias } = admitted;
	// A fallback's turns are counted apart: being named as one must not shift the turns of its own requests.
	const counted =
		candidateAlias === alias ? alias : { ...candidateAlias, name: `${alias.name}\n${candidateAlias.name}` };
	return deps.routing.orderer.order({
		alias: counted,
		strategy,
		candidates,
		bucket: score.bucket,
		expectedCost: (deployment) => costAt(deployment, admitted, 0),
		session: session?.id,
	});
}

function decided(routing: Routing, targets: readonly Deployment[]): Omit<Decision, "excluded" | "session"> {
	const { admitted, score } = routing;
	return {
		strategy: strategyFor(routing, admitted.alias),
		score: score.score,
		bucket: score.bucket,
		signals: score.signals,
		candidates: targets.map(({ id }) => id),
		shadow: shadowOf(routing, targets),
	};
}

/** What another strategy would have done first with the same deployments, for the share of requests that is to be asked. */
function shadowOf(routing: Routing, targets: readonly Deployment[]): Decision["shadow"] {
	const { alias } = routing.admitted;
	const { shadow } = alias;
	if (shadow === undefined || routing.deps.runtime.random() * 100 >= shadow.percent) {
		return undefined;
	}
	const own = targets.filter((deployment) => deployment.alias === alias.name);
	// Its turns are its own.
	const [first] = orderBy(shadow.strategy, routing, { ...alias, name: `${alias.name}\nshadow` }, own);
	return first && { strategy: shadow.strategy, deploymentId: first.id };
}

function costAt({ price: sheet }: Deployment, { envelope }: Admitted, cachedTokens: number): number | undefined {
	return sheet === undefined || !pricesQuantities(envelope.quantities, sheet)
		? undefined
		: expectedCostOf({
				...envelope,
				cachedTokens,
				outputTokensMax: envelope.generates ? envelope.maxOutputTokens : 0,
				sheet,
			});
}

/** `previous_response_id` lives at one provider: the request must go to the deployment that made it. */
async function pinnedDeployment(admitted: Admitted, deps: GatewayDeps): Promise<string | undefined> {
	const id = admitted.envelope.previousResponseId;
	if (id === undefined) {
		return undefined;
	}
	const owner = await deps.accounts.ledger.ownerOf(id);
	if (owner === undefined || !owns(admitted.principal, owner)) {
		throw notFoundBefore(id);
	}
	const deployment = deps.config.current().deployments.get(owner.deploymentId);
	if (deployment !== undefined && !keepsResponses(deployment)) {
		// Made there, but nobody has kept it: `store: false`, or its time is over.
		throw notFoundBefore(id);
	}
	return owner.deploymentId;
}

function notFoundBefore(id: string) {
	return notFound(
		`Previous response with id '${id.slice(0, 100)}' not found.`,
		"previous_response_not_found",
		"previous_response_id",
	);
}
