import type { Ingress } from "../dialects/types.ts";
import type { GatewayError } from "../lib/errors.ts";
import { newRequestId } from "../lib/ids.ts";
import type { BudgetRefusal } from "../limits/types.ts";
import { admit, budgetExceeded } from "./admit.ts";
import { attempt } from "./attempt.ts";
import type { Answered } from "./attempt-result.ts";
import { authenticate } from "./authenticate.ts";
import { type Candidate, createCandidates, pause } from "./candidates.ts";
import { allFailed, isTimeout, neverReached } from "./failure.ts";
import { logWhenFinished } from "./log-request.ts";
import { plan } from "./plan.ts";
import { receive } from "./receive.ts";
import { recollect } from "./recollect.ts";
import { leftError, refusalFacts, refuse, stopIfLeft } from "./refuse.ts";
import type { AttemptFailure, GatewayDeps, Planned } from "./types.ts";

/** Serves one request of the data plane. Never throws: whatever goes wrong becomes an answer in OpenAI's error shape. */
export type Handle = (request: Request, ingress: Ingress, address: () => string | undefined) => Promise<Response>;

/**
 * The story of a request: who asks → what for → what came before → may it → where to → try until one answers.
 * An answer in motion finishes its own scope when its last byte has left; everything else is finished here.
 */
export function createHandle(deps: GatewayDeps): Handle {
	return async function handle(request, ingress, address) {
		const scope = deps.runtime.live.open(newRequestId(), request.signal);
		logWhenFinished(scope, ingress.operation, deps.runtime);
		const snapshot = deps.config.current();
		try {
			const principal = await authenticate(request.headers, address, deps.authentication, ({ id }) =>
				scope.belongsTo(id),
			);
			const received = await receive(request, ingress, { scope, principal, server: snapshot.server }, deps);
			stopIfLeft(scope);
			const admitted = await admit(await recollect(received, deps), snapshot, deps);
			const planned = await plan(admitted, snapshot, deps);
			const { response, inMotion } = await tryTargets(planned, deps);
			scope.note({ status: response.status });
			if (!inMotion) {
				scope.finish();
			}
			return response;
		} catch (error) {
			const response = refuse(error, scope.requestId, deps.runtime.logger);
			scope.note({ status: response.status, ...refusalFacts(error) });
			scope.finish();
			return response;
		}
	};
}

/** Whether one more attempt may follow a failed one: bounded, so that an outage of everybody is not multiplied. */
function mayFollow(
	failure: AttemptFailure | undefined,
	next: Candidate,
	{ alias }: Planned,
	{ routing: { retries } }: GatewayDeps,
): boolean {
	// Nobody has had any work with a connection that never came about, and the next deployment has not been asked yet.
	const isFree = failure === undefined || (next.pauseMs === 0 && neverReached(failure.class));
	return isFree || retries.take(alias.name, { isTimeout: isTimeout(failure.class) });
}

/** Another deployment first, the same one again after a pause. Each attempt is a row of its own in the ledger. */
async function tryTargets(planned: Planned, deps: GatewayDeps): Promise<Answered> {
	const candidates = createCandidates(planned.targets, planned.alias.retryAfterMs, deps.runtime.random);
	const failures: AttemptFailure[] = [];
	let unaffordable: BudgetRefusal | undefined;
	let unsuited: GatewayError | undefined;
	while (failures.length < planned.attemptsMax) {
		const next = candidates.next();
		if (next === undefined || !mayFollow(failures.at(-1), next, planned, deps)) {
			break;
		}
		await pause(next.pauseMs, planned.scope);
		stopIfLeft(planned.scope);
		const candidate = { planned, deployment: next.deployment, attempt: failures.length };
		const result = await attempt(candidate, failures.length + 1 === planned.attemptsMax, deps);
		switch (result.kind) {
			case "answered":
				deps.routing.retries.succeeded(planned.alias.name);
				return result;
			case "left":
				throw leftError(result.reason);
			case "unaffordable":
				unaffordable = result.refusal;
				break;
			case "unsuited":
				unsuited ??= result.error;
				break;
			case "failed":
				failures.push(result.failure);
				candidates.failed(next.deployment, result.failure);
				break;
			default:
				result satisfies never;
		}
	}
	if (failures.length === 0 && unaffordable !== undefined) {
		throw budgetExceeded(unaffordable, deps.runtime.clock.now());
	}
	throw failures.length === 0 && unsuited !== undefined ? unsuited : allFailed(planned.alias.name, failures);
}
