import type { Clock } from "../lib/clock.ts";
import type { Batch } from "./shared-batch.ts";
import type { SharedCounters } from "./shared-types.ts";
import { callShared, type SharedAnswer } from "./shared-wire.ts";

export interface SharedLineDeps {
	readonly counters: SharedCounters;
	readonly clock: Clock;
	readonly instanceId: string;
	readonly expiryMs: number;
}

/** Numbers the calls of an instance, and remembers what each answer says of all. */
export function createSharedLine({ counters, clock, instanceId, expiryMs }: SharedLineDeps) {
	const counts = { calls: 0, callsFailed: 0 };
	let live = 0;
	let epoch: string | undefined;
	let calledAtMs = Number.NEGATIVE_INFINITY;
	return {
		counts,
		/** Instances that were alive when it was last heard of them. */
		live: () => live,
		/** Milliseconds since the last call. */
		silentMs: () => clock.monotonic() - calledAtMs,
		/** `hasLost`: the counters do not know any more what they were told before. */
		async send(batch: Batch, instances: number, isLast: boolean): Promise<{ answer: SharedAnswer; hasLost: boolean }> {
			counts.calls += 1;
			calledAtMs = clock.monotonic();
			try {
				const answer = await callShared(counters, {
					instance: instanceId,
					sequence: counts.calls,
					instances,
					expiryMs,
					isLast,
					subjects: batch.reports.map(({ subject, told }) => ({ id: subject.id, told })),
					requests: batch.requests,
				});
				const hasLost = epoch !== undefined && epoch !== answer.epoch;
				live = answer.live;
				epoch = answer.epoch;
				return { answer, hasLost };
			} catch (error) {
				counts.callsFailed += 1;
				throw error;
			}
		},
	};
}
