import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../telemetry/logger.ts";

/** A calendar that ran this far ahead of the monotonic clock was set, not slewed. */
const STEP_MS = 3_600_000;
/** How long a calendar that was set forward is not believed: a wrong one is mostly set right within minutes. */
const DOUBT_MS = 3_600_000;

/**
 * Whether the calendar may decide what is old. A clock that jumps a year ahead would make everything old at once: what it
 * says then counts only after an hour in which nobody has set it back.
 */
export function createSteadyClock(clock: Clock, logger: Pick<Logger, "warn">): { isTrusted(): boolean } {
	let known = { wallMs: clock.now(), monotonicMs: clock.monotonic() };
	let aheadMs = 0;
	let doubtedUntilMs = 0;
	return {
		isTrusted() {
			const now = { wallMs: clock.now(), monotonicMs: clock.monotonic() };
			const stepMs = now.wallMs - known.wallMs - (now.monotonicMs - known.monotonicMs);
			known = now;
			aheadMs += stepMs;
			if (stepMs > STEP_MS) {
				doubtedUntilMs = now.monotonicMs + DOUBT_MS;
				logger.warn("storage_clock_stepped", {
					forwardMs: Math.round(stepMs),
					notice: "nothing is deleted for an hour",
				});
			} else if (aheadMs <= STEP_MS) {
				doubtedUntilMs = 0;
			}
			if (now.monotonicMs < doubtedUntilMs) {
				return false;
			}
			aheadMs = 0;
			return true;
		},
	};
}
