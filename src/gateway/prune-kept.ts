import type { ResponseStore } from "../store/types.ts";
import { horizonOf, type KeptDeps } from "./kept.ts";

/** How often what is over is looked for. */
const PRUNE_EVERY_MS = 60_000;
/** Rows of one transaction: a few milliseconds of the event loop. */
const SLICE_ROWS_MAX = 100;
/** Between two slices, so that requests come first. */
const PAUSE_MS = 20;

export interface PruningDeps extends Pick<KeptDeps, "clock" | "retentionMs" | "logger"> {
	readonly responses: Pick<ResponseStore, "prune">;
	readonly everyMs?: number | undefined;
}

/** Deletes kept responses and conversations whose time is over, a few at a time. Returns how to stop it, before the store closes. */
export function startPruning({ responses, everyMs = PRUNE_EVERY_MS, ...deps }: PruningDeps): () => void {
	let isStopped = false;
	let timer = setTimeout(run, Math.min(everyMs, PAUSE_MS));
	timer.unref();

	function later(afterMs: number): void {
		if (!isStopped) {
			timer = setTimeout(run, afterMs);
			timer.unref();
		}
	}
	function run(): void {
		responses.prune(horizonOf(deps), SLICE_ROWS_MAX).then(
			(deleted) => later(deleted > 0 ? PAUSE_MS : everyMs),
			(error: unknown) => {
				// What is over is not shown either way; it goes when the disk is well again.
				deps.logger.warn("pruning_failed", { error: String(error) });
				later(everyMs);
			},
		);
	}
	return () => {
		isStopped = true;
		clearTimeout(timer);
	};
}
