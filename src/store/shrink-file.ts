import type { UpkeepDeps } from "./upkeep.ts";

/** Pages of one transaction: about 2 ms. */
const SLICE_PAGES_MAX = 64;
/** Free pages that stay in the file for what comes next. */
const SLACK_PART = 0.05;
const SLACK_BYTES_MIN = 1_048_576;
/** A file that cannot shrink is worth a word when so much of it is empty. */
const EMPTY_PART_TOLD = 0.25;
const EMPTY_BYTES_TOLD = 8 * 1_048_576;

/** Gives pages that are free back to the file system, but for some slack. */
export function createShrinkFile({ housekeeping, logger, pause, isStopped }: UpkeepDeps): () => Promise<void> {
	let hasTold = false;

	function tell(freeBytes: number, fileBytes: number): void {
		if (!hasTold && freeBytes > EMPTY_BYTES_TOLD && freeBytes > fileBytes * EMPTY_PART_TOLD) {
			hasTold = true;
			logger.warn("storage_cannot_shrink", {
				freeBytes,
				fileBytes,
				notice: "an older version made this file: rebuild it once, as docs/operations.md says, to get the space back",
			});
		}
	}

	return async () => {
		while (!isStopped()) {
			const { fileBytes, usedBytes, canShrink } = await housekeeping.size();
			const freeBytes = fileBytes - usedBytes;
			if (!canShrink) {
				tell(freeBytes, fileBytes);
				return;
			}
			const slackBytes = Math.max(SLACK_BYTES_MIN, fileBytes * SLACK_PART);
			if (freeBytes <= slackBytes || (await housekeeping.shrink(SLICE_PAGES_MAX)) <= 0) {
				return;
			}
			await pause();
		}
	};
}
