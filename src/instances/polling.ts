import type { Clock } from "../lib/clock.ts";
import type { Timers } from "./timers.ts";

/** Runs one round at a time. Whoever asks while one is running shares the one after it, which has seen all that was asked for. */
export interface Polling {
	/**
	 * Resolves when a round that began after the call has ended, well or not.
	 * @param gapMs The round begins no sooner than this after the beginning of the one before.
	 */
	ask(gapMs: number): Promise<void>;
	/** No round begins any more; whoever waits for one is let go. Resolves when the running one has ended. */
	close(): Promise<void>;
}

export interface PollingDeps {
	/** Never rejects. */
	readonly round: () => Promise<void>;
	readonly clock: Clock;
	readonly timers: Timers;
}

export function createPolling({ round, clock, timers }: PollingDeps): Polling {
	let beganAtMs = Number.NEGATIVE_INFINITY;
	let running: Promise<void> | undefined;
	/** The round that is wanted and has not begun. */
	let next: { readonly promise: Promise<void>; readonly resolve: () => void; gapMs: number } | undefined;
	let stopWaiting = () => {};
	let isClosed = false;

	function begin(): void {
		stopWaiting();
		if (next === undefined || running !== undefined || isClosed) {
			return;
		}
		const waitMs = beganAtMs + next.gapMs - clock.monotonic();
		if (waitMs > 0) {
			stopWaiting = timers.after(waitMs, begin);
			return;
		}
		const { resolve } = next;
		next = undefined;
		beganAtMs = clock.monotonic();
		running = round().finally(() => {
			running = undefined;
			resolve();
			begin();
		});
	}

	return {
		ask(gapMs) {
			if (isClosed) {
				return Promise.resolve();
			}
			next ??= { ...Promise.withResolvers<void>(), gapMs };
			next.gapMs = Math.min(next.gapMs, gapMs);
			const { promise } = next;
			begin();
			return promise;
		},
		async close() {
			isClosed = true;
			stopWaiting();
			next?.resolve();
			await running;
		},
	};
}
