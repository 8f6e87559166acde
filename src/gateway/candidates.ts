import type { Deployment } from "../config/types.ts";
import type { Deadlines } from "../lib/deadlines.ts";
import type { RequestScope } from "./live.ts";
import type { AttemptFailure, FailureClass } from "./types.ts";

/** Whom to ask next, and after which pause. */
export interface Candidate {
	readonly deployment: Deployment;
	/** Above 0 for one that has failed before, and for no other. */
	readonly pauseMs: number;
	/** The one that was just tried, whose connection had gone stale: the next must be a new one. */
	readonly freshConnection: boolean;
	/** The one that was just tried, which could not read all of the request: it is asked again with what it can read. */
	readonly readsLess?: true | undefined;
	/** It has kept a request waiting for its first token already. */
	readonly isSlow?: true | undefined;
}

/** The deployments still worth trying for one request, best first. */
export interface Candidates {
	/** One never tried, else one that failed in a way that may pass; undefined = nobody is left. */
	next(): Candidate | undefined;
	/** Whether somebody else could relieve the one that `next` gave last. */
	hasRelief(): boolean;
	failed(deployment: Deployment, failure: AttemptFailure): void;
	/** It is next once more, and only once, with less to read. */
	readsLess(deployment: Deployment): void;
	/** The prompt is too long for this one: only models that may read more are left. False when there are none. */
	tooLongFor(deployment: Deployment): boolean;
}

/** These do not get better by asking the same deployment again. */
const HOPELESS: ReadonlySet<FailureClass> = new Set(["provider_auth", "quota", "redirect", "tls"]);
/** A provider that wants more time than this is not waited for. */
const WAIT_MAX_MS = 5_000;
/** Whoever wants no pause gets one that can be told from none. */
const PAUSE_MIN_MS = 1;

const USUAL = { pauseMs: 0, freshConnection: false } as const;

/**
 * @param mayTry Whether a deployment may be asked in so many milliseconds: a breaker may have opened since the plan was
 * made, and a provider that asked for a moment has had it after the pause.
 */
export function createCandidates(
	targets: readonly Deployment[],
	{
		retryAfterMs,
		random,
		mayTry = () => true,
	}: {
		readonly retryAfterMs: number;
		readonly random: () => number;
		readonly mayTry?: (deployment: Deployment, inMs: number) => boolean;
	},
): Candidates {
	let fresh: readonly Deployment[] = targets;
	/** Tried and failed, longest ago first. */
	let again: readonly Candidate[] = [];
	/** The plan has just been made for it. */
	let isFirst = true;
	const renewed = new Set<Deployment>();
	const lessened = new Set<Deployment>();

	function takeFresh(): Candidate | undefined {
		const place = fresh.findIndex((deployment) => isFirst || mayTry(deployment, 0));
		const deployment = fresh[place];
		fresh = fresh.slice(place + 1);
		isFirst = false;
		return place === -1 || deployment === undefined ? undefined : { deployment, ...USUAL };
	}

	function takeAgain(): Candidate | undefined {
		const at = again.findIndex(
			(candidate) => isNextAtOnce(candidate) || mayTry(candidate.deployment, candidate.pauseMs),
		);
		const candidate = again[at];
		again = at === -1 ? [] : again.slice(at + 1);
		return candidate;
	}

	return {
		next: () => (isNextAtOnce(again[0]) ? takeAgain() : (takeFresh() ?? takeAgain())),
		hasRelief: () =>
			fresh.some((deployment) => mayTry(deployment, 0)) ||
			again.some(({ deployment, pauseMs, isSlow }) => isSlow !== true && mayTry(deployment, pauseMs)),
		failed(deployment, failure) {
			if (failure.stale === true && !renewed.has(deployment)) {
				renewed.add(deployment);
				again = [{ deployment, ...USUAL, freshConnection: true }, ...again];
				return;
			}
			const waitMs = failure.retryAfterMs ?? 0;
			if (!HOPELESS.has(failure.class) && waitMs <= WAIT_MAX_MS) {
				const pauseMs = Math.max(waitMs, retryAfterMs * (1 + random() / 2), PAUSE_MIN_MS);
				const isSlow = failure.class === "ttft_timeout" ? true : undefined;
				again = [...again, { deployment, ...USUAL, pauseMs, isSlow }];
			}
		},
		readsLess(deployment) {
			if (!lessened.has(deployment)) {
				lessened.add(deployment);
				again = [{ deployment, ...USUAL, readsLess: true }, ...again];
			}
		},
		tooLongFor(small) {
			fresh = fresh.filter((deployment) => mayReadMore(deployment, small));
			again = again.filter(({ deployment }) => mayReadMore(deployment, small));
			return fresh.length > 0 || again.length > 0;
		},
	};
}

function isNextAtOnce(candidate: Candidate | undefined): boolean {
	return candidate !== undefined && (candidate.freshConnection || candidate.readsLess === true);
}

/** Known to be larger; or a fallback of which nobody knows how much it reads. */
function mayReadMore(large: Deployment, small: Deployment): boolean {
	return large.maxContextTokens !== undefined && small.maxContextTokens !== undefined
		? large.maxContextTokens > small.maxContextTokens
		: large.alias !== small.alias && large.model !== small.model;
}

/** Waits, but not for a client that has left. */
export function pause(milliseconds: number, scope: RequestScope, deadlines: Deadlines): Promise<void> {
	if (milliseconds <= 0) {
		return Promise.resolve();
	}
	return new Promise((resolve) => {
		const over = deadlines.after(milliseconds, resolve);
		scope.onLeave(() => {
			over.clear();
			resolve();
		});
	});
}
