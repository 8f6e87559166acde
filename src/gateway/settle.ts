import type { Deployment } from "../config/types.ts";
import type { NanoUsd } from "../lib/money.ts";
import { NO_USAGE, totalTokens, type Usage } from "../lib/usage.ts";
import { costOf } from "../metering/cost.ts";
import type { AttemptClosing, OpenAttempt } from "../metering/ledger-types.ts";
import type { HealthRun } from "../routing/types.ts";
import { isRateLimit } from "./failure.ts";
import type { AttemptFailure, GatewayDeps, Planned } from "./types.ts";

/** How an attempt ended. */
export type Ending =
	| { readonly outcome: "ok"; readonly status: number; readonly seen: Seen }
	/** The provider refused the request itself (4xx): the client's fault, free, and no mark against the deployment. */
	| { readonly outcome: "refused"; readonly status: number }
	/** Failed, before (nothing seen) or after the first token. */
	| { readonly outcome: "upstream_failed"; readonly failure: AttemptFailure; readonly seen: Seen | undefined }
	/** The client left, or the gateway cut the request (key revoked, shutdown). */
	| { readonly outcome: "client_gone" | "cut"; readonly seen: Seen | undefined }
	/** The same, before the provider was called: free. */
	| { readonly outcome: "client_gone" | "cut"; readonly unsent: true };

/** What an answer showed of itself. */
export interface Seen {
	/** The provider's own count; undefined = it gave none. */
	readonly usage: Usage | undefined;
	readonly outputTokens: number;
	/** The id of a stored object, if one was made. */
	readonly objectId: string | undefined;
}

/** The books of one attempt: time, tokens, money and the deployment's health. Closed exactly once. */
export interface AttemptBooks {
	/** Notes the time to first token; only the first call counts. */
	firstToken(): void;
	/** Remembers who made a stored object, as soon as its id is known. */
	claim(objectId: string | undefined): void;
	/** The cost of the prompt and this many output tokens, by the gateway's own count. */
	estimateNano(outputTokens: number): NanoUsd;
	/** Resolves with the cost once the row is on disk. Further calls return the same promise. */
	settle(ending: Ending): Promise<NanoUsd>;
}

export function openBooks(
	planned: Planned,
	deployment: Deployment,
	opened: OpenAttempt,
	deps: GatewayDeps,
): AttemptBooks {
	const { clock } = deps.runtime;
	const startedAtMs = clock.monotonic();
	let ttftMs: number | undefined;
	let settled: Promise<NanoUsd> | undefined;
	let claimed: string | undefined;
	const health = deps.routing.health.begin(deployment.id);

	function close(ending: Ending): Promise<NanoUsd> {
		const durationMs = clock.monotonic() - startedAtMs;
		const closing = closingOf(ending, planned, deployment, { ttftMs: ttftMs ?? durationMs, durationMs });
		tellHealth(ending, closing, health);
		if (ending.outcome === "upstream_failed" && !saysNothing(ending.failure)) {
			deps.runtime.alarm(deployment, ending.failure);
		}
		deps.runtime.observer.attemptSettled(opened.opening, closing);
		if (closing.usageSource !== "none") {
			planned.ticket.correctTokens(totalTokens(closing.usage));
		}
		return deps.accounts.ledger.settle(opened, closing).then(() => closing.costNano);
	}

	return {
		firstToken() {
			if (ttftMs === undefined) {
				ttftMs = clock.monotonic() - startedAtMs;
				health.answering();
			}
		},
		claim(objectId) {
			if (objectId !== claimed && objectId !== undefined) {
				claimed = objectId;
				deps.accounts.ledger.claimObject(objectId, opened);
			}
		},
		estimateNano: (outputTokens) =>
			deployment.price === undefined ? 0 : costOf(estimated(planned, outputTokens), deployment.price),
		settle(ending) {
			settled ??= close(ending);
			return settled;
		},
	};
}

function closingOf(
	ending: Ending,
	planned: Planned,
	deployment: Deployment,
	times: { readonly ttftMs: number; readonly durationMs: number },
): AttemptClosing {
	const measured = measure(ending, planned);
	return {
		outcome: ending.outcome,
		upstreamStatus: "status" in ending ? ending.status : "failure" in ending ? ending.failure.status : undefined,
		errorClass: "failure" in ending ? ending.failure.class : undefined,
		usage: measured.usage,
		usageSource: measured.source,
		costNano:
			measured.source === "none" || deployment.price === undefined ? 0 : costOf(measured.usage, deployment.price),
		ttftMs: times.ttftMs,
		durationMs: times.durationMs,
		objectId: "seen" in ending ? ending.seen?.objectId : undefined,
	};
}

/**
 * The provider's count wins, zero included. Without one, a complete answer is estimated; a cut one pays for its prompt
 * and for the tokens that were seen; a failure that produced nothing is free.
 */
function measure(ending: Ending, planned: Planned): { usage: Usage; source: AttemptClosing["usageSource"] } {
	const nothing = { usage: NO_USAGE, source: "none" } as const;
	switch (ending.outcome) {
		case "refused":
			return nothing;
		case "ok": {
			const { usage, outputTokens } = ending.seen;
			return usage === undefined
				? { usage: estimated(planned, outputTokens), source: "estimated" }
				: { usage: withQuantities(usage, planned.envelope.quantities), source: "provider" };
		}
		case "upstream_failed":
			if (ending.seen === undefined || (ending.seen.usage === undefined && ending.seen.outputTokens === 0)) {
				return nothing;
			}
			break;
		case "client_gone":
		case "cut":
			if ("unsent" in ending) {
				return nothing;
			}
			break;
		default:
			ending satisfies never;
	}
	return { usage: ending.seen?.usage ?? estimated(planned, ending.seen?.outputTokens ?? 0), source: "partial" };
}

/** The gateway's own count, where the provider gave none. */
function estimated(planned: Planned, outputTokens: number): Usage {
	return { ...NO_USAGE, ...planned.envelope.quantities, input: planned.envelope.promptTokensMax, output: outputTokens };
}

/** Images, seconds and characters that only the request tells. */
function withQuantities(usage: Usage, quantities: Planned["envelope"]["quantities"]): Usage {
	if (quantities.images === undefined && quantities.seconds === undefined && quantities.characters === undefined) {
		return usage;
	}
	return {
		...usage,
		images: usage.images || (quantities.images ?? 0),
		seconds: usage.seconds || (quantities.seconds ?? 0),
		characters: usage.characters || (quantities.characters ?? 0),
	};
}

function tellHealth(ending: Ending, closing: AttemptClosing, health: HealthRun): void {
	switch (ending.outcome) {
		case "ok":
			health.succeeded(closing.ttftMs);
			break;
		case "refused":
			health.succeeded(undefined);
			break;
		case "upstream_failed":
			if (saysNothing(ending.failure)) {
				health.abandoned();
				break;
			}
			health.failed({
				class: ending.failure.class,
				// A server that fails may say when to come again, and has failed all the same.
				cooldownMs: isRateLimit(ending.failure.class) ? ending.failure.retryAfterMs : undefined,
			});
			break;
		case "client_gone":
		case "cut":
			health.abandoned();
			break;
		default:
			ending satisfies never;
	}
}

/** One client's tool that a model cannot handle says nothing of the others' requests; nor does an old connection. */
function saysNothing({ class: name, stale }: AttemptFailure): boolean {
	return name === "botched_generation" || stale === true;
}
