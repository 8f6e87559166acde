import type { Clock } from "../lib/clock.ts";

/** Nobody answered in time. */
export class DeadlinePassed extends Error {
	constructor(deadlineMs: number) {
		super(`no answer within ${deadlineMs} ms`);
		this.name = "DeadlinePassed";
	}
}

/** A timer that rings later than this was held up by this process, not by the one that is waited for. */
const LATE_MS = 5;
const GRACE_MS = 2;
const GRACES_MAX = 3;

/**
 * The work's own outcome, or `DeadlinePassed`. What comes later is ignored. An answer that has arrived while this process
 * was busy with something else is still read.
 */
export async function withinDeadline<T>(work: Promise<T>, deadlineMs: number, clock: Clock): Promise<T> {
	const late = Promise.withResolvers<never>();
	let timer: ReturnType<typeof setTimeout> | undefined;
	function arm(waitMs: number, gracesLeft: number): void {
		const dueMs = clock.monotonic() + waitMs;
		timer = setTimeout(() => {
			if (gracesLeft > 0 && clock.monotonic() - dueMs > LATE_MS) {
				arm(GRACE_MS, gracesLeft - 1);
			} else {
				late.reject(new DeadlinePassed(deadlineMs));
			}
		}, waitMs);
	}
	arm(deadlineMs, GRACES_MAX);
	try {
		return await Promise.race([work, late.promise]);
	} finally {
		clearTimeout(timer);
	}
}
