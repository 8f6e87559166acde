import type { Deployment } from "../config/types.ts";
import type { RequestScope } from "./live.ts";
import type { AttemptFailure, FailureClass } from "./types.ts";

/** Whom to ask next, and after which pause. */
export interface Candidate {
	readonly deployment: Deployment;
	/** Above 0 only for one that was tried before. */
	readonly pauseMs: number;
}

/** The deployments still worth trying for one request, best first. */
export interface Candidates {
	/** One never tried, else one that failed in a way that may pass; undefined = nobody is left. */
	next(): Candidate | undefined;
	failed(deployment: Deployment, failure: AttemptFailure): void;
}

/** These do not get better by asking the same deployment again. */
const HOPELESS: ReadonlySet<FailureClass> = new Set(["provider_auth", "quota", "redirect", "tls"]);
/** A provider that wants more time than this is not waited for. */
const WAIT_MAX_MS = 5_000;

export function createCandidates(
	targets: readonly Deployment[],
	retryAfterMs: number,
	random: () => number,
): Candidates {
	const fresh = [...targets];
	/** Tried and failed, longest ago first. */
	const again: Candidate[] = [];

	return {
		next() {
			const deployment = fresh.shift();
			return deployment === undefined ? again.shift() : { deployment, pauseMs: 0 };
		},
		failed(deployment, failure) {
			const waitMs = failure.class === "rate_limited" ? (failure.retryAfterMs ?? 0) : 0;
			if (!HOPELESS.has(failure.class) && waitMs <= WAIT_MAX_MS) {
				again.push({ deployment, pauseMs: Math.max(waitMs, retryAfterMs * (1 + random() / 2)) });
			}
		},
	};
}

/** Waits, but not for a client that has left. */
export function pause(milliseconds: number, scope: RequestScope): Promise<void> {
	if (milliseconds <= 0) {
		return Promise.resolve();
	}
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, milliseconds);
		scope.onLeave(() => {
			clearTimeout(timer);
			resolve();
		});
	});
}
