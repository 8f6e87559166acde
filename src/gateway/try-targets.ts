import type { Deployment } from "../config/types.ts";
import type { GatewayError } from "../lib/errors.ts";
import type { BudgetRefusal } from "../limits/types.ts";
import { budgetExceeded } from "./admit.ts";
import { attempt } from "./attempt.ts";
import type { Answered } from "./attempt-result.ts";
import { type Candidate, createCandidates, pause } from "./candidates.ts";
import { allFailed, isTimeout, neverReached } from "./failure.ts";
import { leftError, stopIfLeft } from "./refuse.ts";
import type { AttemptFailure, GatewayDeps, Planned } from "./types.ts";
import { noteUnserved } from "./unserved.ts";

/** No attempt begins later than this after its request, however many are left: nobody waits that long. */
const LAST_START_MS = 600_000;

/** What stood in the way of an answer, besides failures of providers. */
interface Obstacles {
	unaffordable?: BudgetRefusal;
	unsuited?: GatewayError;
	/** A model's own refusal of a prompt that another one might read. */
	tooLong?: Answered;
	/** The first refusal for what is sealed in the conversation. */
	unreadable?: Answered;
}

/** Stage 4: another deployment first, the same one again after a pause. Each attempt is a row of its own in the ledger. */
export async function tryTargets(planned: Planned, deps: GatewayDeps): Promise<Answered> {
	const mayTry = (deployment: Deployment, inMs: number) => mayBeTried(deployment, inMs, deps);
	const candidates = createCandidates(planned.targets, {
		retryAfterMs: planned.alias.retryAfterMs,
		random: deps.runtime.random,
		mayTry,
	});
	const failures: AttemptFailure[] = [];
	const obstacles: Obstacles = {};
	/** Rows so far: a stale connection, and a prompt that is too long or unreadable, make one each and are no failures. */
	let rows = 0;
	while (failures.length < planned.attemptsMax) {
		const next = candidates.next();
		if (next === undefined || !mayFollow(failures.at(-1), next, planned, deps)) {
			break;
		}
		await pause(next.pauseMs, planned.scope, deps.runtime.deadlines);
		stopIfLeft(planned.scope);
		if (next.pauseMs > 0 && !mayTry(next.deployment, 0)) {
			// Others have found out meanwhile that it is no use.
			continue;
		}
		const candidate = { planned, deployment: next.deployment, attempt: rows, retries: failures.length };
		const isLast = failures.length + 1 === planned.attemptsMax;
		const how = { isLast, hasRelief: !isLast && candidates.hasRelief(), freshConnection: next.freshConnection };
		const result = await attempt(candidate, how, deps);
		switch (result.kind) {
			case "answered":
				return answered(result, candidate, deps);
			case "left":
				throw leftError(result.reason);
			case "unaffordable":
				obstacles.unaffordable = result.refusal;
				break;
			case "unsuited":
				obstacles.unsuited ??= result.error;
				break;
			case "too_long":
				rows += 1;
				obstacles.tooLong ??= result.answered;
				if (!candidates.tooLongFor(next.deployment)) {
					return obstacles.tooLong;
				}
				break;
			case "unreadable_state":
				rows += 1;
				obstacles.unreadable ??= result.answered;
				if (result.canLeaveOut) {
					candidates.readsLess(next.deployment);
				}
				break;
			case "failed":
				rows += 1;
				candidates.failed(next.deployment, result.failure);
				if (result.failure.stale !== true) {
					failures.push(result.failure);
				}
				break;
			default:
				result satisfies never;
		}
	}
	return giveUp(planned, failures, obstacles, deps);
}

/** Whether a deployment may be asked once others have failed: not one that rests, not one that always fails. */
function mayBeTried({ id }: Deployment, inMs: number, { routing: { health, isEnabled } }: GatewayDeps): boolean {
	const standing = health.standing(id, inMs);
	return isEnabled(id) && (standing === "available" || (standing === "failing" && !health.alwaysFails(id)));
}

/** Whether one more attempt may follow a failed one: bounded, so that an outage of everybody is not multiplied. */
function mayFollow(
	failure: AttemptFailure | undefined,
	next: Candidate,
	{ alias, scope }: Planned,
	{ routing: { retries }, runtime: { clock } }: GatewayDeps,
): boolean {
	if (failure === undefined || next.freshConnection || next.readsLess === true) {
		return true;
	}
	if (clock.monotonic() - scope.startedAtMs > LAST_START_MS) {
		return false;
	}
	// Nobody has had any work with a connection that never came about, and the next deployment has not been asked yet.
	const isFree = next.pauseMs === 0 && neverReached(failure.class);
	return isFree || retries.take(alias.name, { isTimeout: isTimeout(failure.class) });
}

function answered(
	result: Answered,
	{ planned, deployment }: { readonly planned: Planned; readonly deployment: { readonly id: string } },
	{ routing }: GatewayDeps,
): Answered {
	routing.retries.succeeded(planned.alias.name);
	if (planned.session !== undefined && result.response.ok) {
		routing.stickiness.served(planned.session, deployment.id, planned.envelope.promptTokensMax);
	}
	return result;
}

function giveUp(
	planned: Planned,
	failures: readonly AttemptFailure[],
	{ unaffordable, unsuited, tooLong, unreadable }: Obstacles,
	deps: GatewayDeps,
): Answered {
	if (failures.length > 0) {
		throw allFailed(planned.alias.name, failures);
	}
	const refusal = tooLong ?? unreadable;
	if (refusal !== undefined) {
		return refusal;
	}
	const error = unaffordable === undefined ? unsuited : budgetExceeded(unaffordable, deps.runtime.clock.now());
	if (error === undefined) {
		throw new Error(`no deployment of '${planned.alias.name}' was tried, and nobody says why`);
	}
	throw noteUnserved(error, { admitted: planned, decision: planned.decision }, deps);
}
