import type { Timers } from "../../src/instances/timers.ts";
import type { FakeClock } from "../unit/limits/fake-clock.ts";

/** Timers that fire when a test moves the clock. */
export interface FakeTimers extends Timers {
	/** Moves the clock, timer by timer; what each has set going is done before the next. */
	advance(milliseconds: number): Promise<void>;
	/** Timers that would fire some day. */
	count(): number;
}

/** Lets everything run that waits for nothing but its turn. */
export async function settled(): Promise<void> {
	for (let turn = 0; turn < 3; turn += 1) {
		await new Promise((resolve) => setImmediate(resolve));
	}
}

export function createFakeTimers(clock: FakeClock): FakeTimers {
	const timers = new Set<{ dueAtMs: number; readonly everyMs: number | undefined; readonly task: () => void }>();

	function add(milliseconds: number, everyMs: number | undefined, task: () => void): () => void {
		const timer = { dueAtMs: clock.monotonic() + milliseconds, everyMs, task };
		timers.add(timer);
		return () => timers.delete(timer);
	}

	return {
		every: (milliseconds, task) => add(milliseconds, milliseconds, task),
		after: (milliseconds, task) => add(milliseconds, undefined, task),
		count: () => timers.size,
		async advance(milliseconds) {
			const endMs = clock.monotonic() + milliseconds;
			await settled();
			for (;;) {
				const [first] = [...timers].sort((one, other) => one.dueAtMs - other.dueAtMs);
				if (first === undefined || first.dueAtMs > endMs) {
					break;
				}
				clock.advance(Math.max(0, first.dueAtMs - clock.monotonic()));
				if (first.everyMs === undefined) {
					timers.delete(first);
				} else {
					first.dueAtMs += first.everyMs;
				}
				first.task();
				await settled();
			}
			clock.advance(Math.max(0, endMs - clock.monotonic()));
		},
	};
}
