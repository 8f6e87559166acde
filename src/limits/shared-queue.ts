import type { Clock } from "../lib/clock.ts";
import { createPatience } from "../redis/patience.ts";
import type { AskedTake } from "./shared-batch.ts";

/** A request that waits for the counters, and for how long at most. */
export interface WaitingTake extends AskedTake {
	/** Milliseconds in which this process was there to hear an answer. */
	readonly patienceMs: number;
	/** Nobody has answered in time. */
	expired(): void;
}

/** Requests that wait, oldest first. One that is part of a call still waits. */
export function createWaitingQueue(clock: Clock) {
	const patience = createPatience(clock);
	/** With how to end its wait. */
	const unasked = new Map<WaitingTake, () => void>();
	const asked = new Map<WaitingTake, () => void>();

	function expire(take: WaitingTake): void {
		unasked.delete(take);
		asked.delete(take);
		take.isDone = true;
		take.expired();
	}
	return {
		add(take: WaitingTake): void {
			unasked.set(
				take,
				patience.wait(take.patienceMs, () => expire(take)),
			);
		},
		hasUnasked: () => unasked.size > 0,
		/** The oldest that are not part of a call yet; they are from now on. */
		next(max: number): readonly WaitingTake[] {
			const batch = [...unasked].slice(0, max);
			for (const [take, endWait] of batch) {
				unasked.delete(take);
				asked.set(take, endWait);
			}
			return batch.map(([take]) => take);
		},
		/** The call has ended, and its requests with it. */
		ended(): void {
			for (const endWait of asked.values()) {
				endWait();
			}
			asked.clear();
		},
		/** Nobody is going to answer. */
		expireAll(): void {
			for (const [take, endWait] of [...asked, ...unasked]) {
				endWait();
				expire(take);
			}
		},
	};
}
