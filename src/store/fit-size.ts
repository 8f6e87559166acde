import type { StorageSettings } from "../config/types.ts";
import type { DropUnserved } from "./drop-unserved.ts";
import type { DatabaseSize } from "./housekeeping-types.ts";
import type { PruneDays } from "./prune-days.ts";
import { dayOf } from "./spend-days.ts";
import type { UpkeepDeps } from "./upkeep.ts";

/** Today and yesterday stay whatever the file's size is: requests that run over midnight count by their rows. */
const DAYS_MIN = 2;
/** Conversations that somebody is holding stay, and what somebody is looking into. */
const KEPT_MIN_MS = 3_600_000;
/** Kept responses of one transaction. */
const SLICE_KEPT_MAX = 50;
/** A file that is too large is brought below this part of what it may be. */
const FILL_TARGET = 0.95;

/**
 * Makes room in a file that is too large: the oldest requests that nobody was asked for, of which there may be many and
 * which cost nothing, then the oldest attempts, then the oldest kept responses and conversations.
 */
export function createFitSize(
	deps: UpkeepDeps,
	settings: () => StorageSettings,
	{ pruneDays, dropUnserved }: { readonly pruneDays: PruneDays; readonly dropUnserved: DropUnserved },
): () => Promise<void> {
	const { housekeeping, clock, logger, pause, isStopped } = deps;
	let isOver = false;

	function tell({ usedBytes }: DatabaseSize, maxBytes: number): void {
		const isOverNow = usedBytes > maxBytes;
		if (isOverNow && !isOver) {
			logger.error("storage_over_size", {
				usedBytes,
				maxBytes,
				notice: "what may go has gone; raise storage.max_size, or look for storage_day_refused",
			});
		} else if (!isOverNow && isOver) {
			logger.info("storage_within_size", { usedBytes, maxBytes });
		}
		isOver = isOverNow;
	}

	return async () => {
		const { bytesMax } = settings();
		const size = await housekeeping.size();
		if (size.usedBytes <= bytesMax) {
			tell(size, bytesMax);
			return;
		}
		const fits = async () => (await housekeeping.size()).usedBytes <= bytesMax * FILL_TARGET;
		await dropUnserved(clock.now() - KEPT_MIN_MS, fits);
		await pruneDays(dayOf(clock.now()) - (DAYS_MIN - 1), fits);
		while (!isStopped() && !(await fits())) {
			if ((await housekeeping.dropOldestKept(clock.now() - KEPT_MIN_MS, SLICE_KEPT_MAX)) === 0) {
				break;
			}
			await pause();
		}
		if (!isStopped()) {
			tell(await housekeeping.size(), bytesMax);
		}
	};
}
