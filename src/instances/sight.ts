import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../telemetry/logger.ts";

/** How long ago the changes of others were seen last, told to the log once for each change of state. */
export interface Sight {
	/** A look at the changes has ended. */
	looked(problem: { readonly error: unknown } | undefined): void;
	/** Time has passed, whether a look has ended or not. */
	passed(): void;
	isStale(): boolean;
}

/** A database that fails over is away for some seconds, and nobody needs to hear of it. */
const UNSEEN_MS = 5_000;
const STALE_MS = 30_000;

export function createSight({
	clock,
	logger,
}: {
	readonly clock: Clock;
	readonly logger: Pick<Logger, "info" | "warn" | "error">;
}): Sight {
	let seenAtMs = clock.monotonic();
	let told: "seen" | "unseen" | "stale" = "seen";
	let cause: unknown;

	const unseenMs = () => clock.monotonic() - seenAtMs;

	function passed(): void {
		const facts = { seconds: Math.round(unseenMs() / 1_000), cause: cause === undefined ? undefined : String(cause) };
		if (told === "seen" && unseenMs() >= UNSEEN_MS) {
			told = "unseen";
			logger.warn("changes_unseen", facts);
		}
		if (told === "unseen" && unseenMs() > STALE_MS) {
			told = "stale";
			logger.error("keys_stale", facts);
		}
	}

	return {
		looked(problem) {
			cause = problem?.error;
			if (problem !== undefined) {
				passed();
				return;
			}
			if (told !== "seen") {
				logger.info("changes_seen", { seconds: Math.round(unseenMs() / 1_000) });
				told = "seen";
			}
			seenAtMs = clock.monotonic();
		},
		passed,
		isStale: () => unseenMs() > STALE_MS,
	};
}
