import type { Deployment } from "../config/types.ts";
import type { Deadline } from "../lib/deadlines.ts";
import type { FailureClass, GatewayDeps, Planned } from "./types.ts";

/** One attempt under way: what can stop it, and why it was stopped. */
export interface AttemptRun {
	readonly signal: AbortSignal;
	/** How long the first token may take while another deployment could take over; undefined = as long as the whole. */
	readonly ttftMs: number | undefined;
	/** The provider has said something. */
	reached(): void;
	/** Which deadline stopped it; undefined if none did. */
	expired(): Extract<FailureClass, "connect_timeout" | "ttft_timeout" | "idle_timeout" | "total_timeout"> | undefined;
	/** The answer has begun: from now on silence is bounded, not the time to the first token. */
	moving(idleMs: number): void;
	/** Bounds the silence anew. */
	moved(idleMs: number): void;
	abort(): void;
	/** Clears the deadlines. Idempotent. */
	close(): void;
}

/** A stream without an explicit `ttft_timeout` must show its first token in this time, if another deployment could take over. */
const TTFT_DEFAULT_MS = 30_000;

export function startRun(planned: Planned, deployment: Deployment, hasRelief: boolean, deps: GatewayDeps): AttemptRun {
	const controller = new AbortController();
	const { deadlines } = deps.runtime;
	let expired: ReturnType<AttemptRun["expired"]>;
	let phase: "ttft_timeout" | "idle_timeout" = "ttft_timeout";
	let hasReached = false;

	function reached(): void {
		hasReached = true;
		connecting.clear();
	}
	function stop(why: NonNullable<typeof expired>): void {
		expired ??= why;
		controller.abort();
	}
	const total = deadlines.after(deployment.timeoutMs, () => stop("total_timeout"));
	const ttftMs = timeToFirstTokenMs(planned, deployment, hasRelief);
	let silence: Deadline | undefined = ttftMs === undefined ? undefined : deadlines.after(ttftMs, () => stop(phase));
	const connecting = deadlines.after(deployment.connectTimeoutMs / 2, () => {
		// Half of the time is for fetch, the other half for finding out whether anybody is there.
		void deps.runtime.reachable(deployment.baseUrl, deployment.connectTimeoutMs / 2).then((isReachable) => {
			if (!isReachable && !hasReached) {
				stop("connect_timeout");
			}
		});
	});
	planned.scope.onLeave(() => controller.abort());

	return {
		signal: controller.signal,
		ttftMs,
		reached,
		expired: () => expired,
		moving(idleMs) {
			phase = "idle_timeout";
			silence?.clear();
			silence = deadlines.after(idleMs, () => stop(phase));
		},
		moved(idleMs) {
			// Roles and pings are no token: they do not buy time before the first one.
			if (phase === "idle_timeout") {
				silence?.reset(idleMs);
			}
		},
		abort: () => controller.abort(),
		close() {
			reached();
			total.clear();
			silence?.clear();
		},
	};
}

/**
 * Only a stream tells a slow provider from a dead one soon: an answer that comes whole may rightly take minutes, so
 * without an explicit `ttft_timeout` it has half of `timeout`, after which somebody else has the other half. One that
 * nobody could relieve has all of it: asking it once more would only make the client wait for the same again.
 */
function timeToFirstTokenMs(planned: Planned, deployment: Deployment, hasRelief: boolean): number | undefined {
	if (deployment.ttftTimeoutMs !== undefined) {
		return deployment.ttftTimeoutMs;
	}
	if (!hasRelief) {
		return undefined;
	}
	return planned.envelope.stream ? TTFT_DEFAULT_MS : deployment.timeoutMs / 2;
}
