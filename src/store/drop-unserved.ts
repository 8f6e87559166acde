import type { UpkeepDeps } from "./upkeep.ts";

/** Rows of one transaction: about 2 ms of the event loop. */
const SLICE_ROWS_MAX = 200;

/** Deletes requests that no provider was asked for, from before an instant, the oldest first, until it is enough. */
export type DropUnserved = (beforeMs: number, isEnough: () => Promise<boolean>) => Promise<void>;

export function createDropUnserved({ housekeeping, pause, isStopped }: UpkeepDeps): DropUnserved {
	return async (beforeMs, isEnough) => {
		while (!isStopped() && !(await isEnough())) {
			const dropped = await housekeeping.dropOldestUnserved(beforeMs, SLICE_ROWS_MAX);
			if (dropped < SLICE_ROWS_MAX) {
				return;
			}
			await pause();
		}
	};
}
