import type { Clock } from "../lib/clock.ts";

/** Counts wrong credentials by client address, so that guessing is slow. Right ones are never slowed down. */
export interface AuthFailures {
	/** Notes one. Milliseconds to wait when there were too many of late, else undefined. */
	note(address: string): number | undefined;
}

/** Wrong keys an address may present in one second. */
const PER_SECOND_MAX = 20;
const WINDOW_MS = 1_000;
/** Addresses remembered; the oldest go first. */
const ADDRESSES_MAX = 10_000;

export function createAuthFailures(clock: Clock): AuthFailures {
	const windows = new Map<string, { startedAtMs: number; count: number }>();
	return {
		note(address) {
			const nowMs = clock.monotonic();
			const window = windows.get(address);
			if (window === undefined || nowMs - window.startedAtMs >= WINDOW_MS) {
				windows.delete(address);
				windows.set(address, { startedAtMs: nowMs, count: 1 });
				evictOldest();
				return undefined;
			}
			window.count += 1;
			return window.count > PER_SECOND_MAX ? WINDOW_MS - (nowMs - window.startedAtMs) : undefined;
		},
	};

	function evictOldest(): void {
		if (windows.size > ADDRESSES_MAX) {
			for (const address of windows.keys()) {
				windows.delete(address);
				return;
			}
		}
	}
}
